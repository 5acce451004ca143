"""`supplychain decisions`, typed: listed, shown, compared, replayed, verified, taken along."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from supplychain.records.folder import FolderStore
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import HOUR, IMAGE, Typist

DJANGO = make_finding(vulnerability_id="CVE-2019-19844")


def ask(typist: Typist, code: int) -> str:
    done = typist.type("gate", IMAGE, "-e", "prod", "--output", "json").ended(code)
    assert done.json()
    (newest, *_) = decisions(typist)
    return str(newest["digest"])


def decisions(typist: Typist, *arguments: str) -> list[dict[str, object]]:
    done = typist.type("decisions", "list", *arguments, "--output", "json").ended(0)
    found: list[dict[str, object]] = done.json()["decisions"]
    return found


def allowed_then_denied(typist: Typist) -> tuple[str, str]:
    typist.policy("sbom: {}", "vulnerabilities: {severity: high}")
    typist.examined()
    allowed = ask(typist, 0)
    typist.examined(DJANGO, ago=HOUR, report=b"new")
    return allowed, ask(typist, 10)


def test_they_are_listed_and_shown_as_they_were_recorded(typist: Typist) -> None:
    allowed, denied = allowed_then_denied(typist)
    assert [d["digest"] for d in decisions(typist)] == [denied, allowed]
    assert [d["digest"] for d in decisions(typist, "--verdict", "deny")] == [denied]
    assert [d["digest"] for d in decisions(typist, IMAGE, "-e", "prod")] == [denied, allowed]
    assert decisions(typist, "-e", "staging") == []
    assert decisions(typist, "--since", "2999-01-01") == []
    assert len(decisions(typist, "--since", "1h")) == 2

    listed = typist.type("decisions", "list").ended(0).stdout
    assert f"DENY    {SUBJECT.name}@sha256:{SUBJECT.digest.short} in prod" in listed
    short = denied.removeprefix("sha256:")[:12]
    shown = typist.type("decisions", "show", short).ended(0).stdout
    assert shown.startswith(f"DENY  {SUBJECT} in prod")
    assert f"decision {short}" in shown
    stored = FolderStore(typist.data / "content")
    document = typist.type("decisions", "show", short, "--output", "json").ended(0).stdout
    assert document.encode() in {stored.get(digest) for digest in stored.digests()}


def test_asking_again_says_the_same_and_reading_writes_nothing(typist: Typist) -> None:
    typist.policy("sbom: {}", "freshness: {scan: 24h}")
    typist.examined()
    first = typist.type("gate", IMAGE, "-e", "prod", "--output", "json").ended(0).stdout
    (only,) = decisions(typist)
    identity = str(only["digest"])
    before = _everything(typist)
    again = typist.type("gate", IMAGE, "-e", "prod", "--output", "json").ended(0).stdout
    assert again == first
    for arguments in (
        ("gate", IMAGE, "-e", "prod"),
        ("gate", IMAGE, "-e", "prod", "--explain"),
        ("gate", IMAGE, "-e", "prod", "--at", "1h"),
        ("decisions", "list"),
        ("decisions", "show", identity),
        ("decisions", "diff", identity, identity),
        ("decisions", "replay", identity),
        ("decisions", "verify"),
    ):
        typist.type(*arguments).ended(0)
        assert _everything(typist) == before, arguments


def _everything(typist: Typist) -> tuple[list[str], list[str]]:
    with closing(sqlite3.connect(typist.data / "supplychain.db")) as connection:
        rows = list(connection.iterdump())
    return rows, sorted(map(str, FolderStore(typist.data / "content").digests()))


def test_a_difference_names_what_is_new(typist: Typist) -> None:
    allowed, denied = allowed_then_denied(typist)
    for arguments in (
        (allowed, denied),
        (IMAGE, "-e", "prod"),
        (IMAGE, "-e", "prod", "--since", "1h"),
    ):
        told = typist.type("decisions", "diff", *arguments).ended(0).stdout
        assert "then ALLOW" in told
        assert "now  DENY" in told
        assert "CVE-2019-19844" in told
    rows = typist.type("decisions", "diff", allowed, denied, "-o", "json").ended(0).json()
    assert rows["verdicts"] == ["allow", "deny"]
    assert {c["cause"] for c in rows["changes"]} == {
        "reason_added",
        "evidence_added",
        "evidence_removed",
    }

    typist.policy("sbom: {}", "freshness: {scan: 24h}")
    ask(typist, 0)
    rows = typist.type("decisions", "diff", IMAGE, "-e", "prod", "-o", "json").ended(0).json()
    causes = {(c["cause"], c["rule"]) for c in rows["changes"]}
    assert ("rule_removed", "vulnerabilities") in causes
    assert ("rule_added", "freshness") in causes
    assert ("reason_gone", "vulnerabilities") in causes


def test_a_decision_is_replayed_from_the_record_and_from_a_folder_alone(typist: Typist) -> None:
    _, denied = allowed_then_denied(typist)
    typist.type("decisions", "replay", denied[:20]).ended(0)
    typist.type("decisions", "export", denied, "--to", "evidence").ended(0)
    assert sorted(path.name for path in (typist.folder / "evidence").iterdir()) == [
        "decision.json",
        "inputs.json",
        "policy.json",
    ]
    again = typist.type("decisions", "export", denied, "--to", "evidence")
    again.refused(2, "is not empty")
    (typist.data / "supplychain.db").unlink()
    told = typist.type("decisions", "replay", "--file", "evidence", "-o", "json").ended(0).json()
    assert told == {"schemaVersion": 1, "decision": denied, "verdict": "deny", "same": True}

    path = typist.folder / "evidence" / "decision.json"
    forged = json.loads(path.read_bytes()) | {"verdict": "allow"}
    path.write_text(json.dumps(forged, sort_keys=True, separators=(",", ":")) + "\n")
    done = typist.type("decisions", "replay", "--file", "evidence")
    done.refused(1, "it was allow, now deny")


def test_a_chain_that_was_tampered_with_is_a_fault(typist: Typist) -> None:
    allowed_then_denied(typist)
    found = typist.type("decisions", "verify", "--output", "json").ended(0).json()
    assert (found["decisions"], found["breaks"]) == (2, [])
    link = found["newest"]["link"]
    typist.type("decisions", "verify", "--link", link).ended(0)
    with closing(sqlite3.connect(typist.data / "supplychain.db")) as connection:
        connection.execute("DROP TRIGGER decisions_no_update")
        connection.execute("UPDATE decisions SET verdict = 'allow' WHERE id = 2")
        connection.commit()
    done = typist.type("decisions", "verify").ended(1)
    assert "BROKEN  number 2" in done.stdout
    assert "not as it was written" in done.stderr


def test_what_is_asked_wrongly_is_refused_with_a_hint(typist: Typist) -> None:
    typist.policy("sbom: {}")
    typist.examined()
    typist.type("decisions", "show", "abcdef012345").refused(1, "no decision")
    typist.type("decisions", "show", "shop").refused(2, "names no decision")
    typist.type("decisions", "replay").refused(2, "name one decision, or one folder")
    typist.type("decisions", "list", "--verdict", "maybe").refused(2, "is no verdict")
    typist.type("decisions", "list", "--since", "tuesday").refused(2, "is not a moment")
    typist.type("decisions", "diff", IMAGE, "-e", "prod").refused(1, "no two decisions")
    typist.type("decisions", "replay", "--file", "nowhere").refused(1, "no folder")
