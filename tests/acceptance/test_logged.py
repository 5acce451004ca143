"""Signing with a key in public: its entries in a log, and the timestamps beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.misbehaving import reply
from tests.kit.shop import attached_to, digest_of
from tests.kit.sigstore.mock import MockSigstore

LOGGED = ("--key", "release.key", "--logged")
WHERE = ("--trusted-root", "root.json", "--signing-config", "services.json")
ROOT = WHERE[:2]
POLICY = "signature: {keys: [../release.pub], transparency_log: required, timestamp: required}"


@pytest.fixture
def office(desk: Desk, mock_sigstore: MockSigstore) -> Desk:
    """A desk with a private Sigstore next to it."""
    documents = mock_sigstore.sigstore()
    shutil.copy(documents.trusted_root, desk.folder / "root.json")
    shutil.copy(documents.signing_config, desk.folder / "services.json")
    return desk


def test_what_a_key_signs_is_logged_and_timestamped_where_that_is_asked_for(
    office: Desk, mock_sigstore: MockSigstore, repaired: Path
) -> None:
    image = f"oci:{repaired}"
    office.policy(POLICY)
    run = ("run", image, "-e", "prod", *ROOT)
    office.type(*run, "--key", "release.key").ended(10)

    done = office.type("sign", image, *LOGGED, *WHERE, "-o", "json").ended(0).json()["verified"]
    assert len(mock_sigstore.asked("rekor 2")) == len(mock_sigstore.asked("tsa")) == 1
    assert mock_sigstore.asked("fulcio") == []
    assert any(one["log_entries"] and one["times"] for one in done)
    office.type("gate", digest_of(repaired), "-e", "prod").ended(0)


def test_what_is_logged_is_not_logged_again_and_what_is_not_yet_is(
    office: Desk, mock_sigstore: MockSigstore, repaired: Path
) -> None:
    image = f"oci:{repaired}"
    office.type("sign", image, "--key", "release.key").ended(0)
    assert attached_to(repaired) == 1
    for _ in range(2):
        office.type("sign", image, *LOGGED, *WHERE).ended(0)
        assert attached_to(repaired) == 2
    assert len(mock_sigstore.asked("rekor 2")) == 1
    office.type("verify", image, "--key", "release.pub", *ROOT).ended(0)


def test_a_file_is_signed_in_public_too(
    office: Desk, mock_sigstore: MockSigstore, tmp_path: Path
) -> None:
    (office.folder / "shop.tar").write_bytes(b"shop")
    office.type("sign-blob", "shop.tar", *LOGGED, *WHERE, "--bundle", "b.json").ended(0)
    material = json.loads((office.folder / "b.json").read_text())["verificationMaterial"]
    assert len(material["tlogEntries"]) == 1
    assert len(material["timestampVerificationData"]["rfc3161Timestamps"]) == 1
    verify = ("verify-blob", "shop.tar", "--bundle", "b.json", "--key", "release.pub")
    office.type(*verify, *ROOT).ended(0)
    # The public services know nothing of this log.
    office.type(*verify).ended(1)


@pytest.mark.parametrize("service", ["rekor 2", "tsa"])
def test_without_its_witnesses_nothing_is_signed(
    office: Desk, mock_sigstore: MockSigstore, repaired: Path, service: str
) -> None:
    mock_sigstore.misbehave(service, reply(400, b"no"), always=True)
    refused = office.type("sign", f"oci:{repaired}", *LOGGED, *WHERE).ended(1)
    assert "400" in refused.stderr
    assert attached_to(repaired) == 0


def test_a_log_needs_to_be_named(office: Desk, repaired: Path) -> None:
    sign = ("sign", f"oci:{repaired}", *LOGGED)
    office.type(*sign).refused(2, "--signing-config")
    office.type(*sign, *WHERE[2:]).refused(2, "--trusted-root")
