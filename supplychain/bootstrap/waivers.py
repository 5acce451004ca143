"""What a request for a waiver leaves out, and whose policies it concerns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from supplychain.errors import InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.finding import Severity
from supplychain.model.waiver import WaiverScope

if TYPE_CHECKING:
    from supplychain.gate.waiver_terms import WaiverRules
    from supplychain.records.record import Record
    from supplychain.records.waiver_reading import Affected
    from supplychain.settings import Settings

# What a scope without a vulnerability may meet.
ANY_SEVERITY: tuple[Severity | None, ...] = (None, *Severity)
_NUMBER = re.compile(r"(?:WV-)?([1-9][0-9]{0,8})", re.IGNORECASE)
_DAY = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Scoped:
    """A scope with everything in it, and how bad what it is about may be.

    Attributes:
        scope: The scope.
        severities: Those that the record knows; all where it knows none.
    """

    scope: WaiverScope
    severities: tuple[Severity | None, ...] = ANY_SEVERITY


def waiver_number(text: str) -> int:
    """The number of a waiver: `WV-17` or `17`.

    Raises:
        InputError: It is none.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"{text[:40]!r} names no waiver", hint="as in WV-17")
    return int(match[1])


def expiry(text: str, at: datetime) -> datetime:
    """When a waiver ends: `14d` from now, the beginning of a day, or an instant.

    Raises:
        InputError: It is no such time.
    """
    from supplychain.gate.durations import parse_duration
    from supplychain.gate.windows import INSTANT

    if re.fullmatch("[0-9]+[smhd]", text):
        return (at + parse_duration(text)).replace(microsecond=0)
    written = f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text
    try:
        found: datetime = INSTANT.parse(written)
    except InputError:
        raise InputError(
            f"{text[:40]!r} is not a time at which a waiver could end",
            hint="as in 14d, 2027-01-31 or 2027-01-31T12:00:00Z",
        ) from None
    return found.astimezone(UTC)


def policies_about(
    settings: Settings, environments: Collection[str]
) -> Mapping[str, WaiverRules | None]:
    """What the policies of environments say of waivers; of every environment, where none is named.

    Raises:
        InputError: No environment can have one of these names.
        PolicyError: A policy is not usable.
    """
    from supplychain.bootstrap.trust import load_policy_or_part, policy_of
    from supplychain.gate.options import ENVIRONMENT
    from supplychain.gate.policy import Policy

    if environments:
        # They name files, and whoever asks is not to name those of others.
        named = [str(ENVIRONMENT.parse(name)) for name in environments]
        found = [policy_of(settings, name, None) for name in named]
        return {one.environment: one.waivers for one in found if one is not None}
    folder = settings.policy_file("any").parent
    files = sorted(folder.glob("*.yaml"))
    read = [load_policy_or_part(file) for file in files]
    return {one.environment: one.waivers for one in read if isinstance(one, Policy)}


def whole_scope(record: Record, scope: WaiverScope, *, at: datetime) -> Scoped:
    """A scope with the package and the versions that images on record have, where it names none.

    Raises:
        InputError: Several packages could be meant, or the package is no package URL.
        NotFoundError: No image on record has what it is about.
    """
    found = scopes_of(record, scope, at=at)
    if len(found) > 1:
        named = [one.scope.package for one in found]
        raise InputError(
            f"{scope.vulnerability} is in {len(found)} packages",
            because=", ".join(named),
            hint=f"ask for one waiver of each: --package {named[0]}",
        )
    return found[0]


def scopes_of(record: Record, scope: WaiverScope, *, at: datetime) -> tuple[Scoped, ...]:
    """The same, one for each package that could be meant.

    Raises:
        InputError: The package is no package URL.
        NotFoundError: No image on record has what it is about.
    """
    scope = _with_version_apart(scope)
    if not scope.vulnerability:
        return (_of_rule(record, scope, at),)
    affected = _meant(record.waivers.affected(scope.vulnerability, at=at), scope)
    if not affected:
        if scope.package and scope.versions:
            return (Scoped(scope),)
        what = f" in {scope.package}" if scope.package else ""
        raise NotFoundError(
            f"no image on record has {scope.vulnerability}{what}",
            hint="name the package and its versions: --package pkg:pypi/django --versions '<2.2.9'",
        )
    by_package: dict[str, list[Affected]] = {}
    for one in affected:
        by_package.setdefault(_bare(one.purl), []).append(one)
    return tuple(
        Scoped(
            replace(
                scope, package=scope.package or package, versions=scope.versions or _exactly(these)
            ),
            tuple(sorted({one.severity for one in these if one.severity is not None})),
        )
        for package, these in sorted(by_package.items())
    )


def severities_of(
    record: Record, scope: WaiverScope, *, at: datetime
) -> tuple[Severity | None, ...]:
    """How bad what a scope is about may be: as the record knows, or anything."""
    if not scope.vulnerability:
        return ANY_SEVERITY
    found = _meant(record.waivers.affected(scope.vulnerability, at=at), scope)
    return tuple(sorted({one.severity for one in found if one.severity is not None})) or (
        ANY_SEVERITY
    )


def _of_rule(record: Record, scope: WaiverScope, at: datetime) -> Scoped:
    if not scope.package or scope.versions:
        return Scoped(scope)
    from supplychain.model.purl import package_name

    name = package_name(scope.package)
    installed = record.waivers.installed(name.type, name.name, at=at) if name else ()
    meant = _meant(installed, scope)
    if not meant:
        raise NotFoundError(
            f"no image on record has {scope.package}",
            hint="name the versions that you mean: --versions '<2.2.9', or '*' for every one",
        )
    return Scoped(replace(scope, versions=_exactly(meant)))


def _with_version_apart(scope: WaiverScope) -> WaiverScope:
    from supplychain.gate.packages import package_of
    from supplychain.gate.waiver_scope import pattern_of

    package = package_of(scope.package)
    if package is None or not package.version:
        if scope.package:
            pattern_of(scope.package, scope.versions)
        return scope
    if scope.versions:
        raise InputError(
            f"{scope.package[:80]!r} names a version beside --versions", hint="leave one out"
        )
    return replace(scope, package=_bare(scope.package), versions=f"={package.version}")


def _meant(affected: Collection[Affected], scope: WaiverScope) -> list[Affected]:
    from supplychain.gate.packages import Match
    from supplychain.gate.waiver_scope import pattern_of

    if not scope.package:
        return list(affected)
    pattern = pattern_of(scope.package, scope.versions)
    return [one for one in affected if pattern.covers(one.purl) is Match.INSIDE]


def _bare(purl: str) -> str:
    """A package URL without version and qualifiers."""
    path = purl.partition("#")[0].partition("?")[0]
    before, at, version = path.rpartition("@")
    return before if at and "/" not in version else path


def _exactly(affected: Collection[Affected]) -> str:
    """Exactly the versions of some packages, as a range."""
    from supplychain.gate.packages import package_of

    packages = [package_of(one.purl) for one in affected]
    versions = sorted({p.version for p in packages if p is not None and p.version})
    return " || ".join(f"={version}" for version in versions)
