"""Signatures and attestations as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from supplychain.cli import witnesses
from supplychain.cli.console import printable, say
from supplychain.cli.context import OutputFormat, rfc3339, write, write_json
from supplychain.export.data import signer_data

if TYPE_CHECKING:
    from supplychain.model.evidence import Build, VerifiedAttestation
    from supplychain.records.run import RunRecord
    from supplychain.signing.found import Rejection


def predicate_types() -> list[str]:
    """What a shell offers behind `--type`."""
    from supplychain.signing.predicate_types import NAMES

    return list(NAMES)


def of_run(run: RunRecord) -> tuple[VerifiedAttestation, ...]:
    """Every statement that a run recorded, about the index first."""
    records = (*run.attestations, *(r for p in run.platforms for r in p.attestations))
    return tuple(record.attestation for record in records)


def as_data(
    verified: Sequence[VerifiedAttestation], rejected: Sequence[Rejection]
) -> dict[str, object]:
    """What holds and what does not, as data."""
    return {
        "verified": [document(attestation) for attestation in verified],
        "rejected": [{"manifest": str(r.manifest), "reason": r.reason} for r in rejected],
    }


def show(
    verified: Sequence[VerifiedAttestation],
    output: OutputFormat,
    rejected: Sequence[Rejection] = (),
) -> None:
    """Print what holds, and what was refused and why."""
    if output is OutputFormat.JSON:
        write_json(as_data(verified, rejected))
        return
    for attestation in verified:
        what = "signature" if attestation.is_signature else attestation.predicate_type
        who = witnesses.signer(attestation)
        first = f"{attestation.subject.digest}  {printable(what)}  {who}"
        lines = (first, *witnesses.lines(attestation), *build_lines(attestation.build))
        write("".join(f"{line}\n" for line in lines))
    for rejection in rejected:
        say(f"refused   {rejection.manifest.short}: {rejection.reason}")


def document(attestation: VerifiedAttestation) -> dict[str, object]:
    """One statement as data."""
    return {
        "subject": str(attestation.subject.digest),
        "predicate_type": attestation.predicate_type,
        **signer_data(attestation),
        "envelope": str(attestation.envelope),
        "predicate_digest": str(attestation.predicate_digest or "") or None,
        **build_data(attestation.build),
        "verified_at": rfc3339(attestation.verified_at),
    }


def build_lines(build: Build | None) -> list[str]:
    """What provenance says of a build, which tells one that examined from one that built."""
    if build is None:
        return []
    verb = "built" if build.is_of_image else "examined"
    return [f"  {verb} by {printable(build.builder)}, {printable(build.kind)}"]


def build_data(build: Build | None) -> dict[str, object]:
    """The same as data."""
    return {
        "builder": build.builder if build else None,
        "build_type": build.kind if build else None,
    }
