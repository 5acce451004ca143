"""What was signed with a key of another kind than ours: verified, and judged by a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supplychain.images.layout import OciLayout
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import statement, storage
from supplychain.signing.bundle import Bundle
from supplychain.signing.dsse import Envelope, pre_authentication_encoding
from tests.kit.cli import Desk
from tests.kit.scans import AT
from tests.kit.shop import digest_of

MAKE: dict[str, Any] = {
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-384 with SHA-256, as cosign 2": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
SIGN: dict[str, Any] = {
    "P-384": lambda key, data: key.sign(data, ec.ECDSA(SHA384())),
    "P-384 with SHA-256, as cosign 2": lambda key, data: key.sign(data, ec.ECDSA(SHA256())),
    "RSA": lambda key, data: key.sign(data, padding.PKCS1v15(), SHA256()),
    "Ed25519": lambda key, data: key.sign(data),
}


@pytest.mark.parametrize("kind", MAKE)
def test_a_signature_counts_whatever_kind_of_key_made_it(
    kind: str, desk: Desk, repaired: Path
) -> None:
    key, image = MAKE[kind](), f"oci:{repaired}"
    _public(desk, "theirs", key)
    _public(desk, "others", MAKE[kind]())
    _sign(repaired, kind, key)
    desk.policy("signature: {keys: [../theirs.pub]}")

    desk.type("verify", image, "--key", "theirs.pub").ended(0)
    desk.type("verify", image, "--key", "others.pub").ended(1)
    desk.type("run", image, "-e", "prod", "--no-sign").ended(0)
    desk.policy("signature: {keys: [../others.pub]}")
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(10)


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())],
    ids=["short RSA", "secp256k1"],
)
def test_a_key_of_a_kind_that_nobody_registers_is_refused(
    key: Any, desk: Desk, repaired: Path
) -> None:
    _public(desk, "theirs", key)
    refused = desk.type("verify", f"oci:{repaired}", "--key", "theirs.pub").ended(2)
    assert "is of a kind that is not taken" in refused.stderr


def _public(desk: Desk, name: str, key: Any) -> None:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (desk.folder / f"{name}.pub").write_bytes(pem)


def _sign(layout: Path, kind: str, key: Any) -> None:
    store, subject = OciLayout(layout), Subject("shop", Digest.parse(digest_of(layout)))
    payload = statement.write(subject, SIGNATURE_PREDICATE, b"{}")
    signature = SIGN[kind](key, pre_authentication_encoding(payload))
    data = Bundle.by_key("", Envelope(payload, signature)).encode()
    manifest = store.manifest(subject.digest)
    storage.write(store, manifest, [(SIGNATURE_PREDICATE, data)], at=AT)
