"""From a scan to the rows that stand for it: pure, and the same for the same scan."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import orjson

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.finding import Finding, Severity
from supplychain.model.purl import package_identity, package_name
from supplychain.records.columns import instant_text

# An index entry on PostgreSQL has at most 2,704 bytes, for all columns of the index together; a
# character has up to four. The longest names in use have about 250.
_LONGEST_NAME = 330

Row = tuple[object, ...]
# Numbers, the place in the image, and the facts that have an identity.
_Entry = tuple[Row, Row, Row]


@dataclass(frozen=True, slots=True)
class Projection:
    """The rows of one list, without the number of what they belong to.

    Attributes:
        identity: SHA-256 over the rows: equal lists have equal names.
        rows: One per entry, in order, as `supplychain.records.staging` has them from `position`
            on.
    """

    identity: bytes
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
    return _projection(_component(component) for component in components)


def project_findings(findings: Sequence[Finding]) -> Projection:
    """The rows of an assessment.

    Raises:
        LimitError: A name is longer than can be searched for.
        InputError: A text cannot be stored (NUL, or half a surrogate pair).
    """
    return _projection(_finding(finding) for finding in findings)


def severity_counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings of each severity, zeros included."""
    counted = Counter(finding.severity for finding in findings)
    return {str(severity): counted[severity] for severity in Severity}


def _component(component: Component) -> _Entry:
    named = package_name(component.purl)
    kind, namespace, name = named[:3] if named else ("", "", component.name)
    _check_names(component.purl, name, component.version)
    facts = (
        component.purl,
        kind,
        namespace,
        name,
        component.name,
        component.version,
        component.kind,
        component.ecosystem,
        _json(component.licences),
        component.source_name,
        component.source_version,
    )
    return (), (_layer(component.layer), component.path, component.key), facts


def _finding(finding: Finding) -> _Entry:
    _check_names(finding.vulnerability_id, finding.purl, finding.package)
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
        None if finding.published_at is None else instant_text(finding.published_at),
        _json([(r.source, int(r.severity)) for r in finding.ratings]),
        _json([(s.source, s.version, s.score, s.vector) for s in finding.scores]),
        _json(finding.aliases),
        _json(finding.weaknesses),
    )
    place = (_layer(finding.layer), finding.path, finding.component)
    return (int(finding.severity),), place, facts


def _projection(entries: Iterable[_Entry]) -> Projection:
    whole = hashlib.sha256()
    rows: list[Row] = []
    for position, (numbers, place, facts) in enumerate(entries):
        identity = hashlib.sha256(_encoded((*numbers, *facts))).digest()
        whole.update(identity + _encoded(place))
        rows.append((position, *numbers, identity, *place, *facts))
    return Projection(whole.digest(), tuple(rows))


def _layer(diff_id: Digest | None) -> str | None:
    return None if diff_id is None else str(diff_id)


def _json(values: Sequence[object]) -> str:
    return _encoded(values).decode()


def _encoded(texts: Sequence[object]) -> bytes:
    try:
        encoded = orjson.dumps(texts)
    except TypeError as error:
        raise InputError(
            "the scan names a package or file in what is no valid Unicode", because=str(error)
        ) from error
    if b"\\u0000" in encoded and any("\0" in text for text in texts if isinstance(text, str)):
        raise InputError("the scan names a package or file with a NUL character in it")
    return encoded


def _check_names(*names: str) -> None:
    for name in names:
        if len(name) > _LONGEST_NAME:
            raise LimitError(
                f"a name of {len(name)} characters cannot be recorded",
                because=f"the limit is {_LONGEST_NAME}; it begins {name[:40]!r}",
            )
