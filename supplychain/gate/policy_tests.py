"""The tests that stand beside a policy: evidence in, verdict out, judged as the gate judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from supplychain.errors import PolicyError
from supplychain.frozen import dataclass
from supplychain.gate import nodes
from supplychain.gate.composition import Located
from supplychain.gate.evaluate import evaluate
from supplychain.gate.fields import fields
from supplychain.gate.imagined import Imagined
from supplychain.gate.imagined_values import Imagining
from supplychain.gate.nodes import Node, ProblemError
from supplychain.gate.options import choice, scalar
from supplychain.gate.policy import Policy
from supplychain.gate.reading import Reading, no_documents
from supplychain.gate.windows import INSTANT
from supplychain.gate.yaml_text import read_yaml
from supplychain.model.decision import Decision, Outcome, Verdict
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject

# When a test takes place that does not say: any instant will do, as long as it is always the same.
USUALLY_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
_VERDICT = choice("a verdict", {str(verdict): verdict for verdict in Verdict})
_OUTCOME = choice("an outcome", {str(outcome): outcome for outcome in Outcome})
_KEYS = {
    "name": True,
    "image": True,
    "verdict": True,
    "at": False,
    "reasons": False,
    "rules": False,
}


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test, judged.

    Attributes:
        name: What it is called.
        line: Where it stands in its file.
        decision: What the policy says.
        failures: What was expected and is not so, a sentence each; none for a test that passed.
    """

    name: str
    line: int
    decision: Decision
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Expected:
    verdict: Verdict
    reasons: tuple[tuple[str, str], ...]
    rules: tuple[tuple[str, Outcome], ...]


def policy_of_tests(data: bytes, *, source: str) -> str:
    """The policy that a file of tests names; "" where it goes without saying.

    Raises:
        PolicyError: The file cannot be read.
    """
    try:
        found = _document(data, [])
        return scalar(found["policy"], "the policy's path").text if "policy" in found else ""
    except ProblemError as problem:
        raise _error(source, [problem]) from None


def run_tests(
    data: bytes,
    policy: Policy,
    *,
    source: str,
    read_key: Callable[[str], bytes],
    fingerprint: Callable[[bytes], str],
) -> tuple[PolicyTest, ...]:
    """Judge every test of a file.

    Args:
        data: The file.
        policy: The policy that it tests.
        source: Its name for messages.
        read_key: Gives the bytes of a key by its path, relative to the file.
        fingerprint: Gives the fingerprint of a public key in PEM.

    Raises:
        PolicyError: The file is no file of tests; the message has what is wrong, with its place.
    """
    reading = Reading(read_key, fingerprint, [], source, no_documents)
    results = []
    try:
        found = _document(data, reading.problems)
        if "tests" in found:
            for item in _tests(found["tests"]):
                try:
                    results.append(_judged(item, policy, reading))
                except ProblemError as problem:
                    reading.problems.append(problem)
    except ProblemError as problem:
        reading.problems.append(problem)
    if reading.problems:
        raise _error(source, reading.problems)
    return tuple(results)


def _document(data: bytes, problems: list[ProblemError]) -> dict[str, Node]:
    known = {"schemaVersion": True, "policy": False, "tests": True}
    found = fields(read_yaml(data), known, "a file of tests", problems)
    version = found.get("schemaVersion")
    if version is not None and (not isinstance(version, nodes.Scalar) or version.text != "1"):
        problems.append(
            ProblemError(version.position, f"schemaVersion {version} is not known", "it reads 1")
        )
    return found


def _tests(node: Node) -> tuple[Node, ...]:
    if not isinstance(node, nodes.Sequence) or not node.items:
        raise ProblemError(node.position, f"expected a list of tests, found {node}")
    return node.items


def _judged(node: Node, policy: Policy, reading: Reading) -> PolicyTest:
    problems: list[ProblemError] = []
    found = fields(node, _KEYS, "a test", problems)
    if problems:
        reading.problems.extend(problems[1:])
        raise problems[0]
    at = INSTANT.read(found["at"], reading) if "at" in found else USUALLY_AT
    subject = Subject(_repository(found["image"]), Digest.of(b"the image of a test"))
    imagining = Imagining(at, subject, reading)
    expected = _expected(found, reading)
    dossier = Imagined(imagining, policy).dossier(found["image"])
    try:
        decision = evaluate(dossier, policy, subject=subject, environment=policy.environment, at=at)
    except (LookupError, TypeError, ValueError) as error:
        # The record never gives such evidence; whoever imagines it may leave out what rules need.
        raise ProblemError(
            found["image"].position, f"no record has such evidence: {error}", "say more of it"
        ) from error
    name = scalar(found["name"], "the test's name").text
    return PolicyTest(name, node.position.line, decision, tuple(_failures(expected, decision)))


def _repository(image: Node) -> str:
    entries = image.entries if isinstance(image, nodes.Mapping) else ()
    for key, value in entries:
        if isinstance(key, nodes.Scalar) and key.text == "repository":
            return scalar(value, "a repository").text
    return "registry.example/image"


def _expected(found: dict[str, Node], reading: Reading) -> _Expected:
    verdict: Verdict = _VERDICT.read(found["verdict"], reading)
    reasons = tuple(_reasons(found["reasons"])) if "reasons" in found else ()
    rules: list[tuple[str, Outcome]] = []
    if "rules" in found:
        node = found["rules"]
        if not isinstance(node, nodes.Mapping):
            raise ProblemError(node.position, f"expected a mapping, found {node}", "sbom: passed")
        rules = [
            (scalar(key, "a rule or its id").text, _OUTCOME.read(value, reading))
            for key, value in node.entries
        ]
    if reasons and verdict is Verdict.ALLOW:
        raise ProblemError(
            found["reasons"].position, "an allow has no reasons", "rules: {licences: waived}"
        )
    return _Expected(verdict, reasons, tuple(rules))


def _reasons(node: Node) -> Iterator[tuple[str, str]]:
    """Each as the rule that gives it and a text that is in it: "" for any."""
    if not isinstance(node, nodes.Sequence) or not node.items:
        raise ProblemError(node.position, f"expected a list of reasons, found {node}")
    for item in node.items:
        if isinstance(item, nodes.Mapping):
            for rule, text in item.entries:
                yield scalar(rule, "a rule or its id").text, scalar(text, "a text").text
        else:
            yield "", scalar(item, "a text that the reason contains").text


def _failures(expected: _Expected, decision: Decision) -> Iterator[str]:
    if decision.verdict is not expected.verdict:
        yield f"expected {expected.verdict}, got {decision.verdict}"
    violated = [r for r in decision.results if r.outcome is Outcome.VIOLATED]
    said = [(r.rule, r.id, v.message) for r in violated for v in r.standing]
    for rule, text in expected.reasons:
        if not any(rule in {"", name, own} and text in message for name, own, message in said):
            yield f"expected the reason {f'{rule}: ' if rule else ''}{text}"
    for rule, outcome in expected.rules:
        got = [r.outcome for r in decision.results if rule in {r.rule, r.id}]
        if outcome not in got:
            yield f"expected {rule} to be {outcome}, it is {' and '.join(got) or 'not there'}"


def _error(source: str, problems: list[ProblemError]) -> PolicyError:
    ordered = sorted(problems, key=lambda problem: problem.position)
    lines = [str(Located(source, problem)) for problem in ordered]
    return PolicyError(
        lines[0],
        because=f"and {len(lines) - 1} more: {' · '.join(lines[1:])}" if lines[1:] else None,
        hint="docs/policy.md, 'Tests of a policy'",
    )
