"""Content digests, as the OCI image specification writes them (descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from supplychain.errors import InputError
from supplychain.frozen import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

# Nothing weaker than SHA-256 may name content here.
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The digest of some bytes: an algorithm (SHA-256 or stronger) and lower-case hex."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        """Refuse what is not a digest.

        Raises:
            InputError: Unknown or weak algorithm, wrong length, or not lower-case hex.
        """
        length = _HEX_LENGTH.get(self.algorithm)
        if length is None:
            raise InputError(
                f"digest algorithm {self.algorithm!r} is not accepted",
                hint="use sha256, sha384 or sha512",
            )
        if len(self.hex) != length or not _HEX.fullmatch(self.hex):
            raise InputError(
                f"{self.algorithm}:{self.hex[:140]} is not a digest",
                because=f"{self.algorithm} takes {length} lower-case hexadecimal digits",
            )

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `algorithm:hex`.

        Raises:
            InputError: The text is not a digest of an accepted algorithm.
        """
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise InputError(f"{text[:140]!r} is not a digest", hint="write it as sha256:<64 hex>")
        return cls(algorithm, value)

    @classmethod
    def of(cls, data: bytes) -> Digest:
        """The SHA-256 digest of these bytes."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    def hasher(self) -> _Hash:
        """A fresh hash object of this digest's algorithm, for streams."""
        return hashlib.new(self.algorithm, usedforsecurity=True)

    def matches(self, data: bytes) -> bool:
        """Whether these bytes hash to this digest."""
        return hashlib.new(self.algorithm, data).hexdigest() == self.hex

    @property
    def short(self) -> str:
        """The first twelve hex digits, for people; never for anything that is copied."""
        return self.hex[:12]

    def __str__(self) -> str:
        """`algorithm:hex`."""
        return f"{self.algorithm}:{self.hex}"
