"""Google Cloud KMS and Azure Key Vault as far as signing goes, each by its REST reference.

Their real client libraries speak to them over loopback; nothing of those is replaced.
"""

from __future__ import annotations

import base64
import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.signing.keys import azure, google
from supplychain.signing.keys.remote import RemoteSigner
from tests.kit.json_server import Json, JsonServer, Reply, Request, json_server
from tests.kit.tls import Authority

_PREHASHED = ec.ECDSA(Prehashed(SHA256()))
_VERSION = re.compile(r"/v1/.+/cryptoKeyVersions/(\d+)(/publicKey|:asymmetricSign)")
KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/k"


@dataclass(slots=True)
class FakeCloudKms:
    """`cloudkms.googleapis.com`, REST v1.

    Attributes:
        server: What answers.
        versions: The enabled versions of the key `KEY`, by number.
        algorithm: What they say that they are.
        broken: Answered to everything, where set.
    """

    server: JsonServer
    versions: dict[int, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    algorithm: str = "EC_SIGN_P256_SHA256"
    broken: Reply | None = None

    def add_version(self) -> int:
        """A new version of the key; its number."""
        number = len(self.versions) + 1
        self.versions[number] = ec.generate_private_key(ec.SECP256R1())
        return number

    def signer(self, reference: str = f"gcpkms://{KEY}") -> RemoteSigner:
        """The signer, through Google's own client."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.kms_v1 import KeyManagementServiceClient
        from google.cloud.kms_v1.services.key_management_service.transports import (
            KeyManagementServiceRestTransport,
        )

        host = self.server.address.removeprefix("http://")
        nobody: Any = AnonymousCredentials
        transport = KeyManagementServiceRestTransport(
            host=host, credentials=nobody(), url_scheme="http"
        )
        return google.signer(reference, KeyManagementServiceClient(transport=transport))

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        if self.broken is not None:
            return self.broken
        path = urlsplit(request.path).path
        if path == f"/v1/{KEY}/cryptoKeyVersions":
            names = [f"{KEY}/cryptoKeyVersions/{number}" for number in self.versions]
            return Reply(
                200, {"cryptoKeyVersions": [{"name": n, "state": "ENABLED"} for n in names]}
            )
        match = re.fullmatch(
            rf"/v1/{KEY}/cryptoKeyVersions/(\d+)(/publicKey|:asymmetricSign)", path
        )
        if match is None or int(match[1]) not in self.versions:
            return google_error(404, "NOT_FOUND", f"{path} not found.")
        private = self.versions[int(match[1])]
        if match[2] == "/publicKey":
            return Reply(200, {"pem": _pem(private), "algorithm": self.algorithm})
        digest = base64.b64decode(request.body["digest"]["sha256"])
        signature = private.sign(digest, _PREHASHED)
        return Reply(200, {"signature": base64.b64encode(signature).decode()})


def google_error(status: int, reason: str, message: str) -> Reply:
    """An error as `google.rpc.Status` over HTTP."""
    return Reply(status, {"error": {"code": status, "message": message, "status": reason}})


@contextlib.contextmanager
def fake_cloud_kms() -> Iterator[FakeCloudKms]:
    """A KMS with one version of the key `KEY`."""
    with json_server() as server:
        running = FakeCloudKms(server)
        server.answer = running.answer
        running.add_version()
        yield running


@dataclass(slots=True)
class FakeKeyVault:
    """A vault, REST 7.x, that sends those without a token for one, as the real one does.

    Attributes:
        server: What answers.
        authority: Signed its certificate.
        keys: The versions of the key `release`, the last of which is current.
        curve: What they say that they are.
        broken: Answered to everything that has a token, where set.
    """

    server: JsonServer
    authority: Authority
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    curve: str = "P-256"
    broken: Reply | None = None

    def add_version(self) -> str:
        """A new version of the key; its name."""
        name = f"{len(self.keys) + 1:032x}"
        self.keys[name] = ec.generate_private_key(ec.SECP256R1())
        return name

    def signer(self, name: str = "release") -> RemoteSigner:
        """The signer, through Azure's own client."""
        return azure.signer(
            f"azurekms://{self.server.address.removeprefix('https://')}/{name}",
            _Credential(),
            connection_verify=str(self.authority.certificate_file),
            verify_challenge_resource=False,  # loopback is not under vault.azure.net
            retry_backoff_factor=0.0,
        )

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        if request.headers.get("Authorization") != f"Bearer {_Credential.token}":
            challenge = (
                'Bearer authorization="https://login.microsoftonline.com/tenant", '
                'resource="https://vault.azure.net"'
            )
            return Reply(401, {}, {"WWW-Authenticate": challenge})
        if self.broken is not None:
            return self.broken
        match = re.fullmatch(r"/keys/release(?:/([0-9a-f]{32})?)?(/sign)?", _path(request))
        version = (match and match[1]) or next(reversed(self.keys), "")
        if match is None or version not in self.keys:
            return azure_error(404, "KeyNotFound", "A key with (name/id) x was not found")
        kid = f"{self.server.address}/keys/release/{version}"
        if match[2]:
            raw = _raw(self.keys[version].sign(_unurl(request.body["value"]), _PREHASHED))
            return Reply(200, {"kid": kid, "value": _url(raw)})
        numbers = self.keys[version].public_key().public_numbers()
        key: Json = {
            "kid": kid,
            "kty": "EC",
            "key_ops": ["sign", "verify"],
            "crv": self.curve,
            "x": _url(numbers.x.to_bytes(32)),
            "y": _url(numbers.y.to_bytes(32)),
        }
        return Reply(200, {"key": key, "attributes": {"enabled": True}})


def azure_error(status: int, code: str, message: str) -> Reply:
    """An error as Key Vault says it."""
    return Reply(status, {"error": {"code": code, "message": message}})


@contextlib.contextmanager
def fake_key_vault(folder: Path) -> Iterator[FakeKeyVault]:
    """A vault with one version of the key `release`."""
    authority = Authority.create(folder)
    with json_server(tls=authority.issue(folder, "127.0.0.1")) as server:
        running = FakeKeyVault(server, authority)
        server.answer = running.answer
        running.add_version()
        yield running


class _Credential:
    """Somebody whom the vault knows."""

    token = "hunter2"

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self.token, int(time.time()) + 3600)


def _path(request: Request) -> str:
    return urlsplit(request.path).path


def _pem(private: ec.EllipticCurvePrivateKey) -> str:
    public = private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _raw(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32) + s.to_bytes(32)


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unurl(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
