"""Cosign believes what the forge makes, in each form and with each kind of entry in a log.

Sigstore's own Python verifier says so of bundles too, in `tests/contract/test_forge.py`; of the
older form and of older kinds of entries it knows nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit import shop
from tests.kit.forging import forge as forge_image
from tests.kit.go_tools import COSIGN_3
from tests.kit.sigstore import AT, ISSUER, Forge, Signed
from tests.kit.sigstore.mock import MockSigstore
from tests.kit.sigstore.oidc import DEVELOPER

FILE = b"what is in the file"
KIND = "https://example.com/predicate"
WHO = ("--certificate-identity=alice@example.com", f"--certificate-oidc-issuer={ISSUER}")
_LAYERS = {
    "sig": "application/vnd.dev.cosign.simplesigning.v1+json",
    "att": "application/vnd.dsse.envelope.v1+json",
}
_EMPTY = {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}


@pytest.fixture(scope="module")
def forge() -> Forge:
    """The genuine one."""
    return Forge.create()


def statement(subject: str) -> bytes:
    """A statement about a digest."""
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": subject}}],
        "predicateType": KIND,
        "predicate": {"hello": "world"},
    }
    return json.dumps(value).encode()


def cosign(folder: Path, forge: Forge, verb: str, *arguments: str) -> str:
    """What cosign complains of; "" where it believes."""
    (folder / "root.json").write_bytes(forge.trusted_root())
    (folder / "file").write_bytes(FILE)
    return typed(folder, verb, "--trusted-root=root.json", *arguments)


def typed(folder: Path, *arguments: str) -> str:
    """What cosign complains of in a folder; "" where it does as it is told."""
    done = subprocess.run(
        [COSIGN_3.required(), *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr


@pytest.mark.parametrize("kind", ["dsse/0.0.1", "intoto/0.0.2"])
def test_an_envelope_in_the_log_of_version_one(forge: Forge, kind: str, tmp_path: Path) -> None:
    signed = forge.attest(statement(Digest.of(FILE).hex), kind=kind)
    assert believed(tmp_path, forge, signed) == ""


def test_a_timestamp_beside_the_log(forge: Forge, tmp_path: Path) -> None:
    signed = forge.attest(statement(Digest.of(FILE).hex), stamped_at=[AT])
    assert believed(tmp_path, forge, signed) == ""


def test_an_envelope_in_the_log_of_version_two(forge: Forge, tmp_path: Path) -> None:
    signed = forge.attest(statement(Digest.of(FILE).hex), log=forge.tiles)
    assert believed(tmp_path, forge, signed) == ""


def test_a_foreign_entry_is_not_believed(forge: Forge, tmp_path: Path) -> None:
    genuine = forge.attest(statement(Digest.of(FILE).hex))
    foreign = replace(genuine, entries=forge.attest(statement("ab" * 32)).entries)
    assert "transparency log signature does not match" in believed(tmp_path, forge, foreign)


@pytest.mark.parametrize("version", [1, 2])
def test_a_file(forge: Forge, version: int, tmp_path: Path) -> None:
    signed = forge.sign(FILE, log=forge.rekor if version == 1 else forge.tiles)
    (tmp_path / "bundle.json").write_bytes(signed.bundle())
    assert cosign(tmp_path, forge, "verify-blob", *WHO, "--bundle=bundle.json", "file") == ""


def test_an_image_signature_in_the_older_form(
    forge: Forge, with_the_api: str, tmp_path: Path
) -> None:
    image = an_image(with_the_api, tmp_path)
    repository, _, digest = image.partition("@")
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    signed = forge.sign(payload)
    put_beside(image, "sig", signed)
    older = ("--new-bundle-format=false", *WHO)
    assert cosign(tmp_path, forge, "verify", *older, image) == ""
    foreign = replace(signed, entries=forge.sign(b"something else").entries)
    put_beside(image, "sig", foreign)
    assert "signature in bundle does not match" in cosign(tmp_path, forge, "verify", *older, image)


@pytest.mark.parametrize("kind", ["dsse/0.0.1", "intoto/0.0.1"])
def test_an_attestation_in_the_older_form(
    forge: Forge, kind: str, with_the_api: str, tmp_path: Path
) -> None:
    image = an_image(with_the_api, tmp_path)
    signed = forge.attest(statement(image.rpartition(":")[2]), kind=kind)
    put_beside(image, "att", signed)
    older = ("--new-bundle-format=false", *WHO, f"--type={KIND}")
    assert cosign(tmp_path, forge, "verify-attestation", *older, image) == ""


def test_cosign_signs_and_attests_in_the_older_form_by_the_mock(
    mock_sigstore: MockSigstore, with_the_api: str, tmp_path: Path
) -> None:
    """What nobody else can show here: the older form, keyless, wants a Rekor v1."""
    image = an_image(with_the_api, tmp_path)
    sigstore = mock_sigstore.sigstore(rekor=1)
    root = f"--trusted-root={sigstore.trusted_root}"
    older = (root, "--new-bundle-format=false")
    asked = ("--use-signing-config=false", f"--fulcio-url={sigstore.fulcio}")
    signing = (*asked, f"--rekor-url={sigstore.rekor}", "--identity-token=token", "--yes")
    who = (f"--certificate-identity={DEVELOPER}", f"--certificate-oidc-issuer={sigstore.issuer}")
    (tmp_path / "predicate.json").write_text('{"hello": "world"}')
    kind = f"--type={KIND}"
    for arguments in (
        ("sign", *older, *signing, image),
        ("attest", *older, *signing, kind, "--predicate=predicate.json", image),
        ("verify", *older, *who, image),
        ("verify-attestation", *older, *who, kind, image),
    ):
        (tmp_path / "token").write_text(sigstore.token())
        assert typed(tmp_path, *arguments) == ""
    assert len(mock_sigstore.asked("rekor 1")) == 2


def believed(folder: Path, forge: Forge, signed: Signed) -> str:
    """What cosign complains of in an attestation of the file."""
    (folder / "bundle.json").write_bytes(signed.bundle())
    arguments = (*WHO, f"--type={KIND}", "--bundle=bundle.json", "file")
    return cosign(folder, forge, "verify-blob-attestation", *arguments)


def an_image(registry: str, folder: Path) -> str:
    """A new image in a registry."""
    reference = Reference(registry, f"forge/{folder.name.replace('_', '-')}".lower())
    return f"{reference}@{shop.push(forge_image(folder / 'layout'), reference)}"


def put_beside(image: str, suffix: str, signed: Signed) -> None:
    """Put an image with this only layer under cosign's older tag of an image."""
    name, _, digest = image.partition("@")
    host, _, path = name.partition("/")
    registry = RegistryRepository(Reference(host, path), RegistryOptions())
    layer = described(registry, _LAYERS[suffix], signed.layer())
    config = json.dumps(_EMPTY).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described(registry, "application/vnd.oci.image.config.v1+json", config),
        "layers": [layer | {"annotations": signed.annotations()}],
    }
    tag = f"{digest.replace(':', '-')}.{suffix}"
    registry.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST, tag=tag)


def described(registry: RegistryRepository, media_type: str, data: bytes) -> dict[str, object]:
    """Put a blob; its descriptor."""
    digest = registry.put_blob(data)
    return {"mediaType": media_type, "size": len(data), "digest": str(digest)}
