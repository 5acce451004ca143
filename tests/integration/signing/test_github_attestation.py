"""A real attestation by GitHub Actions, as it lies in the public log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.model.digest import Digest
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.signing import bundle_files, inventory
from supplychain.signing.inventory import Attached, State
from supplychain.signing.trust.root import public_good
from supplychain.signing.trust.trust import Trust

BUNDLE = Path(__file__).with_name("vectors") / "github.provenance.bundle.json"
AT = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
# What npm publishes of sigstore 2.0.0; the statement is about its SHA-512.
SUBJECT = Subject(
    "pkg:npm/sigstore@2.0.0",
    Digest(
        "sha512",
        "46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1"
        "e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c",
    ),
)
WORKFLOW = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class _Somebody:
    name: str
    issuer: str

    def accepts(self, identity: Identity, /) -> bool:
        return (identity.name, identity.issuer) == (self.name, self.issuer)


def _found(
    name: str = WORKFLOW,
    issuer: str = ISSUER,
    subject: Subject = SUBJECT,
    data: bytes = BUNDLE.read_bytes(),
) -> Attached:
    trust = Trust((), (_Somebody(name, issuer),), root=public_good)
    documents = bundle_files.read(data, BUNDLE.name)
    (found,) = inventory.of_file(documents, (subject,), trust, at=AT)
    return found


def test_it_is_believed_of_the_workflow_that_made_it_and_tells_who_built() -> None:
    found = _found()
    assert (found.state, found.reason) == (State.VERIFIED, "")
    assert found.attestation is not None
    assert found.attestation.verified_by == f"identity:{ISSUER} {WORKFLOW}"
    assert found.attestation.signed_at is not None
    build = found.attestation.build
    assert build is not None
    assert build.builder == "https://github.com/actions/runner/github-hosted"
    assert build.kind.endswith("github-actions-buildtypes/workflow/v1")
    assert build.is_of_image


@pytest.mark.parametrize(
    "changed",
    [
        {"name": WORKFLOW.replace("main", "fork")},
        {"name": WORKFLOW[:-1]},
        {"issuer": "https://issuer.example"},
        {"subject": Subject("x", Digest("sha512", "ab" * 64))},
        {"subject": Subject("x", Digest.of(b"x"))},
    ],
)
def test_it_is_not_believed_of_anybody_else_or_about_anything_else(changed: dict[str, str]) -> None:
    assert _found(**changed).state is State.REJECTED  # type: ignore[arg-type]


def test_without_its_log_entry_it_is_not_believed() -> None:
    whole = json.loads(BUNDLE.read_bytes())
    del whole["verificationMaterial"]["tlogEntries"]
    assert _found(data=json.dumps(whole).encode()).state is State.REJECTED
