"""Tokens of others that say who somebody is (JWT): read strictly, verified, never followed.

What a token says about how to verify it is not believed: the algorithm has to be on our list and
of the kind of the issuer's key, and a key or a URL in its head is not looked at. A public key is
never a secret for HMAC, for no HMAC is on the list.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from supplychain.access.issuers import Issuers, Key
from supplychain.errors import UnauthenticatedError
from supplychain.frozen import dataclass

# Which kind of key each takes, and on which curve.
_ALGORITHMS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512"), ("RSA", "")),
    **dict.fromkeys(("PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
_LONGEST = 16 * 1024
_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# How far the clocks of issuers may be from ours.
_SKEW = timedelta(seconds=60)
_SMALLEST_RSA = 2048


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says; nobody has verified any of it.

    Attributes:
        header: How it says that it is signed.
        claims: What it says.
        signed: The bytes that the signature is over.
        signature: The signature.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        """Who it says has issued it; "" where it does not say."""
        found = self.claims.get("iss")
        return found if isinstance(found, str) else ""


def read_unverified(text: str) -> Unverified:
    """The parts of a token, to see whom to ask about it.

    Raises:
        UnauthenticatedError: It is none, too long, or could be read in two ways.
    """
    parts = text.split(".") if len(text) <= _LONGEST else []
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise _refused("it has not the form of a signed token")
    header, claims, signature = (_decoded(part) for part in parts)
    return Unverified(
        _object(header), _object(claims), f"{parts[0]}.{parts[1]}".encode(), signature
    )


def verify(
    token: Unverified, issuers: Issuers, *, issuer: str, jwks_url: str = "", at: datetime
) -> Mapping[str, Any]:
    """What a token says, once its issuer is known to have said it and it holds.

    Args:
        token: The token.
        issuers: Gives the issuer's keys.
        issuer: Who has to have issued it: one whom somebody trusts.
        jwks_url: Where the keys are; "" to ask the issuer.
        at: The instant (aware, UTC).

    Raises:
        UnauthenticatedError: It is another's, not signed by them, over or not valid yet.
        IdentityProviderError: The issuer cannot be asked.
    """
    if token.issuer != issuer:
        raise _refused("another issuer than the trusted one has issued it")
    algorithm, kid = _algorithm(token.header), _kid(token.header)
    # Before anybody is asked: what is over is over, whoever signed it.
    _require_time(token.claims, at)
    _require_signature(token, algorithm, issuers.keys(issuer, jwks_url, kid=kid, at=at), kid)
    return token.claims


def _algorithm(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise _refused(f"it is signed by {str(algorithm)[:20]!r}, which is not accepted")
    if "crit" in header:
        raise _refused("its head demands what nobody here understands")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in {"jwt", "at+jwt", "application/jwt"}:
        raise _refused("it is a token of another kind")
    return algorithm


def _kid(header: Mapping[str, Any]) -> str | None:
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 500):
        raise _refused("it names no key that could be")
    return kid


def _require_signature(
    token: Unverified, algorithm: str, keys: Sequence[Key], kid: str | None
) -> None:
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    fitting = [key for key in keys if _fits(key, algorithm)]
    if not fitting or (kid is None and len(fitting) > 1):
        raise _refused("its issuer has no such key")
    for key in fitting:
        try:
            found = PyJWK(dict(key), algorithm=algorithm)
            size = getattr(found.key, "key_size", _SMALLEST_RSA)
            if key["kty"] == "RSA" and size < _SMALLEST_RSA:
                continue
            if found.Algorithm.verify(token.signed, found.key, token.signature):
                return
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue  # a key that cannot be used has signed nothing
    raise _refused("its issuer has not signed it")


def _fits(key: Key, algorithm: str) -> bool:
    kind, curve = _ALGORITHMS[algorithm]
    return (
        key.get("kty") == kind
        and (not curve or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _require_time(claims: Mapping[str, Any], at: datetime) -> None:
    ends = _instant(claims, "exp")
    if ends is None:
        raise _refused("it says not when it ends")
    if ends + _SKEW <= at:
        raise _refused("it is over")
    for name in ("nbf", "iat"):
        begins = _instant(claims, name)
        if begins is not None and begins - _SKEW > at:
            raise _refused("it is not valid yet")


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Neither infinity nor what is no number is between them.
    if not is_number or not 0 <= value < 2**40:
        raise _refused(f"its {name} is no time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise _refused(f"its {name} is no time") from None


def _decoded(part: str) -> bytes:
    try:
        found = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused("it has not the form of a signed token") from None
    # Otherwise texts that differ would be one and the same token.
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != part:
        raise _refused("it has not the form of a signed token")
    return found


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_plain)
    except (ValueError, RecursionError):
        raise _refused("it holds no JSON that could be read in one way only") from None
    if not isinstance(found, dict):
        raise _refused("it holds no JSON object")
    return found


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Nothing twice, and no text that cannot be written down: NUL, or half a character."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    for text in (*found, *found.values()):
        if isinstance(text, str) and b"\0" in text.encode():
            raise ValueError("NUL is no character")
    return found


def _refused(because: str) -> UnauthenticatedError:
    return UnauthenticatedError("this identity token does not hold", because=because)
