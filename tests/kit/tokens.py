"""Identity tokens as an OIDC issuer makes them; their signature is nobody's."""

from __future__ import annotations

import base64
import json
import time

ISSUER = "https://issuer.example"
_CI = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME")
# What would make a test's machine somebody.
SURROUNDINGS = (
    *_CI,
    "SIGSTORE_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
)


def identity_token(**claims: object) -> str:
    """A token for Sigstore that is good for ten minutes, unless claims say otherwise."""
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": "sigstore",
        "sub": "ann@example.com",
        "email": "ann@example.com",
        "email_verified": True,
        "iat": now,
        "exp": now + 600,
        **claims,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, {k: v for k, v in said.items() if v is not None})
    return ".".join([*(_encoded(json.dumps(one).encode()) for one in parts), "c2lnbmF0dXJl"])


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
