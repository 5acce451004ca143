"""How bad each source says that a finding of Trivy's report is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supplychain.model.finding import CvssScore, Rating, Severity
from supplychain.scan.fields import Node, text

# Trivy numbers them so (trivy-db, pkg/types): it has no word for what is negligible.
_SEVERITIES = (
    Severity.UNKNOWN,
    Severity.LOW,
    Severity.MEDIUM,
    Severity.HIGH,
    Severity.CRITICAL,
)
_CVSS = ((2, "V2"), (3, "V3"), (4, "V40"))


def ratings(node: Node) -> tuple[Rating, ...]:
    """The severity by each source, sorted by source."""
    return tuple(
        Rating(source, _severity(number)) for source, number in _by_source(node, "VendorSeverity")
    )


def scores(node: Node) -> tuple[CvssScore, ...]:
    """The scores by each source, sorted by source and version."""
    return tuple(
        score for source, said in _by_source(node, "CVSS") for score in _scores(source, said)
    )


def _by_source(node: Node, name: str) -> list[tuple[str, Any]]:
    found = node.get(name) or {}
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is {type(found).__name__} and not a mapping")
    return sorted(found.items(), key=lambda item: item[0])


def _severity(number: object) -> Severity:
    if not isinstance(number, int) or not 0 <= number < len(_SEVERITIES):
        raise ValueError(f"VendorSeverity has a severity {number!r}")
    return _SEVERITIES[number]


def _scores(source: str, said: Any) -> Iterator[CvssScore]:
    if not isinstance(said, Mapping):
        raise TypeError(f"CVSS has {type(said).__name__} and not a mapping for {source!r}")
    for version, prefix in _CVSS:
        vector, score = text(said, f"{prefix}Vector"), said.get(f"{prefix}Score")
        if score is not None and not (isinstance(score, int | float) and 0 <= score <= 10):
            raise ValueError(f"CVSS has a score {score!r}")
        if vector or score is not None:
            yield CvssScore(source, version, None if score is None else float(score), vector)
