"""Evidence that is acknowledged is seen by the very next decision, whoever recorded it.

`SUPPLYCHAIN_INTERLEAVINGS` says how often that is tried; `make faults` tries it ten thousand times.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta

from supplychain.model.decision import Verdict
from supplychain.model.finding import Severity
from supplychain.pipeline.answers import Judge
from supplychain.records.content import ContentStore
from supplychain.records.record import Record
from tests.kit.policies import make_policy
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_finding

TIMES = int(os.environ.get("SUPPLYCHAIN_INTERLEAVINGS", "20"))
POLICY = make_policy("freshness: {scan: 24h}", "vulnerabilities: {severity: critical}")
MILLISECOND = timedelta(milliseconds=1)


def test_the_next_decision_sees_what_another_process_recorded(
    database: str, content: ContentStore
) -> None:
    order = random.Random(6)  # for the same order each time
    # Each with connections of its own, as processes have them.
    with Record.open(database, content) as writer, Record.open(database, content) as reader:
        judge, at, verdict = Judge(reader), AT, Verdict.DENY
        for number in range(TIMES):
            at += MILLISECOND
            if order.random() < 0.7:
                bad = order.random() < 0.5
                findings = (make_finding(severity=Severity.CRITICAL),) if bad else ()
                scan = scan_record(
                    components=(), findings=findings, report=b"%d" % number, produced_at=at
                )
                writer.save_run(manifest_run(scan=scan), at=at)
                verdict = Verdict.DENY if bad else Verdict.ALLOW
            # Once or more often: what was remembered must not be what is said after the next write.
            for _ in range(order.randrange(1, 4)):
                asked = judge.judge(SUBJECT, POLICY, environment="prod", at=at)
                assert asked.decision.verdict is verdict, number
