"""Files: real cosign verifies what we sign, and we verify what it signs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supplychain.images.reference import Reference
from tests.interop import tools
from tests.interop.matrix import COSIGN_2, COSIGN_3
from tests.interop.tools import Bench
from tests.kit.cli import PROGRAM
from tests.kit.forging import forge
from tests.kit.shop import push
from tests.kit.sigstore.oidc import DEVELOPER
from tests.kit.sigstore.private import PrivateSigstore

REVIEW = "https://example.com/review/v1"


@pytest.fixture
def file(bench: Bench) -> str:
    (bench.folder / "blob").write_bytes(b"what is in the file" * 100)
    (bench.folder / "review.json").write_text('{"by": "Ann"}')
    return "blob"


def believing(sigstore: PrivateSigstore) -> tuple[str, ...]:
    return (
        *("--trusted-root", str(sigstore.trusted_root), "--certificate-identity", DEVELOPER),
        *("--certificate-oidc-issuer", sigstore.issuer),
    )


def signing(sigstore: PrivateSigstore, bench: Bench) -> tuple[str, ...]:
    (bench.folder / "token").write_text(sigstore.token())
    return (
        *("--identity-token", "token", "--trusted-root", str(sigstore.trusted_root)),
        *("--signing-config", str(sigstore.signing_config)),
    )


def said(bench: Bench, *command: str | Path) -> None:
    done = bench.type(*command)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def refused(bench: Bench, *command: str | Path) -> None:
    done = bench.type(*command)
    assert done.returncode != 0, done.stdout


@pytest.mark.parametrize("reader", [COSIGN_3, COSIGN_2])
def test_cosign_verifies_what_a_key_signs(reader: str, file: str, bench: Bench) -> None:
    cosign = tools.program(reader)
    said(bench, PROGRAM, "sign-blob", file, "--key", "release.key", "--bundle", "b.json")
    new = () if reader == COSIGN_3 else ("--new-bundle-format", "--trusted-root", "root.json")
    verify = (cosign, "verify-blob", "--bundle", "b.json", "--insecure-ignore-tlog=true", *new)
    said(bench, *verify, "--key", "release.pub", file)
    refused(bench, *verify, "--key", "other.pub", file)


def test_cosign_verifies_what_a_key_states(file: str, bench: Bench) -> None:
    cosign = tools.program(COSIGN_3)
    stated = ("--type", REVIEW, "--predicate", "review.json", "--bundle", "b.json")
    said(bench, PROGRAM, "sign-blob", file, "--key", "release.key", *stated)
    verify = (cosign, "verify-blob-attestation", "--bundle", "b.json", "--key", "release.pub")
    said(bench, *verify, "--insecure-ignore-tlog=true", "--type", REVIEW, file)


def test_we_verify_what_cosign_signs_with_a_key(file: str, bench: Bench) -> None:
    cosign = tools.program(COSIGN_3)
    key = ("--key", "release.key", "--bundle", "b.json", "--yes")
    alone = ("--tlog-upload=false", "--use-signing-config=false")
    verify = (PROGRAM, "verify-blob", file, "--bundle", "b.json")
    said(bench, cosign, "sign-blob", *key, *alone, file)
    said(bench, *verify, "--key", "release.pub")
    refused(bench, *verify, "--key", "other.pub")
    stated = ("--type", REVIEW, "--predicate", "review.json")
    said(bench, cosign, "attest-blob", *key, *alone, *stated, file)
    said(bench, *verify, "--key", "release.pub", "--type", REVIEW)
    refused(bench, *verify, "--key", "release.pub", "--type", "slsaprovenance1")


def test_cosign_verifies_what_an_identity_signs(
    file: str, bench: Bench, private_sigstore: PrivateSigstore
) -> None:
    cosign = tools.program(COSIGN_3)
    who = believing(private_sigstore)
    flags = ("--keyless", *signing(private_sigstore, bench), "--bundle", "b.json")
    said(bench, PROGRAM, "sign-blob", file, *flags)
    said(bench, cosign, "verify-blob", "--bundle", "b.json", *who, file)
    said(bench, PROGRAM, "verify-blob", file, "--bundle", "b.json", *who)
    (bench.folder / "another").write_bytes(b"another")
    refused(bench, cosign, "verify-blob", "--bundle", "b.json", *who, "another")
    stated = ("--type", REVIEW, "--predicate", "review.json")
    said(bench, PROGRAM, "sign-blob", file, *flags, *stated)
    verify = ("verify-blob-attestation", "--bundle", "b.json", *who, "--type", REVIEW)
    said(bench, cosign, *verify, file)


def test_we_verify_what_cosign_signs_as_an_identity(
    file: str, bench: Bench, private_sigstore: PrivateSigstore
) -> None:
    cosign = tools.program(COSIGN_3)
    who = believing(private_sigstore)
    verify = (PROGRAM, "verify-blob", file, "--bundle", "b.json")
    flags = ("--bundle", "b.json", "--yes")
    said(bench, cosign, "sign-blob", *flags, *signing(private_sigstore, bench), file)
    said(bench, *verify, *who)
    refused(bench, *verify, *who[:2], "--certificate-identity", "eve@example.com", *who[4:])
    stated = ("--type", REVIEW, "--predicate", "review.json")
    said(bench, cosign, "attest-blob", *flags, *stated, *signing(private_sigstore, bench), file)
    said(bench, *verify, *who, "--type", REVIEW)


def test_cosign_verifies_an_image_that_an_identity_signs(
    bench: Bench, private_sigstore: PrivateSigstore, with_the_api: str, tmp_path: Path
) -> None:
    cosign = tools.program(COSIGN_3)
    reference = Reference(with_the_api, "keyless/app")
    image = f"{reference}@{push(forge(tmp_path / 'layout'), reference)}"
    flags = ("--keyless", *signing(private_sigstore, bench))
    said(bench, PROGRAM, "sign", image, *flags)
    said(bench, cosign, "verify", *believing(private_sigstore), image)
    stated = ("--type", REVIEW, "--predicate", "review.json")
    (bench.folder / "review.json").write_text(json.dumps({"by": "Ann"}))
    said(bench, PROGRAM, "attest", image, *flags, *stated)
    verify = ("verify-attestation", *believing(private_sigstore), "--type", REVIEW)
    said(bench, cosign, *verify, image)
