"""An issuer of identity tokens: its keys, what it says of itself, what it signs, and forgeries."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

_KINDS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def encoded(data: Any) -> str:
    """A part of a token."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(slots=True)
class Issuer:
    """An issuer.

    Attributes:
        url: What it is called.
        keys: Its private keys by their names, each with its algorithm.
        says: What it says beside or instead of what an issuer says of itself.
    """

    url: str
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)

    def turn(self, kid: str, algorithm: str = "RS256", *, drop: bool = True) -> None:
        """Sign with a new key from now on."""
        if drop:
            self.keys.clear()
        self.keys[kid] = algorithm, _KINDS[algorithm]()

    def jwks(self) -> dict[str, Any]:
        found = []
        for kid, (algorithm, key) in self.keys.items():
            public = get_default_algorithms()[algorithm].to_jwk(key.public_key(), as_dict=True)
            found.append({**public, "kid": kid, "use": "sig", "alg": algorithm})
        return {"keys": found}

    def document(self, path: str) -> dict[str, Any] | None:
        """What is at a path of its; None for nothing."""
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **self.says}
        return self.jwks() if path == "/jwks" else None

    def claims(self, at: datetime, **more: Any) -> dict[str, Any]:
        now = int(at.timestamp())
        own = {"iss": self.url, "aud": "supplychain", "sub": "job-1", "iat": now, "exp": now + 600}
        return {**own, **more}

    def token(
        self,
        claims: Mapping[str, Any],
        *,
        kid: str | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """A genuine token."""
        named = kid or next(reversed(self.keys))
        algorithm, key = self.keys[named]
        return jwt.encode(
            dict(claims), key, algorithm=algorithm, headers={"kid": named, **(headers or {})}
        )


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """A token that nobody signed."""
    return f"{encoded({'alg': 'none', 'typ': 'JWT', **header})}.{encoded(dict(claims))}."


LATER = timedelta(minutes=5)
