"""AWS KMS as moto plays it, taught that what is to be signed may come as a digest."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, slots=True)
class RunningKms:
    """A KMS that answers; the environment is set for its clients.

    Attributes:
        client: A client of it.
    """

    client: Any

    def new_key(self, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
        """A new key's alias, with `alias/`."""
        alias = f"alias/{uuid.uuid4().hex}"
        made = self.client.create_key(KeySpec=spec, KeyUsage=usage)
        self.client.create_alias(AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])
        return alias


@contextlib.contextmanager
def running_kms() -> Iterator[RunningKms]:
    """A KMS on loopback, for as long as the context lasts."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        _teach_digests(patch)
        server.start()
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL_KMS": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        try:
            yield RunningKms(boto3.session.Session().client("kms"))
        finally:
            server.stop()


def _teach_digests(patch: pytest.MonkeyPatch) -> None:
    """Moto 5.2 hashes what it is given even for `MessageType=DIGEST`, which KMS does not."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256
    from moto.kms.responses import KmsResponse
    from moto.kms.utils import ECDSAPrivateKey

    usual_answer, usual_signature = KmsResponse.sign, ECDSAPrivateKey.sign
    digests: list[bool] = []

    def answer(self: Any) -> Any:
        digests.append(self._get_param("MessageType") == "DIGEST")
        try:
            return usual_answer(self)
        finally:
            digests.pop()

    def signature(self: Any, message: bytes, signing_algorithm: str) -> Any:
        if not (digests and digests[-1]):
            return usual_signature(self, message, signing_algorithm)
        return self.private_key.sign(message, ECDSA(Prehashed(SHA256())))

    patch.setattr(KmsResponse, "sign", answer)
    patch.setattr(ECDSAPrivateKey, "sign", signature)


@pytest.fixture(scope="module")
def aws_kms() -> Iterator[RunningKms]:
    """A KMS for the tests of one module."""
    with running_kms() as running:
        yield running
