"""Whose certificates count: a name with its issuer, word for word or by expression.

A name means nothing without its issuer, so nobody can be trusted by one of the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from supplychain.errors import InputError
from supplychain.model.identity import Identity

_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Matching:
    """A text that has to be met as a whole.

    Attributes:
        text: The text, or a regular expression.
        is_expression: Whether it is an expression; it matches the whole value or nothing.
    """

    text: str
    is_expression: bool = False

    def __post_init__(self) -> None:
        """Refuse what would match nothing, or anything by mistake.

        Raises:
            InputError: It is empty, or no regular expression.
        """
        if not self.text or len(self.text) > _LONGEST:
            raise InputError("an identity or issuer to trust is empty, or longer than any")
        if self.is_expression:
            try:
                re.compile(self.text)
            except re.error as error:
                raise InputError(
                    f"{self.text[:80]!r} is no regular expression", because=str(error)
                ) from None

    def accepts(self, value: str) -> bool:
        """Whether a value is met."""
        if self.is_expression:
            return re.fullmatch(self.text, value) is not None
        return value == self.text


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """Somebody whose certificates count.

    Attributes:
        name: The certificate's subject alternative name.
        issuer: Who vouched for it.
    """

    name: Matching
    issuer: Matching

    def accepts(self, identity: Identity, /) -> bool:
        """Whether a certificate issued to this identity is theirs."""
        return self.name.accepts(identity.name) and self.issuer.accepts(identity.issuer)
