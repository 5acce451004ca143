"""What somebody hands in without a signature: read once, so that a policy may take their word."""

from __future__ import annotations

from datetime import datetime

import orjson

from supplychain.errors import InputError, SupplyChainError
from supplychain.gate.case import CLOCK_TOLERANCE
from supplychain.model.digest import Digest
from supplychain.model.dossier import PlatformDossier
from supplychain.model.evidence import CLAIM, Evidence, EvidenceKind, Producer, Scan
from supplychain.model.unsigned import UNKNOWN_DATABASE, Told
from supplychain.records.record import Record
from supplychain.sbom import document
from supplychain.sbom.cyclonedx import MEDIA_TYPE as CYCLONEDX
from supplychain.scan.coverage import blind_spots
from supplychain.scan.fields import instant
from supplychain.scan.report import Report, read_report
from supplychain.scan.trivy import REPORT_MEDIA_TYPE


def read_claim(
    record: Record, subject: Digest, kind: EvidenceKind, data: bytes, *, caller: str, at: datetime
) -> tuple[Told | None, str]:
    """What an unsigned document says of an image on record, or why it cannot count for anything.

    Whether it counts is for policies to say.

    Args:
        record: The record; it has to know the image.
        subject: The image that it claims to be about.
        kind: What it claims to be: an SBOM or a scan report.
        data: The document, which is a JSON object.
        caller: Whose word it is.
        at: Now (aware, UTC).

    Raises:
        StoreError: The record cannot be read.
    """
    try:
        platform = _platform(record, subject, at)
        if kind is EvidenceKind.SBOM:
            return _sbom(data, platform, caller, at), ""
        return _scan(data, platform, caller, at), ""
    except SupplyChainError as error:
        if error.retryable:
            raise
        return None, f"{error}: {error.because}" if error.because else str(error)


def _platform(record: Record, subject: Digest, at: datetime) -> PlatformDossier:
    dossier = record.dossier(subject, at=at)
    found = dossier.platforms if dossier else ()
    if [one.subject.digest for one in found] != [subject]:
        raise InputError("it is about an index", because="hand it in for each of its platforms")
    return found[0]


def _scan(data: bytes, platform: PlatformDossier, caller: str, at: datetime) -> Told:
    report = read_report(data)
    _require_about(report, platform)
    made_at = _moment(orjson.loads(data).get("CreatedAt"), at)
    evidence = Evidence(
        subject=platform.subject,
        kind=EvidenceKind.SCAN,
        digest=Digest.of(data),
        media_type=REPORT_MEDIA_TYPE,
        producer=Producer("trivy", report.version),
        produced_at=made_at,
        verified_by=f"{CLAIM}{caller}",
    )
    system = report.system
    return Told(
        scan=Scan(
            evidence=evidence,
            database=UNKNOWN_DATABASE,
            operating_system=f"{system.family} {system.release}".strip() if system else "",
            components=report.components,
            findings=(*blind_spots(report, None), *report.findings),
            # A report does not tell whether anybody looked where there are none.
            secrets=report.secrets or None,
        )
    )


def _require_about(report: Report, platform: PlatformDossier) -> None:
    """Refuse a report that is about another image than the caller says, by its own word."""
    config = platform.config
    if config is not None and config.digest != report.config_digest:
        raise InputError(
            "the report is about another image", because=f"of configuration {report.config_digest}"
        )
    wanted = platform.platform
    if (report.os, report.architecture) != (wanted.os, wanted.architecture):
        raise InputError(
            f"the report is about an image for {report.os}/{report.architecture}, not {wanted}"
        )


def _sbom(data: bytes, platform: PlatformDossier, caller: str, at: datetime) -> Told:
    said = orjson.loads(data).get("metadata")
    made_at = _moment(said.get("timestamp") if isinstance(said, dict) else None, at)
    evidence = Evidence(
        subject=platform.subject,
        kind=EvidenceKind.SBOM,
        digest=Digest.of(data),
        media_type=CYCLONEDX,
        producer=Producer("unknown", ""),
        produced_at=made_at,
        verified_by=f"{CLAIM}{caller}",
    )
    return Told(sbom=document.described(data, evidence))


def _moment(said: object, at: datetime) -> datetime:
    """When a document says that it was made: without that, nobody could tell how old it is."""
    try:
        found = instant(str(said)) if isinstance(said, str) else None
    except ValueError:
        found = None
    if found is None:
        raise InputError("it does not say when it was made")
    if found > at + CLOCK_TOLERANCE:
        raise InputError("it says that it was made in the future", because=f"at {said}")
    return found
