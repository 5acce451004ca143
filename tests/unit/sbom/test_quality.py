from __future__ import annotations

import pytest

from supplychain.errors import VerificationError
from supplychain.sbom.quality import ElementReport, QualityReport, assess
from tests.kit.sboms import changed, make_sbom
from tests.kit.scans import OPERATING_SYSTEM, make_component


def element(report: QualityReport, name: str) -> ElementReport:
    (found,) = (one for one in report.elements if one.element == name)
    return found


GOOD = make_component("libc6", supplier="GNU Libc Maintainers")


def test_elements_are_those_of_ntia_in_its_order() -> None:
    assert [one.element for one in assess(make_sbom()).elements] == [
        "Supplier Name",
        "Component Name",
        "Version of the Component",
        "Other Unique Identifiers",
        "Dependency Relationship",
        "Author of SBOM Data",
        "Timestamp",
    ]


def test_what_is_missing_is_counted_and_named() -> None:
    poor = make_component("lodash", "", ecosystem="node-pkg", purl="")
    report = assess(make_sbom([GOOD, poor], author="Example Ltd"))

    assert report.component_count == 2
    for name in ("Supplier Name", "Version of the Component", "Other Unique Identifiers"):
        assert element(report, name) == ElementReport(name, 2, 1, ("lodash",))
        assert element(report, name).share == 0.5
    for name in ("Component Name", "Dependency Relationship"):
        assert element(report, name) == ElementReport(name, 2, 0)
    assert element(report, "Author of SBOM Data").missing == 0
    assert not report.complete
    assert report.score == pytest.approx((3 * 0.5 + 4) / 7)


def test_document_that_lacks_nothing_is_complete() -> None:
    report = assess(make_sbom([GOOD], author="Example Ltd"))
    assert report.complete
    assert report.score == 1.0


def test_tools_are_no_author() -> None:
    assert element(assess(make_sbom()), "Author of SBOM Data").missing == 1


def test_persons_are_an_author() -> None:
    document = changed(make_sbom(), lambda d: d["metadata"].update(authors=[{"name": "Ada"}]))
    assert element(assess(document), "Author of SBOM Data").missing == 0


def test_missing_timestamp_is_seen() -> None:
    document = changed(make_sbom(), lambda d: d["metadata"].pop("timestamp"))
    assert element(assess(document), "Timestamp").missing == 1


def test_component_outside_the_graph_lacks_its_relationship() -> None:
    document = changed(make_sbom([GOOD, OPERATING_SYSTEM]), lambda d: d.pop("dependencies"))
    found = element(assess(document), "Dependency Relationship")
    assert (found.missing, found.examples) == (2, ("debian@12.5", f"libc6@{GOOD.version}"))


def test_unknown_needs_are_counted_apart() -> None:
    """Neither an absent entry nor a composition that is not complete tells what is needed."""
    flat = [make_component(f"n{i}", "1", ecosystem="node-pkg") for i in range(3)]
    needs = make_component("libssl3", depends_on=(GOOD.key,))
    assert assess(make_sbom([GOOD, needs, *flat])).unknown_dependencies == 3

    def claim(document: dict[str, list[dict[str, object]]]) -> None:
        document["compositions"][0].update(aggregate="incomplete", dependencies=[GOOD.key])

    assert assess(changed(make_sbom([GOOD, needs]), claim)).unknown_dependencies == 1


def test_examples_are_limited_sorted_and_bear_their_group() -> None:
    many = [make_component(f"@s/n{i}", "1", ecosystem="node-pkg") for i in reversed(range(9))]
    found = element(assess(make_sbom(many), examples=2), "Supplier Name")
    assert (found.missing, found.examples) == (9, ("@s/n0@1", "@s/n1@1"))


def test_nested_components_count() -> None:
    def nest(document: dict[str, list[dict[str, object]]]) -> None:
        document["components"][0]["components"] = [{"type": "file", "name": "inner"}]

    report = assess(changed(make_sbom([GOOD]), nest))
    assert report.component_count == 2
    assert element(report, "Other Unique Identifiers").examples == ("inner",)


def test_empty_document_is_not_complete() -> None:
    report = assess(b'{"bomFormat":"CycloneDX","specVersion":"1.7"}')
    assert (report.complete, report.score, report.component_count) == (False, 0.0, 0)


def test_invalid_document_is_refused() -> None:
    with pytest.raises(VerificationError):
        assess(changed(make_sbom(), lambda d: d.update(version="one")))
