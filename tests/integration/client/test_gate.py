"""`supplychain --server URL gate`: the same answer as at the record, and no allow by fault."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from supplychain.model.access import Role
from supplychain.model.digest import Digest
from supplychain.model.finding import Severity
from tests.kit.failings import in_order
from tests.kit.listening import Remote
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import IMAGE
from tests.kit.visitors import make

ASK = ("gate", str(SUBJECT), "-e", "prod")


@pytest.fixture
def denied(remote: Remote) -> Remote:
    remote.typist.policy("vulnerabilities: {severity: critical}", "sbom: {}")
    remote.typist.examined(make_finding(severity=Severity.CRITICAL))
    return remote


def test_an_allow_looks_as_it_does_at_the_record(remote: Remote) -> None:
    in_order(remote.typist)
    there = remote.type(*ASK)
    assert there.code == 0, there
    assert there.ageless == remote.here(*ASK).ageless
    assert there.stdout.startswith("ALLOW")
    assert there.stderr == ""


def test_a_denial_looks_as_it_does_at_the_record(denied: Remote) -> None:
    there, here = denied.type(*ASK), denied.here(*ASK)
    assert there.code == here.code == 10
    assert there.ageless == here.ageless
    assert "To allow it:" in there.stdout


def test_as_json_it_is_byte_for_byte_the_decision_on_record(denied: Remote) -> None:
    there = denied.type(*ASK, "--output", "json")
    assert there.code == 10
    assert there.ageless == denied.here(*ASK, "--output", "json").ageless
    shown = denied.here("decisions", "show", str(Digest.of(there.stdout.encode())), "-o", "json")
    assert shown.ageless == there.ageless


@pytest.mark.parametrize("image", [IMAGE, IMAGE[7:19], str(SUBJECT)])
def test_images_are_named_as_at_the_record(remote: Remote, image: str) -> None:
    in_order(remote.typist)
    there = remote.type("gate", image, "-e", "prod")
    assert there.code == 0, there
    assert str(SUBJECT) in there.stdout


def test_of_several_images_the_worst_verdict_is_the_exit_code(remote: Remote) -> None:
    in_order(remote.typist)
    unknown = f"registry.test/shop/web@{Digest.of(b'another')}"
    both = ("gate", str(SUBJECT), unknown, "-e", "prod")
    there, here = remote.type(*both), remote.here(*both)
    assert there.code == here.code == 10
    assert there.ageless == here.ageless
    assert there.stdout.count(" in prod\n") == 2
    told = remote.type(*both, "--output", "json")
    assert told.ageless == remote.here(*both, "--output", "json").ageless
    assert [one["verdict"] for one in json.loads(told.stdout)["decisions"]] == ["allow", "deny"]
    assert remote.type("gate", str(SUBJECT), str(SUBJECT), "-e", "prod").code == 0


def test_what_a_server_does_not_do_is_refused_as_wrong_usage(remote: Remote) -> None:
    in_order(remote.typist)
    policy = str(remote.typist.folder / "policies" / "prod.yaml")
    for option in (["--at", "1h"], ["--explain"], ["--attest"], ["--policy", policy]):
        remote.type(*ASK, *option).refused(2, "server")
    remote.type("db", "status").refused(2, "through a server work: gate")
    with remote.typist.patch.context() as patch:
        patch.setenv("SUPPLYCHAIN_SERVER", remote.url)
        remote.here("feeds", "list").refused(2, "comes from environment SUPPLYCHAIN_SERVER")
        assert remote.here("config", "show").code == 0
        assert remote.typist.type("--server", "", *ASK).stdout.startswith("ALLOW")
    remote.here(*ASK, "--server", remote.url).refused(2, "before the command")


def test_an_environment_without_a_policy_denies(remote: Remote) -> None:
    in_order(remote.typist)
    there = remote.type("gate", str(SUBJECT), "-e", "else where/../prod")
    there.refused(2, "")
    assert remote.type("gate", str(SUBJECT), "-e", "elsewhere").code == 10


@pytest.mark.parametrize("lasts", [timedelta(days=1), timedelta(seconds=-1)])
def test_only_a_token_that_holds_gets_an_answer(remote: Remote, lasts: timedelta) -> None:
    in_order(remote.typist)
    ended = lasts < timedelta(0)
    token = make(remote.served, [Role.VIEWER], lasts=timedelta(days=1)).text
    if ended:
        token = token[:-4] + "AAAA"
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN_FILE")
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", token)
    there = remote.type(*ASK)
    assert there.code == (1 if ended else 0), there
    assert token not in there.stdout + there.stderr
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN")
    remote.type(*ASK).refused(2, "SUPPLYCHAIN_TOKEN_FILE")
