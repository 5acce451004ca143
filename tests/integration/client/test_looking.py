"""What is on record at a server, as commands show it: the same as at the record itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from supplychain.export.data import rfc3339
from supplychain.model.finding import Severity
from tests.kit.listening import Remote
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import IMAGE

LOOK: tuple[tuple[str, ...], ...] = (
    ("decisions", "list"),
    ("decisions", "list", IMAGE[7:19], "-e", "prod", "--verdict", "deny", "--since", "1h"),
    ("decisions", "list", "--verdict", "allow"),
    ("decisions", "verify"),
    ("images", "list"),
    ("images", "show", IMAGE),
    ("images", "show", SUBJECT.name),
    ("search", "vulnerability", "CVE-2026-0001"),
    ("search", "vulnerability", "CVE-2026-0001", "-e", "prod", "--at", "1h"),
    ("search", "vulnerability", "CVE-1999-0001"),
    ("search", "component", "pkg:deb/*/openssl", "--versions", "<4"),
    ("search", "licence", "AGPL-3.0-only"),
    ("audit", "list"),
    ("audit", "list", "--since", "1h", "--limit", "1"),
    ("audit", "verify"),
)


def test_everything_looks_as_it_does_at_the_record(remote: Remote) -> None:
    remote.typist.policy("vulnerabilities: {severity: critical}")
    remote.typist.examined(
        make_finding(severity=Severity.CRITICAL, vulnerability_id="CVE-2026-0001")
    )
    assert remote.here("gate", str(SUBJECT), "-e", "prod").code == 10
    shown = 0
    for words in LOOK:
        for form in ("json", "text"):
            there = remote.type(*words, "--output", form)
            here = remote.here(*words, "--output", form)
            assert (there.code, there.ageless) == (here.code, here.ageless), words
            assert there.code == 0, (words, there)
            shown += len(there.stdout) > 60
    assert shown > len(LOOK)


def test_a_decision_is_shown_and_judged_again(remote: Remote) -> None:
    remote.typist.policy("sbom: {}")
    remote.typist.examined()
    remote.here("gate", str(SUBJECT), "-e", "prod")
    [one] = json.loads(remote.here("decisions", "list", "-o", "json").stdout)["decisions"]
    short = one["digest"].removeprefix("sha256:")[:12]
    for name in (short, one["digest"]):
        for words in (("show", name), ("show", name, "-o", "json"), ("replay", name)):
            there = remote.type("decisions", *words)
            assert there.code == 0, there
            assert there.ageless == remote.here("decisions", *words).ageless
    remote.type("decisions", "show", "0" * 12).refused(1, "no decision")
    remote.type("decisions", "show", "nonsense").refused(2)
    assert remote.type("decisions", "show", "../images").code == 1
    remote.type("images", "show", "nothing-of-this-name").refused(1)


def test_decisions_are_compared_as_at_the_record(remote: Remote) -> None:
    remote.typist.policy("vulnerabilities: {severity: critical}")
    remote.typist.examined(make_finding(severity=Severity.HIGH))
    remote.here("gate", str(SUBJECT), "-e", "prod").ended(0)
    remote.type("decisions", "diff", IMAGE, "-e", "prod").refused(1, "no two decisions")
    middle = rfc3339(datetime.now(UTC))
    remote.typist.policy("vulnerabilities: {severity: high}")
    remote.here("gate", str(SUBJECT), "-e", "prod").ended(10)
    listed = json.loads(remote.here("decisions", "list", "-o", "json").stdout)["decisions"]
    later, earlier = (one["digest"] for one in listed)
    short = [one.removeprefix("sha256:")[:12] for one in (earlier, later)]
    image = (IMAGE[7:19], "-e", "prod")
    for words in (
        (earlier, later),
        short,
        image,
        (*image, "--since", middle),
        (*image, "--since", "1h"),
    ):
        for form in ("text", "json"):
            there = remote.type("decisions", "diff", *words, "-o", form)
            assert there.code == 0, there
            assert there.ageless == remote.here("decisions", "diff", *words, "-o", form).ageless
            assert "vulnerabilities" in there.stdout
    remote.type("decisions", "diff", earlier, "0" * 12).refused(1, "no decision")
    remote.type("decisions", "diff", IMAGE, "-e", "staging").refused(1, "no two decisions")


def test_what_needs_the_record_itself_is_refused(remote: Remote) -> None:
    to = str(remote.typist.folder / "out")
    remote.type("decisions", "export", "a" * 12, "--to", to).refused(2, "decisions list|show")


def test_of_the_audit_log_as_many_events_come_as_were_asked_for(remote: Remote) -> None:
    for name in ("one", "two", "three"):
        remote.here("projects", "create", name).ended(0)
    middle = rfc3339(datetime.now(UTC))
    remote.here("projects", "create", "four").ended(0)
    for more, about in ((("--limit", "2"), ["four", "three"]), (("--since", middle), ["four"])):
        there = remote.type("audit", "list", "-o", "json", *more)
        assert there.ageless == remote.here("audit", "list", "-o", "json", *more).ageless
        assert [one["about"] for one in json.loads(there.stdout)["events"]] == about


def test_the_audit_log_is_of_every_project_wherever_somebody_works(remote: Remote) -> None:
    remote.here("projects", "create", "shop").ended(0)
    remote.typist.patch.setenv("SUPPLYCHAIN_PROJECT", "shop")
    for words in (("audit", "list", "-o", "json"), ("audit", "verify", "-o", "json")):
        there = remote.type(*words).ended(0)
        assert there.ageless == remote.here(*words).ended(0).ageless
        assert "project.created" in there.stdout or "verify" in words


def test_a_broken_chain_is_said_through_a_server_too(remote: Remote) -> None:
    remote.typist.policy("sbom: {}")
    remote.typist.examined()
    remote.here("gate", str(SUBJECT), "-e", "prod")
    remote.typist.sql("DROP TRIGGER decisions_no_update")
    remote.typist.sql("UPDATE decisions SET environment = 'staging'")
    there = remote.type("decisions", "verify")
    assert there.code == 1
    assert there.stdout.startswith("BROKEN")
    assert there.ageless == remote.here("decisions", "verify").ageless
