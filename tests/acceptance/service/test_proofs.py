"""What an auditor asks for: decisions made again, chains that hold, evidence that others verify."""

from __future__ import annotations

import httpx

from tests.acceptance.service.conftest import TEAM, Examined, Team
from tests.acceptance.service.deployment import document
from tests.kit.cli import Desk


def test_decisions_are_listed_and_come_out_again(team: Team, vulnerable_image: Examined) -> None:
    team.decide(vulnerable_image.reference, "prod")
    listed = team.get("ada", "/decisions", image=vulnerable_image.digest)["decisions"]
    assert {one["environment"] for one in listed} >= {"prod"}
    for one in listed:
        replayed = team.get("ada", f"/decisions/{one['digest']}/replay")
        assert (replayed["verdict"], replayed["same"]) == (one["verdict"], True)
    chain = team.get("ada", "/decisions/verification")
    assert chain["decisions"] >= len(listed)
    assert chain["breaks"] == []


def test_the_log_says_who_did_what_and_is_whole(team: Team, vulnerable_image: Examined) -> None:
    events = team.get("ada", "/audit", limit=200)["events"]
    done = {(event["who"], event["what"]) for event in events}
    assert ("ada", "project.created") in done
    assert ("root", "token.created") in done
    (made, *_) = [event for event in events if event["what"] == "project.created"]
    assert made["through"] == "POST /v1/projects"
    assert made["from_where"].startswith("127.0.0.1, ")
    text = str(events)
    assert not any(token in text for token in team.tokens.values())
    verified = team.get("ada", "/audit/verify")
    assert verified["breaks"] == []
    document(team.ask("ci", "GET", "/audit"), 403)


def test_what_is_downloaded_is_verified_without_the_service(
    team: Team, vulnerable_image: Examined, elsewhere: Desk
) -> None:
    """By somebody who has the public key, a copy of the image, and nothing else."""
    sbom = team.ask("argo", "GET", f"/images/{vulnerable_image.digest}/exports/sbom")
    assert document(sbom)["bomFormat"] == "CycloneDX"
    believed = ("--type", "cyclonedx", "--key", "release.pub")
    image = f"oci:copy@{vulnerable_image.digest}"
    elsewhere.type("verify", image, *believed).ended(0)
    download = ("attestations", "download", image, *believed, "--content", "predicate")
    elsewhere.type(*download, "--output-folder", "signed").ended(0)
    files = list((elsewhere.folder / "signed").iterdir())
    assert files
    assert {file.read_bytes() for file in files} == {sbom.content}


def test_a_foreign_organisation_sees_nothing(team: Team, vulnerable_image: Examined) -> None:
    desk = team.service.desk
    foreign = {"SUPPLYCHAIN_ORGANISATION": "bank"}
    desk.type("organisations", "create", "bank").ended(0)
    roles = [a for role in ("viewer", "submitter", "auditor", "operator", "admin")
             for a in ("--role", role)]  # fmt: skip
    made = desk.type(
        *("tokens", "create", "mallory", *roles, "--all-projects", "--owner", "mallory"),
        *("--as", "root", "-o", "json"),
        **foreign,
    )
    team.tokens["mallory"] = made.ended(0).json()["token"]
    assert team.get("mallory", "/me")["organisation"] == "bank"
    for path in ("/images", "/runs", "/waivers", "/vex", "/decisions", "/deployments"):
        (found,) = [v for v in team.get("mallory", path).values() if isinstance(v, list)]
        assert found == [], path
    assert team.get("mallory", "/search/components", purl="pkg:pypi/jinja2")["images"] == []
    assert TEAM not in str(team.get("mallory", "/audit"))
    run = vulnerable_image.run["id"]
    decision = team.get("ada", "/decisions", image=vulnerable_image.digest)["decisions"][0]
    for method, path in (
        ("GET", f"/images/{vulnerable_image.digest}"),
        ("GET", f"/images/{vulnerable_image.digest}/exports/sbom"),
        ("GET", f"/runs/{run}"),
        ("GET", f"/runs/{run}/events"),
        ("POST", f"/runs/{run}/cancel"),
        ("POST", f"/runs/{run}/again"),
        ("GET", f"/decisions/{decision['digest']}"),
    ):
        assert team.ask("mallory", method, path).status_code == 404, path
    asked = {"image": vulnerable_image.reference}
    told = document(team.ask("mallory", "POST", "/gates/prod/decide", json=asked))
    assert told["decision"] == "deny"


def test_who_has_no_token_or_another_is_told_nothing(
    team: Team, vulnerable_image: Examined
) -> None:
    for token in ("", "sct_aaaaaaaaaaaa_" + "A" * 43, team.tokens["ci"][:-1] + "_"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for path in ("/images", f"/images/{vulnerable_image.digest}", "/me"):
            answer = httpx.get(f"{team.service.url}/v1{path}", headers=headers)
            assert answer.status_code == 401
            assert vulnerable_image.digest not in answer.text
