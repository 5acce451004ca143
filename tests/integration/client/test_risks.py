"""Waivers and claims at a server: asked for, approved by others, shown as at the record."""

from __future__ import annotations

import json

from supplychain.model.access import Role
from supplychain.model.finding import Severity
from tests.kit.cli import PASSWORD
from tests.kit.listening import Remote
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import IMAGE
from tests.kit.vex import openvex
from tests.kit.visitors import make

WAIVERS = "waivers: {approvers: [bob], max: {critical: 14d, high: 30d, other: 30d, unknown: 7d}}\n"
RULE = "vulnerabilities: {severity: critical}"


def as_bob(remote: Remote) -> None:
    token = make(remote.served, [Role.WAIVER_APPROVER], owner="bob").text
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN_FILE", raising=False)
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", token)


def policy(remote: Remote, more: str) -> None:
    path = remote.typist.policy(RULE)
    path.write_text(path.read_text() + more)


def test_a_waiver_is_asked_for_and_approved_by_somebody_else(remote: Remote) -> None:
    policy(remote, WAIVERS)
    finding = make_finding(severity=Severity.CRITICAL, vulnerability_id="CVE-2026-0001")
    remote.typist.examined(finding)
    ask = ("waivers", "request", "--cve", "CVE-2026-0001", "--image", IMAGE[7:19])
    asked = remote.type(*ask, "--expires", "14d", "--reason", "not used", "-o", "json")
    assert asked.code == 0, asked
    said = json.loads(asked.stdout)
    assert (said["waiver"], said["requested_by"], said["state"]) == ("WV-1", ["ada"], "requested")
    assert remote.type("waivers", "approve", "WV-1").code != 0
    assert remote.type("gate", str(SUBJECT), "-e", "prod").code == 10
    as_bob(remote)
    approved = remote.type("waivers", "approve", "WV-1", "--request", said["request"])
    assert approved.code == 0, approved
    assert "the approval of bob counts in prod" in approved.stderr
    assert remote.type("gate", str(SUBJECT), "-e", "prod").code == 0
    for words in (("list",), ("list", "--state", "approved"), ("show", "WV-1")):
        for form in ("text", "json"):
            there = remote.type("waivers", *words, "-o", form)
            assert there.code == 0, there
            assert there.ageless == remote.here("waivers", *words, "-o", form).ageless
            assert "WV-1" in there.stdout
    assert remote.type("waivers", "show", "WV-7").code == 1
    assert remote.type("waivers", "show", "../vex").code in {1, 2}
    assert remote.type("waivers", "revoke", "WV-1").code == 1
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN")
    token = make(remote.served, [Role.SUBMITTER], owner="ada").text
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", token)
    assert remote.type("waivers", "revoke", "WV-1", "--reason", "an exploit").code == 0
    assert remote.type("waivers", "list").stdout.count("revoked") == 1
    assert remote.type("gate", str(SUBJECT), "-e", "prod").code == 10


def test_other_terms_are_asked_for_and_hold_once_somebody_else_approves(remote: Remote) -> None:
    policy(remote, WAIVERS)
    remote.typist.examined(make_finding(severity=Severity.CRITICAL))
    ask = ("waivers", "request", "--rule", "sbom", "--repository", SUBJECT.name)
    remote.type(*ask, "--expires", "2d", "--reason", "soon").ended(0)
    more = ("-e", "prod", "-e", "dev", "--ticket", "SEC-8", "--ends-with-fix", "all")
    changed = remote.type("waivers", "change", "WV-1", *more, "-o", "json").ended(0)
    assert "once it is approved" in changed.stderr
    said = json.loads(changed.stdout)
    assert (said["scope"]["environments"], said["ticket"]) == (["dev", "prod"], "SEC-8")
    assert (said["reason"], said["ends_with_fix"]) == ("soon", "all")
    longer = ("--expires", "5d", "--reason", "in review")
    extended = json.loads(remote.type("waivers", "extend", "WV-1", *longer, "-o", "json").stdout)
    assert extended["expires_at"] > said["expires_at"]
    assert (extended["ticket"], extended["reason"]) == ("SEC-8", "in review")
    shown = remote.type("waivers", "show", "WV-1", "-o", "json")
    assert shown.ageless == remote.here("waivers", "show", "WV-1", "-o", "json").ageless
    steps = [one["step"] for one in json.loads(shown.stdout)["history"]]
    assert steps == ["requested", "changed", "extended"]
    remote.type("waivers", "extend", "WV-1").refused(2, "until when")
    remote.type("waivers", "extend", "WV-1", "--expires", "90d").refused(2)
    remote.type("waivers", "extend", "WV-7", "--expires", "2d").refused(1)
    remote.type("waivers", "change", "WV-1", "--as", "eve").refused(2, "by your token")


def test_what_is_asked_for_is_turned_down(remote: Remote) -> None:
    policy(remote, WAIVERS)
    remote.typist.examined(make_finding(severity=Severity.CRITICAL))
    ask = ("waivers", "request", "--rule", "sbom", "--repository", SUBJECT.name)
    assert remote.type(*ask, "--expires", "2d", "--reason", "soon").code == 0
    as_bob(remote)
    there = remote.type("waivers", "reject", "WV-1", "--reason", "no")
    assert there.code == 0, there
    assert "rejected" in there.stdout


def test_claims_come_in_signed_and_are_shown_as_at_the_record(remote: Remote) -> None:
    patch = remote.typist.patch
    patch.setenv("SUPPLYCHAIN_KEY_PASSWORD", PASSWORD)
    assert remote.here("keys", "generate", "--output-key-prefix", "vendor").code == 0
    policy(remote, "vex:\n  trust: {keys: [../vendor.pub]}\n  review: {reviewers: [bob]}\n")
    remote.typist.examined(make_finding(severity=Severity.CRITICAL))
    (remote.typist.folder / "v.json").write_bytes(openvex())
    signed = remote.here("sign-blob", "v.json", "--key", "vendor.key", "--bundle", "v.bundle")
    assert signed.code == 0, signed
    took = ("vex", "import", "v.json", "--bundle", "v.bundle", "-e", "prod")
    remote.type(*took, "--key", "vendor.pub").refused(2, "whom to believe")
    remote.type(*took, "--image", IMAGE).refused(2, "whom its own policies")
    remote.type("vex", "import", "v.json", "-e", "prod").refused(2, "signed documents")
    there = remote.type(*took, "-o", "json")
    assert there.code == 0, there
    [claim] = json.loads(there.stdout)["claims"]
    document = claim["document"].removeprefix("sha256:")[:12]
    for words in (("list",), ("show", document), ("show", claim["document"])):
        for form in ("text", "json"):
            there = remote.type("vex", *words, "-o", form)
            assert there.code == 0, there
            assert there.ageless == remote.here("vex", *words, "-o", form).ageless
            assert len(there.stdout) > 40
    as_bob(remote)
    accepted = remote.type("vex", "accept", f"{document}#1", "--reason", "we call none of it")
    assert accepted.code == 0, accepted
    assert "accepted by bob" in accepted.stdout
    remote.type("vex", "show", "0" * 12).refused(1, "no VEX document")
    assert remote.type("vex", "show", "../waivers").code in {1, 2}
