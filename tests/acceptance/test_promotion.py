"""From staging to prod: deployments reported, people asked, differences looked at, runs awaited."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.kit.cli import Desk, until
from tests.kit.registry import RunningRegistry
from tests.kit.shop import push


def test_an_image_is_promoted_by_what_happened_to_it(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    repository = debian_registry.fresh()
    digest = push(repaired, repository)
    image = f"{repository}@{digest}"
    desk.policy("sbom: {}", environment="staging")
    rules = "promoted-from: {environment: staging, ran: 1s}", "approval: {by: [alice]}"
    desk.policy(*rules, "drift: {added: 0}")
    desk.type("run", image, "-e", "staging").ended(0)
    denied = desk.type("gate", image, "-e", "prod").ended(10)
    assert "never ran in staging" in denied.stdout
    assert "approved by nobody, 1 needed of alice" in denied.stdout
    assert "supplychain approvals give" in denied.stdout

    told = desk.type("deployments", "report", image, "-e", "staging", "-o", "json").ended(0)
    assert told.json()["digest"] == digest
    desk.type("approvals", "give", image, "-e", "prod", "--as", "mallory").ended(0)
    assert "approved by nobody" in desk.type("gate", image, "-e", "prod").ended(10).stdout
    desk.type("approvals", "give", image, "-e", "prod", "--as", "alice", "--reason", "ok").ended(0)
    until(lambda: desk.type("gate", image, "-e", "prod").code == 0)

    desk.type("approvals", "withdraw", image, "-e", "prod", "--as", "alice").ended(0)
    desk.type("gate", image, "-e", "prod").ended(10)
    listed = desk.type("approvals", "list", image, "-o", "json").ended(0).json()["approvals"]
    assert {(a["approved_by"], a["withdrawn_at"] is None) for a in listed} == {
        ("alice", False),
        ("mallory", True),
    }
    (running,) = desk.type("deployments", "list", "-o", "json").ended(0).json()["deployments"]
    assert running["until_at"] is None
    desk.type("deployments", "end", image, "-e", "staging").ended(0)
    assert desk.type("deployments", "list").ended(0).stdout == ""
    assert "ran for" in desk.type("deployments", "list", "--all").ended(0).stdout
    again = desk.type("deployments", "end", image, "-e", "staging")
    again.refused(1, "does not run in staging")


def test_names_and_environments_are_checked(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("approvals", "give", f"oci:{repaired}", "-e", "a/b")
        done.refused(2, "cannot name an environment")
        done = desk.type("approvals", "give", f"oci:{repaired}", "-e", "prod", "--as", "no one")
        done.refused(2, "is no name")
        desk.type("deployments", "report", f"oci:{repaired}").refused(2, "--environment")


def test_a_gate_waits_for_a_run_that_is_under_way(desk: Desk, vulnerable: Path) -> None:
    image = f"oci:{vulnerable}"
    with desk.typing("run", image, "-e", "prod") as running:
        until(desk.scanners)
        running.send_signal(signal.SIGSTOP)
        pending = desk.type("gate", image, "-e", "prod").ended(11)
        assert pending.stdout.startswith("PENDING")
        assert "nothing is recorded yet: run for" in pending.stdout
        running.send_signal(signal.SIGTERM)
        running.send_signal(signal.SIGCONT)
        running.communicate(timeout=60)
    # Whoever ended the run said so.
    assert "nothing is recorded about this digest" in desk.type("gate", image, "-e", "prod").stdout
