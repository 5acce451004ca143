"""From a scan to the rows that stand for it: pure, and the same for the same scan."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from supplychain.errors import InputError, LimitError
from supplychain.model.component import Component
from supplychain.model.finding import Finding, Severity
from supplychain.records.columns import instant_text
from supplychain.records.purl import package_identity, package_name

# What an index entry may have on PostgreSQL is 2,704 bytes, for all of its columns.
_NAME_LIMIT = 1_000

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """The rows of one list, without the number of what they belong to.

    Attributes:
        identity: SHA-256 over the rows: equal lists have equal names.
        rows: One per entry, in order, as `supplychain.records.staging` has them from `position`
            on.
    """

    identity: str
    rows: tuple[Row, ...]

    def __len__(self) -> int:
        """How many entries."""
        return len(self.rows)

    def owned_by(self, owner: int) -> list[Row]:
        """The rows with the number of what they belong to in front."""
        return [(owner, *row) for row in self.rows]


def project_components(components: Sequence[Component]) -> Projection:
    """The rows of an inventory.

    Raises:
        LimitError: A name is longer than can be searched for.
        InputError: A text cannot be stored (NUL, or half a surrogate pair).
    """
    return _projection(
        [_component(position, component) for position, component in enumerate(components)]
    )


def project_findings(findings: Sequence[Finding]) -> Projection:
    """The rows of an assessment.

    Raises:
        LimitError: A name is longer than can be searched for.
        InputError: A text cannot be stored (NUL, or half a surrogate pair).
    """
    return _projection([_finding(position, finding) for position, finding in enumerate(findings)])


def severity_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each severity, zeros included."""
    counted = Counter(finding.severity for finding in findings)
    return {str(severity): counted[severity] for severity in Severity}


def _component(position: int, component: Component) -> Row:
    named = package_name(component.purl)
    kind, namespace, name = named[:3] if named else ("", "", component.name)
    facts = (
        component.purl,
        kind,
        namespace,
        name,
        component.name,
        component.version,
        component.kind,
        component.ecosystem,
        orjson.dumps(component.licences).decode(),
        component.source_name,
        component.source_version,
    )
    _check_names(component.purl, name, component.version)
    layer = None if component.layer is None else str(component.layer)
    return (position, layer, component.path, component.key, _identity(facts), *facts)


def _finding(position: int, finding: Finding) -> Row:
    published = finding.published_at
    severity = int(finding.severity)
    facts = (
        finding.vulnerability_id,
        package_identity(finding.purl, finding.package),
        finding.purl,
        finding.package,
        finding.installed_version,
        finding.fixed_version,
        finding.severity_source,
        finding.status,
        finding.title,
        finding.url,
        None if published is None else instant_text(published),
    )
    _check_names(finding.vulnerability_id, finding.purl, finding.package)
    layer = None if finding.layer is None else str(finding.layer)
    identity = _identity((severity, *facts))
    return (position, severity, layer, finding.path, finding.component, identity, *facts)


def _projection(rows: list[Row]) -> Projection:
    encoded = _encoded(rows)
    if b"\\u0000" in encoded:
        raise InputError("the scan names a package or file with a NUL character in it")
    return Projection(hashlib.sha256(encoded).hexdigest(), tuple(rows))


def _identity(facts: Row) -> str:
    return hashlib.sha256(_encoded(facts)).hexdigest()


def _encoded(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise InputError(
            "the scan names a package or file that is no valid Unicode", because=str(error)
        ) from error


def _check_names(*names: str) -> None:
    longest = max(names, key=len)
    if len(longest.encode(errors="replace")) > _NAME_LIMIT:
        raise LimitError(
            f"a name of {len(longest)} characters cannot be recorded",
            because=f"the limit is {_NAME_LIMIT} bytes; it begins {longest[:40]!r}",
        )
