"""The documentation of policies says what the rules do, and each of its examples works."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from supplychain.gate.composition import COMPOSING
from supplychain.gate.describe import example_item
from supplychain.gate.imagined import KEYS
from supplychain.gate.options import options_of
from supplychain.gate.policy import Policy
from supplychain.gate.policy_tests import run_tests
from supplychain.gate.rules import RULES
from supplychain.gate.schema import policy_schema
from tests.kit.policies import fingerprint, load, read_key
from tests.kit.reference_docs import SCHEMA, schema

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, flags=re.DOTALL)
HEAD = "schemaVersion: 1\nenvironment: prod\nrules:\n"


def documents() -> Iterator[str]:
    """Every example of the page and of the rules as a whole document, and the demo's policy."""
    for example in EXAMPLES:
        yield example if "schemaVersion" in example else HEAD + example
    for rule in RULES.values():
        yield from (HEAD + example_item(example) for example in rule.examples)
    yield (ROOT / "demo" / "policies" / "prod.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", list(documents()))
def test_every_example_loads_and_fits_the_schema(document: str) -> None:
    policy = load(document)
    assert policy.rules
    validator = jsonschema_rs.validator_for(policy_schema())
    validator.validate(yaml.safe_load(document))
    validator.validate(json.loads(policy.canonical()))


def test_the_tests_that_the_page_shows_pass() -> None:
    shown = re.findall(r"```yaml tests\n(.*?)```", DOCS, flags=re.DOTALL)
    first = load(EXAMPLES[0])
    for text in shown:
        results = run_tests(
            text.encode(), first, source="it", read_key=read_key, fingerprint=fingerprint
        )
        assert [test.failures for test in results] == [()] * len(results)
    assert shown


def test_the_page_lists_what_a_test_can_say() -> None:
    section = DOCS.partition("## Tests of a policy\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(KEYS)


@pytest.mark.parametrize(
    "rule",
    [
        "sbim: {}",
        "freshness: {scan: 24}",
        "signature: {keys: []}",
        "vulnerabilities: {}",
        "vulnerabilities: {severity: unknown}",
        "vulnerabilities: {severity: high, fixabel: true}",
    ],
)
def test_the_schema_refuses_what_editors_should_underline(rule: str) -> None:
    validator = jsonschema_rs.validator_for(policy_schema())
    assert not validator.is_valid(yaml.safe_load(f"{HEAD}- {rule}\n"))


def test_the_published_schema_is_that_of_the_rules() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "type: make docs"


def test_there_is_an_example_of_every_rule() -> None:
    assert len(EXAMPLES) > len(RULES)
    assert {item.rule.name for e in documents() for item in load(e).rules} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_it_demands_and_shows_it(name: str) -> None:
    rule = RULES[name]
    assert len(inspect.getdoc(rule) or "") > 40
    assert len(rule.examples) > 1
    assert DOCS.count(f"### `{name}`\n") == 1


def test_the_keys_of_a_policy_are_listed() -> None:
    section = DOCS.partition("## A policy\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    assert listed == {"schemaVersion", *options_of(Policy), *COMPOSING}
