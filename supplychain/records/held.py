"""What was looked for, as an image has it, from the rows that say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from supplychain.frozen import dataclass
from supplychain.gate.packages import Match, PackagePattern
from supplychain.model.finding import Severity


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """What was looked for, as a platform has it.

    Attributes:
        package: The package's name.
        version: Its version.
        purl: Its package URL; "" where it has none.
        detail: What is to be said of it: its licences, a finding's severity and fix; "" for
            nothing.
        certain: Whether it is what was asked for; otherwise it may be, and nobody can tell.
    """

    package: str
    version: str
    purl: str
    detail: str = ""
    certain: bool = True


def as_signed(held: Held, row: Row[Any]) -> Held:
    """A package as somebody's SBOM has it; of which platform of an index, it does not say."""
    detail = f"in an SBOM of {row.verified_by}"
    return replace(
        held,
        detail=f"{held.detail}; {detail}" if held.detail else detail,
        certain=held.certain and row.index_id is None,
    )


def what_of(held: Held) -> tuple[str, ...]:
    """What is the same package, whoever says that it is there."""
    return (held.purl,) if held.purl else (held.package, held.version)


def meant_by(row: Row[Any], pattern: PackagePattern) -> Held | None:
    """A recorded package as what a pattern means; None where it means another."""
    if not row.purl:
        match = Match.UNKNOWN if pattern.resembles(row.name) else Match.OUTSIDE
    else:
        match = pattern.covers(row.purl)
    if match is Match.OUTSIDE:
        return None
    certain = match is Match.INSIDE
    detail = "" if certain else "may be meant: its version or package URL cannot be compared"
    return Held(row.name, row.version, row.purl, detail, certain)


def finding_of(row: Row[Any]) -> Held:
    """A recorded finding, as whoever searches for its vulnerability is told."""
    fix = f"fixed in {row.fixed_version}" if row.fixed_version else "no fix known"
    detail = f"{Severity(row.severity)}, {fix}"
    return Held(row.package, row.installed_version, row.purl, detail)
