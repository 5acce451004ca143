"""Which licences a policy allows: identifiers, categories, expressions, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.gate.licences import Category, categories, is_satisfied, read_licences
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Verdict
from tests.kit.licence_table import TABLE, table
from tests.kit.policies import load, make_dossier, make_platform, make_policy
from tests.kit.scans import AT, OPERATING_SYSTEM, make_component

PERMISSIVE = "licences: {allowed: [permissive]}"
NO_COPYLEFT = "licences: {denied: [strong-copyleft, network-copyleft]}"
CLASSPATH = 'licences: {allowed: ["GPL-2.0-only WITH Classpath-exception-2.0"]}'


def stating(*texts: str, name: str = "left-pad") -> Component:
    return make_component(name, "1.0.0", ecosystem="node-pkg", licences=texts)


def judge(rule: str, *components: Component) -> Decision:
    dossier = make_dossier(make_platform(components=components))
    policy = make_policy(rule)
    return evaluate(dossier, policy, subject=dossier.subject, environment="prod", at=AT)


def said(rule: str, *texts: str) -> str:
    """What speaks against a package that states these texts; "" for nothing."""
    decision = judge(rule, stating(*texts))
    assert (decision.verdict is Verdict.ALLOW) == (not decision.violations)
    return "".join(v.message.partition(": ")[2] for v in decision.violations)


@pytest.mark.parametrize(
    ("rule", "texts", "against"),
    [
        (PERMISSIVE, ("MIT",), ""),
        (PERMISSIVE, ("apache-2.0",), ""),
        (PERMISSIVE, ("CC0-1.0",), ""),
        (PERMISSIVE, ("GPL-3.0-only",), "GPL-3.0-only (strong-copyleft) is not allowed"),
        (PERMISSIVE, ("LGPL-2.1+",), "LGPL-2.1-or-later (weak-copyleft) is not allowed"),
        (PERMISSIVE, ("BUSL-1.1",), "BUSL-1.1 (proprietary) is not allowed"),
        (NO_COPYLEFT, ("LGPL-2.1+",), ""),
        (
            NO_COPYLEFT,
            ("AGPL-3",),
            "AGPL-3.0-only is network-copyleft, which is denied",
        ),
        # OR means choose, AND means all
        (PERMISSIVE, ("MIT OR GPL-3.0-only",), ""),
        (PERMISSIVE, ("MIT AND GPL-3.0-only",), "MIT AND GPL-3.0-only: "),
        (PERMISSIVE, ("(MIT OR GPL-3.0-only) AND Apache-2.0",), ""),
        (PERMISSIVE, ("(MIT AND GPL-3.0-only) OR Apache-2.0",), ""),
        (PERMISSIVE, ("MIT OR Unheard-Of-1.0",), ""),
        (PERMISSIVE, ("GPL-2 OR LGPL-2",), "GPL-2.0-only OR LGPL-2.0-only: GPL-2.0-only (strong"),
        (PERMISSIVE, ("GPL-2 OR LGPL-2",), "not allowed, LGPL-2.0-only (weak-copyleft) is not"),
        # several texts apply together
        (PERMISSIVE, ("MIT", "Apache-2.0"), ""),
        (PERMISSIVE, ("MIT", "GPL-2+"), "GPL-2.0-or-later (strong-copyleft) is not allowed"),
        (PERMISSIVE, ("MIT", "MIT OR GPL-2+"), ""),
        # an identifier counts before its category
        ("licences: {allowed: [GPL-2.0-only], denied: [strong-copyleft]}", ("GPL-2.0-only",), ""),
        ("licences: {allowed: [permissive], denied: [JSON]}", ("JSON",), "JSON is denied"),
        ("licences: {allowed: [GPL-2]}", ("GPL-2.0-only",), ""),
        ("licences: {allowed: [LicenseRef-acme]}", ("LicenseRef-acme",), ""),
        # with an exception it is judged as without, unless both are named together
        (CLASSPATH, ("GPL-2.0-only WITH Classpath-exception-2.0",), ""),
        (CLASSPATH, ("GPL-2.0-only",), "GPL-2.0-only (strong-copyleft) is not allowed"),
        ("licences: {allowed: [GPL-2.0-only]}", ("GPL-2 with Classpath-exception-2.0",), ""),
        (
            NO_COPYLEFT,
            ("GPL-2.0-only WITH Classpath-exception-2.0",),
            "GPL-2.0-only WITH Classpath-exception-2.0 is strong-copyleft, which is denied",
        ),
        (
            "licences: {allowed: [MIT]}",
            ("MIT WITH Commons-Clause",),
            "MIT WITH Commons-Clause is no licence that is known",
        ),
    ],
)
def test_expressions_are_worked_out(rule: str, texts: tuple[str, ...], against: str) -> None:
    found = said(rule, *texts)
    assert against in found
    assert bool(found) == bool(against)


@pytest.mark.parametrize(
    ("texts", "against"),
    [
        ((), "it states no licence"),
        (("  ",), "it states no licence"),
        (("BSD",), "BSD is no licence that is known"),
        (("MIT AND",), "MIT AND is no licence that is known"),
        (("LicenseRef-acme",), "LicenseRef-acme is no licence that is known"),
        (("any-OSI",), "any-OSI is no licence that is known"),
        (("MIT", "Do what you like"), "Do what you like is no licence that is known"),
        (("x" * 500,), "x" * 60 + "… is no licence that is known"),
        (("(" * 300 + "MIT OR ISC" + ")" * 300,), "is no licence that is known"),
    ],
)
def test_what_nobody_knows_is_denied_unless_said_otherwise(
    texts: tuple[str, ...], against: str
) -> None:
    assert against in said(PERMISSIVE, *texts)
    assert said("licences: {allowed: [permissive], unknown: allow}", *texts) == ""


def test_what_is_unknown_beside_what_is_denied_helps_nothing() -> None:
    rule = "licences: {denied: [strong-copyleft], unknown: allow}"
    assert said(rule, "GPL-3.0-only AND Unheard-Of-1.0") != ""


def test_only_some_kinds_and_packages_are_looked_at() -> None:
    os = make_component(licences=("GPL-3+",))
    go = make_component("github.com/acme/x", "v1.0.0", ecosystem="gobinary", licences=())
    strict = "licences: {allowed: [permissive], kinds: [library], exclude: [%s]}"
    fine = judge(strict % "pkg:golang/*", OPERATING_SYSTEM, os, go, stating("MIT"))
    assert fine.verdict is Verdict.ALLOW
    assert fine.results[1].summary == "1 component, 0 under licences that are not allowed"
    assert judge(strict % "pkg:golang/github.com/other/*", go).verdict is Verdict.DENY
    odd = replace(os, kind="something new")
    assert judge(strict % "pkg:golang/*", odd).verdict is Verdict.DENY


def test_a_package_whose_version_cannot_be_told_is_not_excluded() -> None:
    rule = 'licences: {allowed: [MIT], exclude: [{purl: pkg:npm/left-pad, versions: "<2"}]}'
    assert judge(rule, stating("GPL-3+")).verdict is Verdict.ALLOW
    main = replace(stating("GPL-3+"), purl="pkg:npm/left-pad@main")
    assert judge(rule, main).verdict is Verdict.DENY


def test_a_violation_names_the_package() -> None:
    (violation,) = judge(PERMISSIVE, stating("GPL-3.0-only")).violations
    assert violation.purl == "pkg:npm/left-pad@1.0.0"
    assert violation.message.startswith("left-pad 1.0.0, app/node_modules/left-pad/package.json: ")
    assert violation.remedy == "replace left-pad 1.0.0, or exclude it in the policy and say why"


def test_it_is_written_as_it_is_read() -> None:
    policy = make_policy(
        "licences: {allowed: [permissive, GPL-2, LicenseRef-x], unknown: allow, kinds: [os]}",
        CLASSPATH,
    )
    assert load(policy.canonical().decode()) == policy
    assert b'"GPL-2.0-only","LicenseRef-x"' in policy.canonical()


@pytest.mark.parametrize(
    ("options", "refusal", "hint"),
    [
        ("unknown: deny", "it demands nothing", "give allowed, denied or both"),
        ("allowed: [MTI]", "'MTI' is neither an SPDX identifier nor a category", ""),
        ("allowed: [permisive]", "neither an SPDX identifier nor", "did you mean permissive?"),
        ("denied: [unknown]", "what is unknown is an option of its own", "unknown: deny"),
        ("allowed: [MIT OR ISC]", "neither an SPDX identifier nor a category", ""),
        ("allowed: [MIT WITH Classpath]", "'Classpath' is not an exception", "as in Classpath-"),
        ("allowed: [MIT], denied: [mit]", "MIT is allowed and denied", "leave it out"),
        ("allowed: [MIT], kinds: [operating-system]", "is not a kind of components", ""),
        ("allowed: [MIT], unknown: warn", "'warn' is not deny or allow", "deny, allow"),
    ],
)
def test_what_cannot_be_is_refused(options: str, refusal: str, hint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(f"licences: {{{options}}}")
    text = str(caught.value)
    assert refusal in text
    assert hint in text + (caught.value.hint or "")


def test_the_table_is_that_of_its_source() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "python -m tests.kit.licence_table"


def test_the_table_has_what_everybody_knows() -> None:
    known = {
        "MIT": "permissive",
        "Unlicense": "permissive",
        "MPL-2.0": "weak-copyleft",
        "LGPL-3.0-or-later": "weak-copyleft",
        "GPL-2.0-only": "strong-copyleft",
        "GPL-2.0-with-classpath-exception": "strong-copyleft",
        "AGPL-3.0-only": "network-copyleft",
        "SSPL-1.0": "proprietary",
        "CC-BY-NC-4.0": "proprietary",
        "any-OSI": "unknown",
    }
    assert {name: str(categories()[name]) for name in known} == known
    assert set(categories().values()) == set(Category)


GOOD = {"MIT", "Apache-2.0"}
# An expression, and whether it holds where the good ones are allowed and no others.
LEAVES = st.sampled_from([*sorted(GOOD), "GPL-3.0-only", "AGPL-3.0-only", "Unheard-Of-1.0"]).map(
    lambda name: (name, name in GOOD)
)


def joined(parts: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
    two = st.tuples(parts, parts)
    both = two.map(lambda t: (f"({t[0][0]} AND {t[1][0]})", t[0][1] and t[1][1]))
    either = two.map(lambda t: (f"({t[0][0]} OR {t[1][0]})", t[0][1] or t[1][1]))
    return both | either


EXPRESSIONS = st.recursive(LEAVES, joined, max_leaves=6)


WORDS = st.sampled_from(
    ["MIT", "GPL-2+", "Classpath-exception-2.0", "AND", "or", "WITH", "(", ")", ","]
)


@given(st.lists(WORDS, min_size=1).map(" ".join))
@example("( OR MIT")
@example("MIT and ( )")
def test_whatever_a_package_states_is_read(text: str) -> None:
    assert read_licences((text,)) is not None


@given(EXPRESSIONS, EXPRESSIONS)
def test_the_algebra_is_that_of_truth(one: tuple[str, bool], other: tuple[str, bool]) -> None:
    def holds(*texts: str) -> bool:
        read = read_licences(texts)
        assert read is not None
        return is_satisfied(read, lambda licence: licence.id in GOOD)

    assert holds(one[0]) == one[1]
    assert holds(one[0], other[0]) == (one[1] and other[1])
