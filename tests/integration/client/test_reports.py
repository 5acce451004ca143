"""What is reported to a server, and what it gives to others: as at the record itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from tests.kit.cli import PASSWORD
from tests.kit.listening import Remote
from tests.kit.misbehaving import cut, reply, scripted_server
from tests.kit.runs import manifest_run, sbom_record
from tests.kit.sboms import make_sbom
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import IMAGE, Typist
from tests.kit.vex import openvex
from tests.kit.visitors import make

WEB = str(SUBJECT)


def same(remote: Remote, *words: str) -> str:
    """What a command shows through the server and at the record."""
    there = remote.type(*words).ended(0)
    assert there.ageless == remote.here(*words).ended(0).ageless
    return there.stdout


def test_what_runs_where_is_reported_and_listed(remote: Remote) -> None:
    remote.typist.examined()
    report = ("deployments", "report", WEB, "-e", "prod", "--reason", "release 42")
    there = json.loads(remote.type(*report, "-o", "json").ended(0).stdout)
    assert (there["event"], there["digest"]) == ("started", IMAGE)
    assert there["reported_by"] == "ada"
    assert "runs in prod, says ada" in remote.type(*report, "--beside").stdout
    for form in ("text", "json"):
        assert "prod" in same(remote, "deployments", "list", "-o", form)
    ended = remote.type("deployments", "end", IMAGE[7:19], "-e", "prod").ended(0)
    assert "no longer runs in prod" in ended.stdout
    assert same(remote, "deployments", "list") == ""
    assert "ended" in same(remote, "deployments", "list", "--all", "-e", "prod")
    assert same(remote, "deployments", "list", "--all", "-e", "dev") == ""
    remote.type("deployments", "end", IMAGE, "-e", "prod").refused(1, "does not run in prod")
    remote.type("deployments", "report", WEB).refused(2, "no environment")
    remote.type(*report, "--as", "eve").refused(2, "by your token")


def test_an_approval_is_given_in_the_name_of_the_token_and_taken_back(remote: Remote) -> None:
    remote.typist.examined()
    give = ("approvals", "give", WEB, "-e", "prod", "--reason", "see CHG-42")
    said = json.loads(remote.type(*give, "-o", "json").ended(0).stdout)
    assert (said["event"], said["actor"], said["digest"]) == ("given", "ada", IMAGE)
    assert str(Digest.parse(said["document"])) == said["document"]
    for form in ("text", "json"):
        assert "CHG-42" in same(remote, "approvals", "list", IMAGE[7:19], "-o", form)
    taken = remote.type("approvals", "withdraw", IMAGE, "-e", "prod").ended(0)
    assert "ada withdrew the approval of" in taken.stdout
    assert "withdrawn" in same(remote, "approvals", "list", WEB)
    remote.type("approvals", "withdraw", IMAGE, "-e", "dev").refused(1, "has not approved")
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", make(remote.served, [Role.VIEWER]).text)
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN_FILE")
    remote.type(*give).refused(1)


def test_what_others_read_has_the_same_bytes(remote: Remote) -> None:
    remote.typist.policy("vulnerabilities: {severity: critical}")
    remote.typist.examined()
    with remote.typist.record() as record:
        at = remote.served.service.clock()
        record.save_run(manifest_run(sbom=sbom_record(document=make_sbom(), produced_at=at)), at=at)
    remote.here("gate", WEB, "-e", "prod").ended(0)
    for words in (
        ("sbom", IMAGE), ("sbom", SUBJECT.name), ("sbom", IMAGE, "--platform", "linux/amd64"),
        ("sbom", IMAGE, "-o", "cyclonedx-xml"), ("vsa", IMAGE[7:19], "-e", "prod"),
    ):  # fmt: skip
        assert len(same(remote, "export", *words)) > 100, words
    file = remote.typist.folder / "shop.cdx.json"
    remote.type("export", "sbom", IMAGE, "--output-file", str(file)).ended(0)
    assert file.read_text() == remote.here("export", "sbom", IMAGE).stdout
    remote.type("export", "sbom", IMAGE, "--platform", "linux/s390x").refused(2, "linux/amd64")
    remote.type("export", "vsa", IMAGE, "-e", "dev").refused(1, "no verdict about")
    remote.type("export", "sbom", "0" * 12).refused(1)


def test_what_a_policy_believes_is_written_in_the_name_of_the_token(remote: Remote) -> None:
    remote.typist.patch.setenv("SUPPLYCHAIN_KEY_PASSWORD", PASSWORD)
    remote.here("keys", "generate", "--output-key-prefix", "vendor").ended(0)
    path = remote.typist.policy("vulnerabilities: {severity: critical}")
    path.write_text(path.read_text() + "vex:\n  trust: {keys: [../vendor.pub]}\n")
    remote.typist.examined(make_finding(severity=Severity.CRITICAL))
    export = ("vex", "export", WEB, "-e", "prod")
    remote.type(*export).refused(1, "claims anything")
    (remote.typist.folder / "v.json").write_bytes(openvex())
    remote.here("sign-blob", "v.json", "--key", "vendor.key", "--bundle", "v.bundle").ended(0)
    took = ("vex", "import", "v.json", "--bundle", "v.bundle", "-e", "prod")
    remote.type(*took).ended(0)
    for form in ("openvex", "cyclonedx"):
        there = remote.type(*export, "--format", form).ended(0)
        here = remote.here(*export, "--format", form, "--author", "ada").ended(0)
        assert there.ageless == here.ageless
    remote.type(*export, "--author", "eve").refused(2, "whoever asks")
    remote.type(*export, "--policy", str(path)).refused(2, "own policies")


FALSE = {
    "about another image": {"digest": f"sha256:{'0' * 64}"},
    "somewhere else": {"environment": "dev"},
    "another event": {"event": "ended"},
    "no event": {"event": "paused"},
    "no time": {"at": "yesterday"},
}


@pytest.mark.parametrize("name", FALSE)
def test_a_report_that_is_not_the_one_that_was_made_is_none(typist: Typist, name: str) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    said = {
        "event": "started", "environment": "prod", "name": SUBJECT.name, "digest": IMAGE,
        "at": "2026-11-24T09:00:00Z", "reported_by": "ada",
    }  # fmt: skip
    report = ("deployments", "report", WEB, "-e", "prod")
    kind = "application/json"
    with scripted_server() as server:
        server.on("POST", "/v1/deployments", reply(201, json.dumps(said).encode(), kind=kind))
        typist.type("--server", server.url, *report).ended(0)
        said |= FALSE[name]
        server.on("POST", "/v1/deployments", reply(201, json.dumps(said).encode(), kind=kind))
        typist.type("--server", server.url, *report).refused(1, "answers what no server")


BAD = {
    "a page": (reply(200, b"<html>", kind="text/html"), "is text/html"),
    "a page that is said to be JSON": (reply(200, b"<html>", kind="application/json"), "JSON"),
    "cut off": (cut(b'{"bomFormat": "CycloneDX"}', 9, "application/json"), "cut off"),
    "nothing": (reply(204), "of no type"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_document_is_written_nowhere(typist: Typist, name: str, tmp_path: Path) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", "sct_k3v9x2m4q7ab_x")
    answer, said = BAD[name]
    file = tmp_path / "out"
    with scripted_server() as server:
        server.on("GET", f"/v1/images/{IMAGE}/exports/sbom", answer)
        for form in ("cyclonedx-json", "cyclonedx-xml"):
            export = ("export", "sbom", IMAGE, "-o", form, "--output-file", str(file))
            if form.endswith("xml") and "JSON" in said:
                said = "is application/json"
            typist.type("--server", server.url, *export).refused(1, said)
            assert not file.exists()
