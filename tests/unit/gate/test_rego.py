"""Policies in Rego: what is refused when they are read, and that no mistake is an allow."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import replace

import pytest

from supplychain.bootstrap.rego import run_rego
from supplychain.errors import NotFoundError, PolicyError
from supplychain.gate.document import load_policy
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Verdict
from supplychain.model.dossier import Dossier, Need
from supplychain.model.finding import Severity
from tests.kit.policies import (
    fingerprint,
    known,
    load,
    make_dossier,
    make_platform,
    read_key,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding

if importlib.util.find_spec("regopy") is None:
    pytest.skip("the extra rego is not installed", allow_module_level=True)

HEAD = "schemaVersion: 1\nenvironment: prod\nrules:\n  - rego:\n      module: |\n"
DENY = """\
package main
deny contains msg if {
  some f in input.findings
  f.severity == "high"
  msg := sprintf("%s in %s", [f.id, f.package])
}
"""


def policy(text: str) -> Policy:
    return load(HEAD + "".join(f"        {line}\n" for line in text.splitlines()))


def judge(text: str, dossier: Dossier) -> Decision:
    return evaluate(dossier, policy(text), subject=SUBJECT, environment="prod", at=AT)


def found(**changes: object) -> Dossier:
    finding = replace(make_finding(severity=Severity.HIGH), **changes)  # type: ignore[arg-type]
    return make_dossier(make_platform(findings=[known(finding)]))


def test_what_it_denies_is_denied_for_its_reasons() -> None:
    decision = judge(DENY, found(vulnerability_id="CVE-1", package="x"))
    assert decision.verdict is Verdict.DENY
    assert [v.message for v in decision.violations] == ["CVE-1 in x"]
    assert judge(DENY, make_dossier()).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "name",
    [
        'x"]],"expressions":[[]],"y":[["',
        'x"]],"expressions":[[0,[]]],"y":[["',
        "line\nend",
        'quote " and \\ backslash',
        "\x00\x1b[31m",
        "é中😀",
        "",
    ],
)
def test_no_name_in_an_image_turns_a_denial_into_an_allow(name: str) -> None:
    """The interpreter writes its result as JSON without marking the quotes in texts."""
    decision = judge(DENY, found(vulnerability_id=name))
    assert decision.verdict is Verdict.DENY
    assert len(decision.violations) == 1


def test_a_file_is_read_from_beside_the_policy_and_becomes_part_of_it() -> None:
    asked = []

    def read(path: str) -> bytes:
        asked.append(path)
        if path.endswith(".yaml"):
            return b"schemaVersion: 1\nrules: [rego: {module: more/deny.rego}]\n"
        return DENY.encode()

    made = load_policy(
        b"schemaVersion: 1\nenvironment: prod\ninclude: [shared/base.yaml]\n",
        source="prod.yaml",
        read_key=read_key,
        fingerprint=fingerprint,
        read_document=read,
        run_rego=run_rego,
    )
    assert asked == ["shared/base.yaml", "shared/more/deny.rego"]
    assert made.digest == policy(DENY).digest
    assert load(made.canonical().decode()) == made


def test_a_file_that_is_not_there_is_named() -> None:
    def read(path: str) -> bytes:
        raise NotFoundError(f"there is no policy document {path}")

    with pytest.raises(PolicyError, match=r"p\.yaml:3:24: there is no policy document gone\.rego"):
        load_policy(
            b"schemaVersion: 1\nenvironment: prod\nrules: [rego: {module: gone.rego}]\n",
            source="p.yaml",
            read_key=read_key,
            fingerprint=fingerprint,
            read_document=read,
        )


def body(line: str) -> str:
    return f'package main\ndeny contains msg if {{\n  {line}\n  msg := "x"\n}}\n'


REFUSED = {
    "no Rego": (body("x ="), "cannot be judged by"),
    "no package": ("deny contains msg if { msg := 1 }\nx := 1\n", "names no package"),
    "no deny": ("package main\nallow := true\n", "data.main.deny is not there"),
    "no set": ("package main\ndeny := true\n", "no set of messages"),
    "a set before 1.0": ('package main\ndeny[msg] { msg := "x" }\n', "before 1.0"),
    "warnings": (DENY + 'warn contains msg if { msg := "x" }\n', "nothing reads the rule warn"),
    "another deny": (DENY + 'deny_it contains msg if { msg := "x" }\n', "the rule deny_it"),
    "an unknown key": (body("input.findngs[_].id"), "no 'findngs'; did you mean findings?"),
    "all of it": (body("walk(input, [p, v])"), "reads input as a whole"),
    "a key that is made up": (body('input["find"]'), "reads input as a whole"),
    "the network": (body('http.send({"method": "get", "url": "http://a.example"})'), "http.send"),
    "the network, renamed": (body("count([1]) with count as http.send"), "http.send"),
    "names of hosts": (body('net.lookup_ip_addr("a.example")'), "net.lookup_ip_addr"),
    "a clock": (body("time.now_ns() > 3"), "time.now_ns is not for policies"),
    "the machine": (body("opa.runtime().env.HOME"), "opa.runtime"),
    "chance": (body('rand.intn("x", 9) == 3'), "rand.intn"),
    "another chance": (body('uuid.rfc4122("x") == "y"'), "uuid.rfc4122"),
    "a list without end": (body("count(numbers.range(1, 1000000000)) > 1"), "numbers.range"),
    "an unknown function": (body("foo(1)"), "cannot be judged by"),
    "a circle": (body("a") + "a := b\nb := a\n", "cannot be judged by"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_by_is_refused_where_it_stands(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(text)
    assert str(caught.value).startswith("prod.yaml:5:15: ")
    assert reason in str(caught.value)


def test_words_in_texts_and_comments_are_not_functions() -> None:
    policy(body('"http.send(input)" != "time.now_ns()" # opa.runtime() of input'))
    policy("package main\nimport rego.v1\n" + DENY.removeprefix("package main\n"))


ERRORS = {
    "a function that fails": body('to_number(concat("", ["z", input.environment])) > 1'),
    "division by nothing": body("1 / (input.scan.age - input.scan.age) > 1"),
    "two values": body("p == 1")
    + 'p := 1 if input.environment\np := 2 if input.environment == "prod"\n',
}


@pytest.mark.parametrize("text", ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_evaluated_denies(text: str) -> None:
    decision = judge(text, make_dossier())
    assert decision.verdict is Verdict.DENY
    assert "cannot be evaluated" in decision.violations[0].message


def test_evidence_that_is_mentioned_has_to_be_on_record() -> None:
    decision = judge(DENY, make_dossier(make_platform(scan=None)))
    assert [v.message for v in decision.violations] == ["no scan is recorded"]


def test_what_it_needs_is_what_it_mentions() -> None:
    text = body("some c in input.components; c.name == input.environment")
    assert policy(text).needs == {Need.COMPONENTS}
    assert policy(DENY).needs == frozenset()
    parts = (make_component("prod", "1"),)
    assert judge(text, make_dossier(replace(make_platform(), components=parts))).violations


def test_where_time_is_mentioned_the_verdict_holds_for_its_instant_only() -> None:
    assert judge(body("input.scan.age > 60"), make_dossier()).holds_until == AT
    assert judge(body('input.environment == "x"'), make_dossier()).holds_until is None


def test_without_the_extra_the_policy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supplychain.bootstrap.rego.find_spec", lambda _name: None)
    with pytest.raises(PolicyError, match=r"nothing that reads Rego; .*'supplychain\[rego\]'"):
        policy(DENY)


def test_where_nothing_evaluates_rego_the_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match="nothing reads Rego here"):
        load_policy(
            (HEAD + "".join(f"        {line}\n" for line in DENY.splitlines())).encode(),
            source="p.yaml",
            read_key=read_key,
            fingerprint=fingerprint,
        )


def test_it_ends_and_stays_within_its_memory() -> None:
    parts = tuple(make_component(f"part{number}", "1") for number in range(2000))
    dossier = make_dossier(replace(make_platform(), components=parts))
    endless = "some a in input.components; some b in input.components; some c in input.components"
    names = "[c.name | some c in input.components]"
    growing = [f"x := concat('', {names})"]
    growing += [f"{y} := concat({x}, {names})" for x, y in ("xy", "yz")]
    lines = (
        f"{endless}; concat(a.name, [b.name]) == c.name",
        "; ".join([*growing, "z == 'q'"]).replace("'", '"'),
    )
    for line in lines:
        begun = time.monotonic()
        decision = judge(body(line), dossier)
        assert time.monotonic() - begun < 30
        assert decision.verdict is Verdict.DENY
        assert "cannot be evaluated" in decision.violations[0].message


def test_its_machine_code_and_that_of_patterns_do_not_meet() -> None:
    """In one process they spoil one another's memory."""
    judge(DENY, found())
    assert "regopy" not in sys.modules
