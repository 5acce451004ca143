"""One run into one transaction.

The order of the steps is part of the design: every transaction takes its locks in the same order
(images, lists, facts, evidence, first sightings, claims; sorted within each), so two never
deadlock.
"""

from __future__ import annotations

from sqlalchemy import select, update

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.records.bulk import Filing
from supplychain.records.filing import file_evidence
from supplychain.records.run import PlatformRecord, RunRecord
from supplychain.records.schema import (
    evidence,
    image_names,
    images,
    index_children,
    tag_resolutions,
)
from supplychain.records.vex import file_vex


@dataclass(frozen=True, slots=True)
class Added:
    """What was not there yet.

    Attributes:
        images: Digests of indexes and platform manifests, sorted.
        evidence: Digests of evidence, sorted.
    """

    images: tuple[str, ...]
    evidence: tuple[str, ...]


def file_run(filing: Filing, run: RunRecord) -> Added:
    """File everything that a run learnt; what is there already is left as it is.

    Returns:
        What was not there yet.
    """
    numbers, new = _file_images(filing, run)
    added = _not_there_yet(filing, run, numbers)
    if run.is_index:
        _file_children(filing, run, numbers)
    _file_names(filing, run, numbers)
    if run.tag is not None:
        _file_tag(filing, run, run.tag, numbers[run.subject.digest])
    file_evidence(filing, run, numbers)
    file_vex(filing, run)
    return Added(new, added)


def _not_there_yet(filing: Filing, run: RunRecord, numbers: dict[Digest, int]) -> tuple[str, ...]:
    brought = {record.attestation.envelope for record in run.attestations}
    for platform in run.platforms:
        brought |= {record.attestation.envelope for record in platform.attestations}
        brought |= {platform.scan.scan.evidence.digest} if platform.scan else set()
        brought |= {platform.sbom.sbom.evidence.digest} if platform.sbom else set()
    known = filing.connection.scalars(
        select(evidence.c.digest).where(
            evidence.c.image_id.in_(numbers.values()), evidence.c.digest.in_(brought)
        )
    )
    return tuple(sorted(str(digest) for digest in brought - set(known)))


def _file_images(filing: Filing, run: RunRecord) -> tuple[dict[Digest, int], tuple[str, ...]]:
    """The number of each image, and those that are new."""
    new = []
    for record in sorted(run.platforms, key=lambda record: record.subject.digest):
        is_new = filing.insert(
            images,
            digest=record.subject.digest,
            media_type=record.media_type,
            kind="manifest",
            **_platform(record),
        )
        if is_new:
            new.append(str(record.subject.digest))
        elif not run.is_index:
            _correct_platform(filing, record)
    if run.is_index and filing.insert(
        images, digest=run.subject.digest, media_type=run.media_type, kind="index"
    ):
        new.append(str(run.subject.digest))
    digests = [record.subject.digest for record in run.platforms]
    found = filing.connection.execute(
        select(images.c.digest, images.c.id).where(
            images.c.project_id == filing.project,
            images.c.digest.in_([run.subject.digest, *digests]),
        )
    )
    return {row.digest: row.id for row in found}, tuple(sorted(new))


def _correct_platform(filing: Filing, record: PlatformRecord) -> None:
    """What an image says of itself stands above what an index once said that nobody examined."""
    filing.connection.execute(
        update(images)
        .where(
            images.c.project_id == filing.project,
            images.c.digest == record.subject.digest,
            images.c.kind == "manifest",
        )
        .values(**_platform(record))
    )


def _platform(record: PlatformRecord) -> dict[str, str | None]:
    platform = record.platform
    return {
        "os": platform.os,
        "architecture": platform.architecture,
        "variant": platform.variant,
    }


def _file_children(filing: Filing, run: RunRecord, numbers: dict[Digest, int]) -> None:
    index = numbers[run.subject.digest]
    for position, record in enumerate(run.platforms):
        child = numbers[record.subject.digest]
        filing.insert(
            index_children,
            index_id=index,
            child_id=child,
            position=position,
            **_platform(record),
        )


def _file_names(filing: Filing, run: RunRecord, numbers: dict[Digest, int]) -> None:
    resolved_at = filing.recorded_at if run.resolved else None
    for digest in sorted(numbers):
        name, number = run.subject.name, numbers[digest]
        is_new = filing.insert(image_names, name=name, image_id=number, resolved_at=resolved_at)
        if run.resolved and not is_new:
            _resolve_name(filing, name, number)


def _resolve_name(filing: Filing, name: str, image: int) -> None:
    """What only a file was called so far, a registry turned out to have under that name."""
    column = image_names.c
    filing.connection.execute(
        update(image_names)
        .where(
            column.project_id == filing.project,
            column.name == name,
            column.image_id == image,
            column.resolved_at.is_(None),
        )
        .values(resolved_at=filing.recorded_at)
    )


def _file_tag(filing: Filing, run: RunRecord, tag: str, image: int) -> None:
    """Append to the tag's history if it points elsewhere than when it was last resolved."""
    column = tag_resolutions.c
    last = filing.connection.scalar(
        select(column.image_id)
        .where(
            column.project_id == filing.project,
            column.name == run.subject.name,
            column.tag == tag,
        )
        .order_by(column.resolved_at.desc())
        .limit(1)
    )
    if last != image:
        filing.insert(
            tag_resolutions,
            name=run.subject.name,
            tag=tag,
            resolved_at=filing.recorded_at,
            image_id=image,
        )
