"""What was learnt about an image's platforms, on its way to the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.images.resolve import ResolvedImage
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.records.run import (
    AttestationRecord,
    ConfigRecord,
    PlatformRecord,
    RunRecord,
    SbomRecord,
    ScanRecord,
)
from supplychain.signing.publication import SIGNATURE, Claim

if TYPE_CHECKING:
    from supplychain.scan.scanner import ScanResult


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt about one platform, and what is to be said about it."""

    scan: ScanRecord | None
    config: ConfigRecord
    sbom: SbomRecord | None = None
    claims: tuple[Claim, ...] = ()


# What is to be said about which digest.
Claims = Mapping[Digest, Sequence[Claim]]


def claims_of(subject: Digest, learnt: Mapping[Digest, Learnt]) -> Claims:
    """Everything that is to be said about an image and those of its platforms looked at."""
    claims: dict[Digest, Sequence[Claim]] = {subject: (SIGNATURE,)}
    return claims | {digest: found.claims for digest, found in learnt.items()}


def scan_record(result: ScanResult) -> ScanRecord:
    """A scan as it is recorded."""
    return ScanRecord(result.scan, result.report)


def run_record(
    image: ResolvedImage,
    learnt: Mapping[Digest, Learnt],
    sealed: Mapping[Digest, tuple[AttestationRecord, ...]],
    *,
    tag: str | None = None,
    resolved: bool = False,
) -> RunRecord:
    """Everything about one digest; an index lists all its platforms, examined or not.

    Args:
        image: What the digest stands for.
        learnt: What was learnt about its platforms, each by its digest.
        sealed: What was verified about the image and its platforms.
        tag: The tag that led to it; None where none did.
        resolved: Whether a registry was seen to have it under its name.
    """
    platforms = []
    for child in image.children:
        found = learnt.get(child.digest)
        if child.platform is None:  # `resolve` names every platform; a silent gap would be an allow
            raise InputError(f"{child.digest} has no platform", because=f"in {image.subject}")
        platform = PlatformRecord(
            Subject(image.subject.name, child.digest),
            child.platform,
            child.media_type,
            found.scan if found else None,
            found.sbom if found else None,
            sealed.get(child.digest, ()),
            found.config if found else None,
        )
        platforms.append(platform)
    about_index = sealed.get(image.subject.digest, ()) if image.is_index else ()
    return RunRecord(
        image.subject,
        image.media_type,
        tuple(platforms),
        about_index,
        tag,
        resolved,
    )
