"""What must be in an image and what must not, and that what cannot be told counts against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    INDEX,
    load,
    make_dossier,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, OPERATING_SYSTEM, make_component

DJANGO = make_component("django", "2.2.1", ecosystem="python-pkg")
BRANCH = make_component("django", "main", ecosystem="python-pkg")
NAMELESS = replace(DJANGO, purl="", version="2.2.1", key="nameless")
OLD_DJANGO = (
    'packages: {denied: [{purl: pkg:pypi/django, versions: ">=2.0, <2.2.9", reason: too old}]}'
)
HAS_DJANGO = 'packages: {required: [{purl: pkg:pypi/django, versions: ">=2.0"}]}'


def having(*components: Component) -> Dossier:
    return make_dossier(make_platform(components=components))


def judge(dossier: Dossier, rule: str) -> Decision:
    policy = make_policy(rule)
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT)


class TestDenied:
    def test_a_package_in_the_range_is_named_with_the_reason_and_the_way_out(self) -> None:
        decision = judge(having(make_component(), DJANGO), OLD_DJANGO)
        (violation,) = decision.violations
        assert violation.message == (
            f"django 2.2.1, {DJANGO.path} is denied by pkg:pypi/django >=2.0, <2.2.9: too old"
        )
        assert violation.purl == "pkg:pypi/django@2.2.1"
        assert violation.evidence is not None
        assert decision.remedies == (
            "remove django 2.2.1, or have a version that is not >=2.0, <2.2.9",
        )
        assert decision.results[1].summary == "2 components, 1 denied"

    def test_outside_the_range_it_may_be_there(self) -> None:
        newer = make_component("django", "2.2.9", ecosystem="python-pkg")
        decision = judge(having(make_component(), newer, OPERATING_SYSTEM), OLD_DJANGO)
        assert decision.verdict is Verdict.ALLOW
        assert len(decision.evidence) == 1

    @pytest.mark.parametrize(
        ("component", "why"),
        [
            (BRANCH, "for its version cannot be compared"),
            (replace(DJANGO, purl="pkg:pypi/django"), "for its version cannot be compared"),
            (NAMELESS, "for it has no package URL"),
        ],
    )
    def test_what_cannot_be_told_is_denied(self, component: Component, why: str) -> None:
        decision = judge(having(component), OLD_DJANGO)
        assert decision.verdict is Verdict.DENY
        assert decision.violations[0].message.endswith(f"<2.2.9, {why}: too old")

    def test_one_without_a_package_url_and_with_another_name_is_not_meant(self) -> None:
        assert judge(having(replace(NAMELESS, name="flask")), OLD_DJANGO).verdict is Verdict.ALLOW


class TestRequired:
    def test_it_has_to_be_there(self) -> None:
        decision = judge(having(make_component()), HAS_DJANGO)
        assert decision.violations[0].message == "pkg:pypi/django >=2.0 is required and not there"
        assert decision.remedies == ("add pkg:pypi/django >=2.0",)
        assert judge(having(DJANGO), HAS_DJANGO).verdict is Verdict.ALLOW

    @pytest.mark.parametrize("component", [BRANCH, NAMELESS])
    def test_one_of_which_it_cannot_be_told_is_not_it(self, component: Component) -> None:
        decision = judge(having(component), HAS_DJANGO)
        assert "only with a version that cannot be compared" in decision.violations[0].message

    def test_every_platform_needs_it(self) -> None:
        here = make_platform(components=[DJANGO])
        there = make_platform(ARM_SUBJECT, platform=ARM, components=[make_component()])
        decision = judge(make_dossier(here, there, subject=INDEX), HAS_DJANGO)
        (violation,) = decision.violations
        assert violation.platform == ARM


def test_without_the_list_of_components_nothing_is_allowed() -> None:
    unread = make_dossier(replace(make_platform(), components=()))
    decision = judge(unread, OLD_DJANGO)
    assert decision.verdict is Verdict.DENY
    assert decision.violations[0].message == "0 of the scan's 1 components are on record"
    assert judge(make_dossier(make_platform(scan=None)), OLD_DJANGO).verdict is Verdict.DENY


def test_it_asks_for_the_components() -> None:
    assert make_policy(OLD_DJANGO).needs == {"components"}


def test_it_is_written_as_it_is_read() -> None:
    policy = make_policy(OLD_DJANGO, "packages: {denied: [pkg:npm/@acme/*, pkg:npm/x@1.0]}")
    assert load(policy.canonical().decode()) == policy


@pytest.mark.parametrize(
    ("rule", "said", "hint"),
    [
        ("packages: {}", "it demands nothing", "give required, denied or both"),
        ("packages: {denied: []}", "the list is empty", "name at least one"),
        ("packages: {denied: [django]}", "'django' is not a package URL", "pkg:pypi/django"),
        ("packages: {denied: [{purl: pkg:npm/x, version: 1}]}", "knows no 'version'", "versions?"),
        ("packages: {denied: [{versions: 1.0}]}", "a package needs 'purl'", ""),
        ("packages: {denied: [[x]]}", "expected a package URL, found a list", ""),
        ("packages: {denied: [{purl: pkg:npm/x, versions: ^1}]}", "not a range of versions", ">="),
        (
            "packages: {denied: [pkg:npm/x], required: [pkg:npm/x]}",
            "pkg:npm/x is required and denied",
            "leave it out",
        ),
    ],
)
def test_what_says_nothing_or_two_things_is_refused_at_its_line(
    rule: str, said: str, hint: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(rule)
    text = str(caught.value) + (caught.value.because or "") + (caught.value.hint or "")
    assert said in text
    assert hint in text
    assert "prod.yaml:4:" in text
