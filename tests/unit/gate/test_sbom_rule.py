"""How good an SBOM has to be, and of what an image may be made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import Sbom, SbomElement
from tests.kit.policies import load, make_dossier, make_platform, make_policy, make_sbom
from tests.kit.scans import AT, OPERATING_SYSTEM, make_component

DJANGO = make_component("django", "2.2.1", ecosystem="python-pkg")
POOR = make_sbom(component_count=4, lacking={"Supplier Name": 3, "Author of SBOM Data": 1})


def judge(dossier: Dossier, rule: str) -> Decision:
    policy = make_policy(rule)
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT)


def said(sbom: Sbom, rule: str) -> tuple[str, ...]:
    decision = judge(make_dossier(make_platform(sbom=sbom)), rule)
    assert (decision.verdict is Verdict.ALLOW) == (not decision.violations)
    assert all(v.remedy and v.evidence for v in decision.violations)
    return tuple(v.message for v in decision.violations)


def test_quality_is_the_mean_of_the_shares_rounded_down() -> None:
    # A quarter, five times whole and once nothing, by seven.
    assert POOR.quality == 75
    assert make_sbom().quality == 100
    assert make_sbom(component_count=0).quality == 28
    assert replace(POOR, elements=()).quality == 0
    assert replace(POOR, elements=(SbomElement("Timestamp", 0, 0),)).quality == 0


def test_an_sbom_that_is_not_good_enough_says_what_it_lacks() -> None:
    assert said(POOR, "sbom: {quality: 75}") == ()
    assert said(POOR, "sbom: {quality: 76}") == (
        "the SBOM's quality is 75 %, limit 76 %: Supplier Name, Author of SBOM Data",
    )
    decision = judge(make_dossier(make_platform(sbom=POOR)), "sbom: {quality: 75}")
    assert decision.results[1].summary == "4 components, CycloneDX 1.6, quality 75 %"


def test_an_element_that_is_demanded_may_lack_nowhere() -> None:
    assert said(POOR, "sbom: {elements: [version, identifier, timestamp]}") == ()
    assert said(POOR, "sbom: {elements: [supplier, author]}") == (
        "the SBOM is not complete: 3 of 4 components lack Supplier Name",
        "the SBOM is not complete: 1 of 1 lacks Author of SBOM Data",
    )
    empty = make_sbom(component_count=0)
    assert said(empty, "sbom: {elements: [name]}") == (
        "the SBOM is not complete: nothing has Component Name",
    )


@pytest.mark.parametrize("rule", ["sbom: {quality: 1}", "sbom: {elements: [timestamp]}"])
def test_what_nobody_measured_is_not_good(rule: str) -> None:
    assert said(replace(POOR, elements=()), rule) == ("nobody measured how good the SBOM is",)
    assert said(replace(POOR, elements=()), "sbom: {}") == ()


def test_how_much_is_in_it_and_in_which_version() -> None:
    assert said(POOR, "sbom: {components: 4, spec_versions: [1.6, 1.7]}") == ()
    assert said(POOR, "sbom: {components: 5, spec_versions: [1.7]}") == (
        "the SBOM is CycloneDX 1.6, not 1.7",
        "the SBOM has 4 components, at least 5 due",
    )


class TestPackages:
    RULE = "sbom: {allowed: [pkg:deb/debian/*, {purl: pkg:pypi/django, versions: '>=2'}]}"

    def made_of(self, *components: Component) -> tuple[str, ...]:
        decision = judge(make_dossier(make_platform(components=components)), self.RULE)
        assert (decision.verdict is Verdict.ALLOW) == (not decision.violations)
        return tuple(v.purl for v in decision.violations)

    def test_every_package_has_to_be_allowed(self) -> None:
        assert self.made_of(make_component(), DJANGO, OPERATING_SYSTEM) == ()
        flask = make_component("flask", "1.0", ecosystem="python-pkg")
        assert self.made_of(make_component(), flask) == ("pkg:pypi/flask@1.0",)

    @pytest.mark.parametrize("purl", ["pkg:pypi/django", "pkg:pypi/django@main", ""])
    def test_what_cannot_be_told_is_not_allowed(self, purl: str) -> None:
        assert self.made_of(replace(DJANGO, purl=purl)) == (purl or "django",)

    def test_what_is_denied_is_so_in_every_case(self) -> None:
        rule = "sbom: {allowed: [pkg:pypi/*], denied: [pkg:pypi/django]}"
        decision = judge(make_dossier(make_platform(components=[DJANGO])), rule)
        assert [v.purl for v in decision.violations] == [DJANGO.purl]

    def test_it_needs_the_list_of_components_and_otherwise_does_not_ask_for_it(self) -> None:
        unread = make_dossier(replace(make_platform(), components=()))
        assert judge(unread, self.RULE).verdict is Verdict.DENY
        assert make_policy(self.RULE).needs == {"components"}
        assert make_policy("sbom: {quality: 5}").needs == frozenset()


def test_it_is_written_as_it_is_read() -> None:
    policy = make_policy(
        "sbom: {quality: 80, elements: [version], spec_versions: [1.6], components: 2}",
        TestPackages.RULE,
    )
    assert load(policy.canonical().decode()) == policy


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ("quality: 0", "'0' is not a percentage"),
        ("quality: 101", "'101' is not a percentage"),
        ("quality: 0.8", "'0.8' is not a percentage"),
        ("elements: [licence]", "'licence' is not a minimum element"),
        ("spec_versions: [1.5]", "'1.5' is not a version of CycloneDX"),
        ("components: 0", "0 demands nothing"),
    ],
)
def test_what_cannot_be_is_refused(options: str, refusal: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(f"sbom: {{{options}}}")
    assert refusal in str(caught.value)
