"""How good an SBOM is: the minimum elements, what lacks them, and what nobody knows.

The elements are the data fields of "The Minimum Elements For a Software Bill of Materials"
(NTIA, 2021-07-12, section IV); the members of CycloneDX that hold them are those of ECMA-424
(`metadata`, `component`, `dependencies`, `compositions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from supplychain.frozen import dataclass
from supplychain.model.evidence import SbomElement
from supplychain.sbom.schema import parse_valid

_IDENTIFIERS = ("purl", "cpe", "swid", "omniborId", "swhid")


@dataclass(frozen=True, slots=True)
class ElementReport:
    """One minimum element, and who lacks it.

    Attributes:
        element: Its name in NTIA's table of data fields.
        total: What should have it: every component, or the one document.
        missing: How many of them do not.
        examples: Some of those, as `name@version`, sorted.
    """

    element: str
    total: int
    missing: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share that has it, from 0 to 1; 0 where there is nothing that could."""
        return (self.total - self.missing) / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What an SBOM tells and what it does not.

    Attributes:
        component_count: Components described, without the image itself.
        elements: The seven minimum elements in NTIA's order.
        unknown_dependencies: Components of which the document says, or leaves open, that nobody
            knows what they need themselves: NTIA's "known unknowns", which are no fault.
    """

    component_count: int
    elements: tuple[ElementReport, ...]
    unknown_dependencies: int

    @property
    def complete(self) -> bool:
        """Whether nothing lacks any minimum element."""
        return all(element.total and not element.missing for element in self.elements)

    @property
    def score(self) -> float:
        """The mean of the seven elements' shares, from 0 to 1; each counts the same."""
        return sum(element.share for element in self.elements) / len(self.elements)


def assess(document: bytes, *, examples: int = 5) -> QualityReport:
    """Measure a valid CycloneDX document against the minimum elements.

    Args:
        document: CycloneDX JSON.
        examples: How many components to name for each element.

    Raises:
        InputError: It is no CycloneDX JSON document of a supported version.
        VerificationError: It breaks its schema.
    """
    return measure(parse_valid(document), examples=examples)


def elements(parsed: dict[str, Any]) -> tuple[SbomElement, ...]:
    """The minimum elements of a document that is known to be valid, as the record keeps them."""
    measured = measure(parsed, examples=0).elements
    return tuple(SbomElement(one.element, one.total, one.missing) for one in measured)


def measure(parsed: dict[str, Any], *, examples: int = 5) -> QualityReport:
    """The same for a document that is known to be valid.

    Args:
        parsed: The document.
        examples: How many components to name for each element.
    """
    metadata = parsed.get("metadata", {})
    components = tuple(_all(parsed))
    related = _related(parsed)

    def lacking(element: str, has: Callable[[dict[str, Any]], object]) -> ElementReport:
        without = [component for component in components if not has(component)]
        named = sorted({_name(component) for component in without})
        return ElementReport(element, len(components), len(without), tuple(named[:examples]))

    return QualityReport(
        component_count=len(components),
        elements=(
            lacking("Supplier Name", _supplier),
            lacking("Component Name", lambda c: c["name"].strip()),
            lacking("Version of the Component", lambda c: c.get("version", "").strip()),
            lacking("Other Unique Identifiers", lambda c: any(c.get(i) for i in _IDENTIFIERS)),
            lacking("Dependency Relationship", lambda c: c.get("bom-ref") in related),
            ElementReport("Author of SBOM Data", 1, 0 if _author(metadata) else 1),
            ElementReport("Timestamp", 1, 0 if metadata.get("timestamp") else 1),
        ),
        unknown_dependencies=_unknown(parsed, components),
    )


def _all(parsed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = list(parsed.get("components", ()))
    while waiting:
        component = waiting.pop()
        yield component
        waiting.extend(component.get("components", ()))


def _name(component: dict[str, Any]) -> str:
    name = "/".join(part for part in (component.get("group"), component["name"]) if part)
    return f"{name}@{component['version']}" if component.get("version") else name


def _supplier(component: dict[str, Any]) -> bool:
    return any(component.get(role, {}).get("name") for role in ("supplier", "manufacturer"))


def _author(metadata: dict[str, Any]) -> bool:
    """Whether an entity is named; the tools used are not one."""
    named = [metadata.get("manufacturer", {}), *metadata.get("authors", ())]
    return any(one.get("name") for one in named)


def _related(parsed: dict[str, Any]) -> set[str]:
    """References said to be included in something: reached from the subject of the document."""
    edges = {one["ref"]: one.get("dependsOn", ()) for one in parsed.get("dependencies", ())}
    reached: set[str] = set()
    waiting = [parsed.get("metadata", {}).get("component", {}).get("bom-ref", "")]
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached


def _unknown(parsed: dict[str, Any], components: tuple[dict[str, Any], ...]) -> int:
    """Components without an entry in the graph, or in a composition that is not complete."""
    known = {one["ref"] for one in parsed.get("dependencies", ())}
    for composition in parsed.get("compositions", ()):
        if composition["aggregate"] != "complete":
            known -= set(composition.get("dependencies", ()))
    return sum(1 for component in components if component.get("bom-ref") not in known)
