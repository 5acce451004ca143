"""Patterns for names and issuers: RE2's syntax, which is Go's; they match the whole or not at all.

RE2 takes time in proportion to the text, whatever the pattern: a policy cannot stall the gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from supplychain.errors import InputError
from supplychain.gate.options import ListOf, Word

# No policy needs more, and a pattern that needs more memory is refused by RE2.
_LONGEST = 2000
# Names and issuers that nobody has (RFC 2606 keeps `.invalid` free, GitHub takes no double dash):
# a pattern that takes one of them takes anybody.
_NO_ISSUERS = ("https://nobody.invalid", "https://nobody.invalid/tenant/0a1b2c")
_NOBODY = (
    "nobody@nobody.invalid",
    "https://nobody.invalid/nobody/nobody",
    "https://github.com/no--body/no--body/.github/workflows/no--body.yml@refs/heads/no--body",
    "https://gitlab.com/no--body/no--body//.gitlab-ci.yml@refs/heads/no--body",
)
# Whoever wants one gets a name from these.
_OPEN_ISSUERS = frozenset(
    {
        "https://accounts.google.com",
        "https://github.com/login/oauth",
        "https://gitlab.com",
        "https://login.microsoftonline.com",
        "https://oauth2.sigstore.dev/auth",
        "https://token.actions.githubusercontent.com",
    }
)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern that was checked matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def any_issuer(pattern: str) -> bool:
    """Whether a pattern takes an issuer that anybody could run."""
    return any(matches(pattern, issuer) for issuer in _NO_ISSUERS)


def anybody_at(issuer: str, pattern: str) -> bool:
    """Whether a pattern takes anybody's name, at an issuer that gives everybody one.

    Args:
        issuer: The issuer; "" where there may be several.
        pattern: The pattern of the name.
    """
    is_open = not issuer or issuer in _OPEN_ISSUERS
    return is_open and any(matches(pattern, name) for name in _NOBODY)


def _parse(text: str) -> str:
    import re2

    if not text or len(text) > _LONGEST:
        raise InputError(
            "the pattern is empty" if not text else "the pattern is longer than any",
            hint="https://github.com/acme/shop/.*",
        )
    try:
        _compiled(text)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise InputError(
            f"{text[:60]!r} is not a pattern: {reason}", hint="write it as for RE2, or Go"
        ) from None
    return text


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False  # else they go to stderr as well
    return re2.compile(pattern, options)


def fits(patterns: Iterable[str], text: str) -> bool:
    """Whether any of some patterns matches the whole text."""
    return any(matches(pattern, text) for pattern in patterns)


PATTERN = Word("a pattern", _parse, {"type": "string", "minLength": 1})
PATTERNS = ListOf(PATTERN)
