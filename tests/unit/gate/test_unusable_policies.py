"""Policies that cannot be used whole are refused, whatever else is in them: nothing is skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from supplychain.errors import NotFoundError, PolicyError
from supplychain.gate.document import load_policy
from supplychain.gate.evaluate import evaluate
from supplychain.model.decision import Verdict
from tests.kit.policies import fingerprint, make_dossier, read_key, read_shared
from tests.kit.scans import AT, SUBJECT

DOCS = Path(__file__).parents[3] / "docs" / "policy.md"
HEAD = "schemaVersion: 1\nenvironment: prod\n"
RULES = f"{HEAD}rules:\n  - sbom: {{}}\n"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A policy and why it is refused."""

    name: str
    text: str
    reason: str


UNUSABLE = (
    Unusable("an empty policy", "", "1:1: the document is empty"),
    Unusable("a policy without rules", f"{HEAD}rules: []\n", "3:8: there is no rule, and a policy"),
    Unusable(
        "a policy that only warns",
        f"{HEAD}rules: [{{warn: true, sbom: {{}}}}]\n",
        "1:1: every rule of the policy for prod only warns",
    ),
    Unusable("an unknown rule", f"{RULES}  - licenses: {{}}\n", "5:5: 'licenses' is not a rule"),
    Unusable(
        "a rule that a newer version knows",
        f"{RULES}  - reproducible: {{}}\n",
        "5:5: 'reproducible' is not a rule",
    ),
    Unusable(
        "an option that a newer version knows",
        f"{RULES}  - freshness: {{scan: 24h, report: 24h}}\n",
        "5:28: rule freshness knows no 'report'",
    ),
    Unusable(
        "a policy that a newer version wrote",
        RULES.replace("Version: 1", "Version: 2"),
        "1:16: schemaVersion 2 is not known to this supplychain",
    ),
    Unusable(
        "a policy without an environment",
        RULES.replace("environment: prod\n", ""),
        "1:1: the policy needs 'environment'",
    ),
    Unusable(
        "an included document that is not there",
        f"{RULES}include: [gone.yaml]\n",
        "5:11: there is no gone.yaml",
    ),
    Unusable(
        "an included document that is wrong",
        f"{RULES}include: [wrong.yaml]\n",
        "wrong.yaml:2:9: 'sbim' is not a rule",
    ),
    Unusable(
        "documents that include one another",
        f"{RULES}include: [circle.yaml]\n",
        "circle.yaml:2:11: the documents include one another",
    ),
    Unusable(
        "a key that is not there",
        f"{RULES}  - signature: {{keys: [gone.pub]}}\n",
        "5:24: there is no gone.pub",
    ),
    Unusable(
        "one id for two rules",
        f"{HEAD}rules: [{{id: a, sbom: {{}}}}, {{id: a, freshness: {{scan: 1d}}}}]\n",
        "3:28: rule a is also in prod.yaml:3, where it says something else",
    ),
    Unusable(
        "an impossible range",
        f"{RULES}  - age: {{min: 9d, max: 3d}}\n",
        "5:10: ",
    ),
    Unusable(
        "an expression that does not compile",
        f"{RULES}  - expression: {{cel: 'findngs.all(f, true)'}}\n",
        "5:23: the expression knows no 'findngs'",
    ),
    Unusable(
        "an expression that never ends",
        f"{RULES}  - expression: {{cel: '[1].map(x, [x]).map(x, [x]).map(x, [x]).map(x, [x])"
        ".map(x, [x]) == []'}\n",
        "5:23: the expression has 5 map() and 0 +, and each may multiply the others",
    ),
)


def read(path: str) -> bytes:
    documents = {
        "wrong.yaml": b"schemaVersion: 1\nrules: [sbim: {}]\n",
        "circle.yaml": b"schemaVersion: 1\ninclude: [prod.yaml]\n",
    }
    if path.startswith("gone"):
        raise NotFoundError(f"there is no {path}")
    return documents[path] if path in documents else read_shared(path)


def read_a_key(path: str) -> bytes:
    if path.startswith("gone"):
        raise NotFoundError(f"there is no {path}")
    return read_key(path)


def refused(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load_policy(
            text.encode(),
            source="prod.yaml",
            read_key=read_a_key,
            fingerprint=fingerprint,
            read_document=read,
        )
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("one", UNUSABLE, ids=lambda one: one.name)
def test_it_is_refused_and_says_why(one: Unusable) -> None:
    said = refused(one.text)
    assert said.removeprefix("prod.yaml:").startswith(one.reason)


def test_without_a_usable_policy_nothing_is_allowed() -> None:
    decision = evaluate(make_dossier(), None, subject=SUBJECT, environment="prod", at=AT)
    assert decision.verdict is Verdict.DENY


def test_the_page_shows_every_one() -> None:
    def row(one: Unusable) -> str:
        said = re.sub(r"^[\w.]+:\d+:\d+: ", "", refused(one.text)).partition("; ")[0]
        return f"| {one.name} | {said} |"

    text = DOCS.read_text(encoding="utf-8")
    between = text.partition("<!-- unusable: begin -->\n")[2].partition("<!-- unusable: end -->")[0]
    expected = ["| situation | reason given |", "| --- | --- |", *map(row, UNUSABLE)]
    assert between.splitlines() == expected
