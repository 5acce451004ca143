"""Waivers, typed: asked for, approved by somebody else, used, listed, ended, and refused."""

from __future__ import annotations

from pathlib import Path

from tests.kit.cli import Desk, Outcome
from tests.kit.shop import digest_of

WAIVERS = "waivers: {approvers: [bob], max: {critical: 14d, high: 30d, other: 30d, unknown: 7d}}\n"
WHY = ("--reason", "it cannot be reached", "--as", "alice")


def allow_waivers(desk: Desk, *rules: str) -> None:
    policy = desk.policy(*rules)
    policy.write_text(policy.read_text() + WAIVERS)


def denied_for(desk: Desk, image: str) -> list[str]:
    said = desk.type("gate", image, "-e", "prod", "-o", "json").json()
    found = [v for r in said["results"] for v in r["violations"] if not v["waiver"]]
    return sorted({v["finding"]["vulnerability_id"] for v in found if v["finding"]})


def test_a_waiver_is_asked_for_approved_used_and_revoked(desk: Desk, vulnerable: Path) -> None:
    image = f"oci:{vulnerable}"
    allow_waivers(desk, "vulnerabilities: {severity: high}")
    desk.type("run", image, "-e", "prod").ended(10)
    bad = denied_for(desk, image)
    for cve in bad:
        asked = desk.type("waivers", "request", "--cve", cve, "--expires", "7d", *WHY).ended(0)
        assert "supplychain waivers approve WV-" in asked.stderr
    assert denied_for(desk, image) == bad
    denied = desk.type("gate", image, "-e", "prod").ended(10).stdout
    assert "WV-1 is not approved" in denied

    desk.type("waivers", "approve", "WV-1", "--as", "alice").refused(
        2, "alice asked for WV-1 and cannot approve it"
    )
    desk.type("waivers", "approve", "WV-1", "--as", "eve").refused(
        2, "does not let eve approve waivers", "ask bob"
    )
    for number in range(1, len(bad) + 1):
        told = desk.type("waivers", "approve", f"WV-{number}", "--as", "bob").ended(0)
        assert "the approval of bob counts in prod" in told.stderr
    allowed = desk.type("gate", image, "-e", "prod").ended(0).stdout
    assert " ~ vulnerabilities" in allowed
    assert "waived by bob until" in allowed
    assert "it cannot be reached" in allowed

    shown = desk.type("waivers", "show", "WV-1", "-o", "json").ended(0).json()
    (waiver,) = shown["waivers"]
    assert (waiver["state"], waiver["scope"]["versions"][0]) == ("approved", "=")
    assert [step["step"] for step in shown["history"]] == ["requested", "approved"]
    assert len(shown["decisions"]) == 1
    assert "decisions that rest on it: " in desk.type("waivers", "show", "1").ended(0).stdout
    assert len(_listed(desk, "--state", "approved")) == len(bad)
    assert _listed(desk, "--expiring", "1d") == []

    extended = desk.type("waivers", "extend", "WV-1", "--expires", "9d", "--as", "alice")
    assert extended.ended(0).stdout.startswith("WV-1   requested")
    assert [w["state"] for w in _listed(desk)][:2] == ["approved", "requested"]
    desk.type("gate", image, "-e", "prod").ended(0)
    desk.type("waivers", "revoke", "WV-1", "--as", "bob", "--reason", "exploited").ended(0)
    denied = desk.type("gate", image, "-e", "prod").ended(10).stdout
    assert "WV-1 was revoked by bob" in denied


def test_what_nobody_should_ask_for_is_refused(desk: Desk, repaired: Path) -> None:
    allow_waivers(desk, "sbom: {}")
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)

    def ask(*arguments: str) -> Outcome:
        return desk.type("waivers", "request", *arguments, *WHY)

    whole = ("--rule", "sbom", "--image", digest_of(repaired))
    with desk.nothing_changes():
        for arguments, words in (
            (("--expires", "7d"), "the waiver would be about everything"),
            (whole, "a waiver has to end"),
            ((*whole, "--expires", "2020-01-31"), "the waiver would have expired"),
            ((*whole, "--expires", "soon"), "2027-01-31"),
            ((*whole, "--expires", "90d"), "at most 30d"),
            (("--rule", "sbmo", "--image", digest_of(repaired), "--expires", "1d"), "sbom"),
            (("--cve", "CVE-2000-1", "--expires", "1d"), "no image on record has CVE-2000-1"),
        ):
            code = 1 if "no image on record" in words else 2
            ask(*arguments).refused(code, words)
        desk.type("waivers", "approve", "WV-9", "--as", "bob").refused(1, "no waiver WV-9")
        desk.type("waivers", "show", "nine").refused(2, "names no waiver")


def test_one_bears_missing_evidence_where_it_names_rule_and_image(
    desk: Desk, repaired: Path
) -> None:
    image = f"oci:{repaired}"
    allow_waivers(desk, "sbom: {}")
    desk.type("run", image, "-e", "prod").ended(0)
    allow_waivers(desk, "approval: {by: [dora]}", "sbom: {}")
    desk.type("gate", image, "-e", "prod").ended(10)
    whole = ("--rule", "approval", "--image", image, "-e", "prod")
    desk.type("waivers", "request", *whole, "--expires", "1d", *WHY).ended(0)
    desk.type("waivers", "approve", "WV-1", "--as", "bob").ended(0)
    allowed = desk.type("gate", image, "-e", "prod", "-o", "json").ended(0).json()
    assert [e["kind"] for e in allowed["evidence"]].count("waiver") == 1


def test_what_others_ignore_becomes_requests_and_nothing_more(desk: Desk, vulnerable: Path) -> None:
    image = f"oci:{vulnerable}"
    allow_waivers(desk, "vulnerabilities: {severity: high}")
    desk.type("run", image, "-e", "prod").ended(10)
    bad = denied_for(desk, image)
    (desk.folder / ".trivyignore").write_text(f"# See SEC-7.\n{bad[0]}\nCVE-2000-0001\n")
    imported = ("waivers", "import", ".trivyignore", "-e", "prod", "--as", "alice")
    with desk.nothing_changes():
        desk.type(*imported).refused(2, "2 of 2 items", "line 2", "give --expires")
        desk.type(*imported, "--expires", "10d").refused(
            2, "1 of 2 items", "line 3, CVE-2000-0001: no image on record has", "--keep-going"
        )
    done = desk.type(*imported, "--expires", "10d", "--keep-going").ended(0)
    assert done.stdout.startswith("WV-1   requested")
    assert "left out: line 3, CVE-2000-0001" in done.stderr
    again = desk.type(*imported, "--expires", "10d", "--keep-going", "-o", "json").ended(0).json()
    assert again["waivers"] == []
    assert [one["asked"] for one in again["skipped"]] == ["WV-1", None]
    (waiver,) = _listed(desk)
    assert (waiver["state"], waiver["reason"]) == ("requested", "See SEC-7.")
    assert denied_for(desk, image) == bad


def _listed(desk: Desk, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (
        desk.type("waivers", "list", *arguments, "-o", "json").ended(0).json()["waivers"]
    )
    return found
