"""How good an SBOM is, as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator

from supplychain.cli.console import printable


def quality_lines(document: bytes) -> Iterator[str]:
    """One line for each minimum element, and who lacks it."""
    from supplychain.sbom.quality import assess

    report = assess(document)
    yield f"{report.component_count} components, {report.score:.0%} of the NTIA minimum elements"
    for element in report.elements:
        has = f"{element.total - element.missing} of {element.total}"
        lacking = ", ".join(map(printable, element.examples))
        more = f", lacking in {lacking}" if lacking else ""
        yield f"  {element.element:<26} {has:>12}{more}"
    if report.unknown_dependencies:
        yield f"  nobody knows what {report.unknown_dependencies} components need themselves"


def quality_document(document: bytes) -> dict[str, object]:
    """The same as data."""
    from supplychain.sbom.quality import assess

    report = assess(document)
    return {
        "component_count": report.component_count,
        "score": round(report.score, 4),
        "complete": report.complete,
        "unknown_dependencies": report.unknown_dependencies,
        "elements": [
            {
                "element": element.element,
                "total": element.total,
                "missing": element.missing,
                "examples": list(element.examples),
            }
            for element in report.elements
        ],
    }
