"""Evidence into rows: the bulk of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson
from sqlalchemy import Table, bindparam, select, update

from supplychain.model.digest import Digest
from supplychain.model.evidence import Build, Evidence, EvidenceKind, Sbom, Scan
from supplychain.records.bulk import Filing, stage, unstage
from supplychain.records.configurations import file_configuration, secrets_text
from supplychain.records.projection import (
    Projection,
    Row,
    project_components,
    project_findings,
    severity_counts,
)
from supplychain.records.run import AttestationRecord, RunRecord
from supplychain.records.sbom_contents import file_contents, rows_of
from supplychain.records.schema import (
    assessments,
    attestations,
    evidence,
    inventories,
    sbom_qualities,
    sboms,
    scans,
)
from supplychain.records.staging import (
    FILE_COMPONENTS,
    FILE_FINDINGS,
    FILE_FIRST_FIXABLE,
    FILE_FIRST_SEEN,
    FILE_LAYERS,
    FILE_VULNERABILITIES,
    LINK_COMPONENTS,
    LINK_FINDINGS,
    staged_components,
    staged_findings,
)
from supplychain.records.witnesses import NONE, witness_columns


class _Scanned(NamedTuple):
    """A scan that is not recorded yet, with its lists."""

    image: int
    scan: Scan
    inventory: Projection
    assessment: Projection


def file_evidence(filing: Filing, run: RunRecord, numbers: dict[Digest, int]) -> None:
    """File a run's evidence, lists and facts before what names them.

    Args:
        filing: The transaction.
        run: What the run learnt.
        numbers: The number of every image in it.
    """
    scanned = _new_scans(filing, run, numbers)
    lists = _file_lists(filing, scanned)
    file_contents(filing, _listed(run))
    sightings = [_file_scan(filing, entry, *lists[entry.image]) for entry in scanned]
    for record in sorted(run.platforms, key=lambda record: record.subject.digest):
        image = numbers[record.subject.digest]
        if record.sbom:
            number = _file_item(filing, image, record.sbom.sbom.evidence)
            filing.insert(
                sboms,
                evidence_id=number,
                spec_version=record.sbom.sbom.spec_version,
                component_count=record.sbom.sbom.component_count,
            )
            _file_quality(filing, number, record.sbom.sbom)
        if record.config:
            file_configuration(filing, image, record.config)
        _file_attestations(filing, image, record.attestations, run.handed_in_by)
    of_index = numbers[run.subject.digest]
    _file_attestations(filing, of_index, run.attestations, run.handed_in_by)
    if sightings:
        for statement in (FILE_FIRST_SEEN, FILE_FIRST_FIXABLE):
            filing.connection.execute(
                statement.bindparams(bindparam("scans", expanding=True)), {"scans": sightings}
            )


def _listed(run: RunRecord) -> dict[Digest, dict[bytes, Row]]:
    """What signed SBOMs list, by their digests."""
    parts = (one for platform in run.platforms for one in platform.attestations)
    return {
        record.attestation.predicate_digest: rows_of(record.listed)
        for record in (*parts, *run.attestations)
        if record.listed is not None and record.attestation.predicate_digest is not None
    }


def _file_quality(filing: Filing, number: int, sbom: Sbom) -> None:
    if sbom.elements:
        measured = [[e.name, e.total, e.missing] for e in sbom.elements]
        filing.insert(sbom_qualities, evidence_id=number, elements=orjson.dumps(measured).decode())


def _new_scans(filing: Filing, run: RunRecord, numbers: dict[Digest, int]) -> list[_Scanned]:
    """The scans that are not recorded yet, in the order of their images."""
    made = {numbers[r.subject.digest]: r.scan.scan for r in run.platforms if r.scan}
    known = filing.connection.execute(
        select(evidence.c.image_id, evidence.c.digest).where(
            evidence.c.image_id.in_(made),
            evidence.c.kind == EvidenceKind.SCAN,
            evidence.c.digest.in_([scan.evidence.digest for scan in made.values()]),
        )
    )
    recorded = {(row.image_id, row.digest) for row in known}
    return [
        _Scanned(image, scan, project_components(scan.components), project_findings(scan.findings))
        for image, scan in sorted(made.items(), key=lambda item: item[0])
        if (image, scan.evidence.digest) not in recorded
    ]


def _file_lists(filing: Filing, scanned: Sequence[_Scanned]) -> dict[int, tuple[int, int]]:
    """The numbers of each image's inventory and assessment; their entries filed where new."""
    lists: dict[int, tuple[int, int]] = {}
    components: list[Row] = []
    findings: list[Row] = []
    for entry in scanned:
        counts = severity_counts(entry.scan.findings)
        inventory, is_new = _file_list(
            filing, inventories, entry.image, entry.inventory, component_count=len(entry.inventory)
        )
        components += entry.inventory.owned_by(inventory) if is_new else ()
        assessment, is_new = _file_list(
            filing, assessments, entry.image, entry.assessment, **counts
        )
        findings += entry.assessment.owned_by(assessment) if is_new else ()
        lists[entry.image] = (inventory, assessment)
    if components or findings:
        _file_entries(filing, components, findings)
    return lists


def _file_list(
    filing: Filing, table: Table, image: int, content: Projection, **counts: int
) -> tuple[int, bool]:
    return filing.number(table, {"image_id": image, "identity": content.identity}, **counts)


def _file_entries(filing: Filing, components: list[Row], findings: list[Row]) -> None:
    connection = filing.connection
    stage(connection, staged_components, components)
    stage(connection, staged_findings, findings)
    for statement in (
        FILE_LAYERS,
        FILE_COMPONENTS,
        LINK_COMPONENTS,
        FILE_VULNERABILITIES,
        FILE_FINDINGS[connection.dialect.name],
        LINK_FINDINGS,
    ):
        connection.execute(statement)
    unstage(connection, staged_components)
    unstage(connection, staged_findings)


def _file_scan(filing: Filing, entry: _Scanned, inventory: int, assessment: int) -> int:
    number = _file_item(filing, entry.image, entry.scan.evidence)
    filing.insert(
        scans,
        evidence_id=number,
        database_digest=entry.scan.database.digest,
        database_updated_at=entry.scan.database.updated_at,
        operating_system=entry.scan.operating_system,
        inventory_id=inventory,
        assessment_id=assessment,
        secrets=secrets_text(entry.scan.secrets),
    )
    return number


def _file_item(filing: Filing, image: int, item: Evidence) -> int:
    number, _ = filing.number(
        evidence,
        _named_by(image, item.kind, item.digest, item.verified_by),
        media_type=item.media_type,
        subject_name=item.subject.name,
        producer_name=item.producer.name,
        producer_version=item.producer.version,
        producer_digest=item.producer.digest,
        produced_at=item.produced_at,
    )
    return number


def _file_attestations(
    filing: Filing, image: int, records: Iterable[AttestationRecord], handed_in_by: str
) -> None:
    for record in sorted(records, key=lambda record: record.attestation.envelope):
        statement = record.attestation
        kind = EvidenceKind.SIGNATURE if statement.is_signature else EvidenceKind.ATTESTATION
        number, _ = filing.number(
            evidence,
            _named_by(image, kind, statement.envelope, statement.verified_by),
            media_type=record.media_type,
            subject_name=statement.subject.name,
            produced_at=statement.signed_at or statement.verified_at,
            handed_in_by=handed_in_by or None,
        )
        witnesses = witness_columns(statement)
        is_new = filing.insert(
            attestations,
            evidence_id=number,
            predicate_type=statement.predicate_type,
            payload_digest=statement.payload,
            key_fingerprint=statement.key_fingerprint,
            verified_at=statement.verified_at,
            predicate_digest=statement.predicate_digest,
            **_build(statement.build),
            **witnesses,
        )
        if not is_new:
            _add_witnesses(filing, number, witnesses)


def _build(build: Build | None) -> dict[str, str]:
    if build is None:
        return {}
    return {
        "builder": build.builder,
        "build_type": build.kind,
        "build_source": build.source,
        "build_ref": build.ref,
        "build_commit": build.commit,
        "build_images": orjson.dumps([(s.name, str(s.digest)) for s in build.images]).decode(),
    }


def _add_witnesses(filing: Filing, number: int, witnesses: dict[str, str | None]) -> None:
    """Keep the logs and clocks of a statement that was recorded before anybody looked at them."""
    for name in ("log_entries", "times"):
        if witnesses[name] != NONE:
            column = attestations.c[name]
            filing.connection.execute(
                update(attestations)
                .where(attestations.c.evidence_id == number, column == NONE)
                .values({column: witnesses[name]})
            )


def _named_by(
    image: int, kind: EvidenceKind, digest: Digest, verified_by: str
) -> dict[str, object]:
    return {"image_id": image, "kind": kind, "digest": digest, "verified_by": verified_by}
