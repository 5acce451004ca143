"""Whatever is missing, stale or broken: no allow, at the command line or in the library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supplychain.bootstrap import parts, trust
from supplychain.cli.context import context
from supplychain.errors import InputError, SupplyChainError
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.pipeline.judge import Judged, judge
from tests.kit.failings import FAILINGS, Failing, in_order
from tests.kit.typist import IMAGE, Typist


@pytest.mark.parametrize("row", FAILINGS, ids=lambda row: row.name)
def test_nothing_of_it_is_an_allow(row: Failing, typist: Typist) -> None:
    in_order(typist)
    # Without it, the image is allowed: everything below would pass if nothing ever were.
    typist.type("gate", IMAGE, "-e", "prod").ended(0)
    row.bring_about(typist)
    at_the_command_line(row, typist)
    if isinstance(row.image, Digest):
        in_the_library(row, row.image)


def at_the_command_line(row: Failing, typist: Typist) -> None:
    done = typist.type("gate", str(row.image), "-e", row.environment).ended(row.code)
    if row.code == 10:
        assert done.stdout.startswith("DENY")
        assert "To allow it:" in done.stdout
        assert row.reason in done.stdout
    else:
        assert done.stdout == ""
        assert done.stderr.startswith("error:")
        assert row.reason in done.stderr
    # Nor is anything else: not as data, not explained.
    for more in (("--output", "json"), *([("--explain",)] if row.considered else [])):
        assert typist.type("gate", str(row.image), "-e", row.environment, *more).code != 0


def in_the_library(row: Failing, image: Digest) -> None:
    settings, now = context({}).settings, context({}).now()
    subject = Subject("registry.test/shop/web", image)

    def ask() -> Judged:
        policy = trust.policy_of(settings, row.environment, None)
        with parts.open_record(settings) as record:
            return judge(record, subject, policy, environment=row.environment, at=now)

    if row.code == 10:
        decision = ask().decision
        assert decision.verdict is Verdict.DENY
        said = [" ".join((v.message, *v.notes)) for v in decision.violations]
        assert any(row.reason in one for one in said)
        return
    with pytest.raises(InputError if row.code == 2 else SupplyChainError) as caught:
        ask()
    assert row.reason in f"{caught.value} {caught.value.because}"


_WITH_A_BUG = """
import sys
from supplychain.gate import evaluate
from supplychain.gate.rules.sbom import SbomPresent

def judge(self, case):
    raise ZeroDivisionError("a rule with a bug")

SbomPresent.judge = judge
from supplychain.cli import main
main()
"""


def test_an_internal_error_is_a_fault_and_no_verdict(typist: Typist) -> None:
    in_order(typist)
    typist.type("gate", IMAGE, "-e", "prod").ended(0)
    done = subprocess.run(
        [sys.executable, "-c", _WITH_A_BUG, "gate", IMAGE, "-e", "prod"],
        capture_output=True,
        text=True,
        check=False,
        cwd=typist.folder,
        env=dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "supplychain has a bug: ZeroDivisionError" in done.stderr
