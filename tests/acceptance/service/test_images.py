"""CI has an image examined, the gate is asked, and what is known of it is found again."""

from __future__ import annotations

import json
from pathlib import Path

from demo.images import Layer, pack_layout
from tests.acceptance.service.conftest import Examined, Team
from tests.acceptance.service.deployment import document
from tests.kit.shop import push


def test_a_run_is_followed_to_its_end(team: Team, vulnerable_image: Examined) -> None:
    run = vulnerable_image.run
    assert (run["state"], run["requested_by"]) == ("queued", "machine:ci")
    events = vulnerable_image.events
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["kind"], events[-1]["kind"]) == ("submitted", "succeeded")
    assert len({event["stage"] for event in events}) > 3
    assert team.follow(run["id"], after=len(events) - 1) == events[-1:]
    ended = team.get("ci", f"/runs/{run['id']}")
    assert (ended["state"], ended["digest"]) == ("succeeded", vulnerable_image.digest)


def test_the_gate_says_pending_while_it_runs_and_then_why_not(
    team: Team, vulnerable_image: Examined
) -> None:
    meanwhile = vulnerable_image.meanwhile
    assert meanwhile["decision"] == "pending", meanwhile
    assert any(vulnerable_image.run["id"] in reason["message"] for reason in meanwhile["reasons"])
    told = team.decide(vulnerable_image.reference, "prod")
    assert told["decision"] == "deny"
    assert {reason["rule"] for reason in told["reasons"]} == {"vulnerabilities"}
    assert all(reason["vulnerability"] and reason["purl"] for reason in told["reasons"])
    assert any("upgrade" in remedy for remedy in told["remedies"])


def test_an_environment_without_a_policy_allows_nothing(
    team: Team, vulnerable_image: Examined
) -> None:
    assert team.decide(vulnerable_image.reference, "moon")["decision"] == "deny"


def test_whoever_asks_about_an_image_that_was_never_seen_has_it_looked_at(
    team: Team, repaired_layer: Layer, tmp_path: Path
) -> None:
    pack_layout(tmp_path, [repaired_layer], config={"Cmd": ["never", "seen"]})
    name = team.registry.fresh()
    image = f"{name}@{push(tmp_path, name)}"
    asked = [team.decide(image, "edge") for _ in range(2)]
    assert [told["decision"] for told in asked] == ["pending", "pending"]
    [run] = [
        run
        for run in team.get("ci", "/runs")["runs"]
        if run["requested_by"] == "machine:argo" and run["reference"] == image
    ]
    assert run["id"] in asked[0]["reasons"][0]["message"]
    assert team.follow(run["id"])[-1]["kind"] == "succeeded"
    told = team.decide(image, "edge")
    assert (told["decision"], told["reasons"]) == ("allow", [])


def test_many_are_asked_about_at_once(team: Team, vulnerable_image: Examined) -> None:
    never_seen = f"sha256:{'0' * 64}"
    asked = {"images": [vulnerable_image.reference, never_seen]}
    told = document(team.ask("argo", "POST", "/gates/prod/decide-batch", json=asked))
    assert [one["decision"] for one in told["decisions"]] == ["deny", "deny"]
    assert told["decisions"][1]["image"].endswith(never_seen)


def test_who_searches_for_a_package_finds_the_image(team: Team, vulnerable_image: Examined) -> None:
    found = team.get("argo", "/search/components", purl="pkg:pypi/jinja2")["images"]
    assert vulnerable_image.digest in json.dumps(found)
    finding = team.get("argo", f"/images/{vulnerable_image.digest}/findings")["findings"][0]
    name = finding["vulnerability_id"]
    found = team.get("argo", "/search/vulnerabilities", id=name)["images"]
    assert vulnerable_image.digest in json.dumps(found)
    assert team.get("argo", "/search/components", purl="pkg:pypi/absent")["images"] == []


def test_what_runs_where_is_reported_and_seen(team: Team, vulnerable_image: Examined) -> None:
    report = {"image": vulnerable_image.reference, "environment": "staging", "event": "started"}
    document(team.ask("cluster", "POST", "/deployments", json=report), 201)
    (running,) = team.get("argo", "/deployments", environment="staging")["deployments"]
    assert (running["digest"], running["reported_by"]) == (
        vulnerable_image.digest,
        "machine:cluster",
    )
    ended = {**report, "event": "ended"}
    document(team.ask("cluster", "POST", "/deployments", json=ended), 201)
    assert team.get("argo", "/deployments", environment="staging")["deployments"] == []


def test_a_run_is_cancelled_and_asked_for_again(team: Team, repaired_tag: tuple[str, str]) -> None:
    reference, digest = repaired_tag
    run = team.submit(reference)
    cancelled = document(team.ask("ci", "POST", f"/runs/{run['id']}/cancel"), 202)
    assert cancelled["id"] == run["id"]
    assert team.follow(run["id"])[-1]["kind"] == "cancelled"
    assert team.get("ci", f"/runs/{run['id']}")["state"] == "cancelled"
    assert team.decide(digest, "prod")["decision"] == "deny"

    again = document(team.ask("ci", "POST", f"/runs/{run['id']}/again"), 202)
    assert again["again_of"] == run["id"]
    assert team.follow(again["id"])[-1]["kind"] == "succeeded"
    told = team.decide(digest, "prod")
    assert (told["decision"], told["reasons"]) == ("allow", [])
