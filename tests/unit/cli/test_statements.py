"""Signatures and attestations as people and programs read them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from supplychain.cli import statements
from supplychain.cli.context import OutputFormat
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    PIPELINE_BUILD_TYPE,
    PROVENANCE_PREDICATE,
    SIGNATURE_PREDICATE,
    Build,
)
from supplychain.model.identity import Clock, Identity, NameKind, TrustedTime
from supplychain.signing.found import Rejection
from tests.kit.policies import CI, LOG_ENTRY
from tests.kit.runs import FINGERPRINT, attestation_record, index_run, manifest_run
from tests.kit.scans import AT, SUBJECT

SIGNATURE = attestation_record(predicate_type=SIGNATURE_PREDICATE).attestation
SBOM = attestation_record(predicate_digest=Digest.of(b"the SBOM")).attestation
EVIL = attestation_record(predicate_type="https://evil.example/\x1b[2J").attestation


def test_a_runs_statements_are_those_of_the_index_and_of_every_platform() -> None:
    run = index_run(attestations=True)
    assert [a.subject for a in statements.of_run(run)] == [run.subject]
    one = manifest_run(attestations=(attestation_record(),))
    assert len(statements.of_run(one)) == 1


def test_each_statement_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    statements.show((SIGNATURE, SBOM), OutputFormat.TEXT)
    assert capsys.readouterr().out.splitlines() == [
        f"{SUBJECT.digest}  signature  {FINGERPRINT}",
        f"{SUBJECT.digest}  {CYCLONEDX_PREDICATE}  {FINGERPRINT}",
    ]


def test_an_identity_is_shown_with_its_clocks_its_log_and_its_claims(
    capsys: pytest.CaptureFixture[str],
) -> None:
    signed = replace(
        SIGNATURE, identity=CI, log_entries=(LOG_ENTRY,), times=(TrustedTime(AT, Clock.LOG, "l"),)
    )
    statements.show((signed,), OutputFormat.TEXT)
    assert capsys.readouterr().out.splitlines() == [
        f"{SUBJECT.digest}  signature  {CI.name} ({CI.issuer})",
        "  2026-01-15T12:00:00Z  transparency log  l",
        "  entry 7  dsse 0.0.1  https://log.test",
        "  source_repository_ref: refs/heads/main",
        "  source_repository_uri: https://github.com/acme/shop",
    ]
    made = statements.document(signed)
    assert made["identity"] == {
        "name": CI.name,
        "kind": "uri",
        "issuer": CI.issuer,
        "claims": dict(CI.claims),
    }
    assert made["log_entries"] == [
        {"log": "https://log.test", "log_id": "00ff", "index": 7, "kind": "dsse 0.0.1"}
    ]
    assert made["times"] == [
        {"at": "2026-01-15T12:00:00Z", "clock": "transparency log", "name": "l"}
    ]


def test_a_claim_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = Identity("a\x1b[2J", NameKind.OTHER, "i\x1b[2J", (("c", "\x1b[2J"),))
    entry = replace(LOG_ENTRY, log="\x1b[2J", kind="\x1b[2J")
    times = (TrustedTime(AT, Clock.LOG, "\x1b[2J"),)
    shown = replace(SIGNATURE, identity=evil, log_entries=(entry,), times=times)
    statements.show((shown,), OutputFormat.TEXT)
    assert "\x1b" not in capsys.readouterr().out


def test_a_type_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    statements.show((EVIL,), OutputFormat.TEXT)
    assert "\x1b" not in capsys.readouterr().out


def test_what_was_refused_is_said_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Digest.of(b"a forgery")
    refused = Rejection(manifest, "no given key made the signature")
    statements.show((SIGNATURE,), OutputFormat.TEXT, (refused,))
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err == f"refused   {manifest.short}: no given key made the signature\n"


@pytest.mark.parametrize(
    ("kind", "verb"), [("https://build.example/v1", "built"), (PIPELINE_BUILD_TYPE, "examined")]
)
def test_provenance_is_shown_with_who_says_to_have_made_what(
    kind: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = replace(SBOM, predicate_type=PROVENANCE_PREDICATE, build=Build("https://ci\n", kind))
    statements.show((told,), OutputFormat.TEXT)
    assert f"  {verb} by https://ci\N{REPLACEMENT CHARACTER}, {kind}\n" in capsys.readouterr().out


def test_as_data_everything_is_whole(capfd: pytest.CaptureFixture[str]) -> None:
    refused = Rejection(Digest.of(b"a forgery"), "why")
    statements.show((SIGNATURE, SBOM), OutputFormat.JSON, (refused,))
    document = json.loads(capfd.readouterr().out)
    signature, sbom = document["verified"]
    assert signature["predicate_digest"] is None
    assert sbom == {
        "subject": str(SUBJECT.digest),
        "predicate_type": CYCLONEDX_PREDICATE,
        "key_fingerprint": FINGERPRINT,
        "identity": None,
        "log_entries": [],
        "times": [],
        "envelope": str(SBOM.envelope),
        "predicate_digest": str(Digest.of(b"the SBOM")),
        "builder": None,
        "build_type": None,
        "verified_at": "2026-01-15T12:00:00Z",
    }
    assert document["rejected"] == [{"manifest": str(Digest.of(b"a forgery")), "reason": "why"}]
