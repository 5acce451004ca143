"""How the tests of policies are told: lines for people, JSON, and JUnit's XML for CI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from supplychain.cli.console import Paint, printable
from supplychain.model.decision import Outcome

if TYPE_CHECKING:
    from supplychain.bootstrap.policy_tests import TestedFile
    from supplychain.gate.policy_tests import PolicyTest


def lines(files: Sequence[TestedFile], paint: Paint) -> Iterator[str]:
    """A line for each test, what is not as expected below it, and the sum."""
    for file in files:
        yield f"{file.path}  ({file.policy})"
        for test in file.tests:
            mark = paint("red", "✗") if test.failures else paint("green", "✓")
            yield f"  {mark} {printable(test.name)}"
            if test.failures:
                yield from _told(file, test)
    tests = [test for file in files for test in file.tests]
    failed = sum(bool(test.failures) for test in tests)
    yield f"{len(tests) - failed} passed, {failed} failed"


def _told(file: TestedFile, test: PolicyTest) -> Iterator[str]:
    yield f"      {file.path}:{test.line}"
    for failure in test.failures:
        yield f"      {printable(failure)}"
    for reason in got(test):
        yield f"      got: {printable(reason)}"


def got(test: PolicyTest) -> list[str]:
    """Every reason that the policy gave, each once."""
    violated = [r for r in test.decision.results if r.outcome is Outcome.VIOLATED]
    said = (f"{result.rule}: {v.message}" for result in violated for v in result.standing)
    return list(dict.fromkeys(said))


def as_data(files: Sequence[TestedFile]) -> dict[str, object]:
    """The same as data."""
    return {
        "files": [
            {
                "file": str(file.path),
                "policy": str(file.policy),
                "tests": [
                    {
                        "name": test.name,
                        "line": test.line,
                        "passed": not test.failures,
                        "failures": list(test.failures),
                        "verdict": str(test.decision.verdict),
                        "reasons": got(test),
                    }
                    for test in file.tests
                ],
            }
            for file in files
        ]
    }


def as_junit(files: Sequence[TestedFile]) -> str:
    """The same as JUnit's XML, as CI systems read it."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "".join(_suites(files))


def _suites(files: Sequence[TestedFile]) -> Iterator[str]:
    yield "<testsuites>\n"
    for file in files:
        failed = sum(bool(test.failures) for test in file.tests)
        yield (
            f'  <testsuite name={quoteattr(str(file.path))} tests="{len(file.tests)}" '
            f'failures="{failed}">\n'
        )
        yield from (_case(file, test) for test in file.tests)
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _case(file: TestedFile, test: PolicyTest) -> str:
    of, name = quoteattr(str(file.policy)), quoteattr(printable(test.name))
    opening = f"    <testcase classname={of} name={name}"
    if not test.failures:
        return f"{opening}/>\n"
    first = quoteattr(printable(test.failures[0]))
    told = escape(printable("; ".join((*test.failures, *(f"got: {one}" for one in got(test))))))
    return f"{opening}>\n      <failure message={first}>{told}</failure>\n    </testcase>\n"
