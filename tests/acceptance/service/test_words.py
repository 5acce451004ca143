"""What people and others say of an image: waivers, VEX, and evidence from elsewhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from demo.images import Layer, pack_layout
from tests.acceptance.service.conftest import REVIEW, Examined, Team
from tests.acceptance.service.deployment import document
from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import push


def test_a_risk_is_borne_by_somebody_elses_word(team: Team, vulnerable_image: Examined) -> None:
    denied = team.decide(vulnerable_image.reference, "prod")
    names = sorted({reason["vulnerability"] for reason in denied["reasons"]})
    assert names
    for name in names:
        asked = {"vulnerability": name, "expires": "7d", "reason": "behind a proxy"}
        waiver = document(team.ask("alice", "POST", "/waivers", json=asked), 201)["waiver"]
        approve = f"/waivers/{waiver}/approve"
        # Neither who asked nor who may not; and nothing has changed by that.
        document(team.ask("alice", "POST", approve, json={}), 403)
        document(team.ask("ada", "POST", approve, json={}), 403)
        assert team.get("argo", f"/waivers/{waiver}")["waivers"][0]["state"] == "requested"
        said = document(team.ask("bob", "POST", approve, json={"reason": "seen"}))
        assert (said["approved_by"], said["counts_in"]) == ("bob", ["prod"])
    assert team.decide(vulnerable_image.reference, "prod")["decision"] == "allow"

    for one in team.get("argo", "/waivers", state="approved")["waivers"]:
        revoked = team.ask("alice", "POST", f"/waivers/{one['waiver']}/revoke", json={})
        assert document(revoked)["state"] == "revoked"
    assert team.decide(vulnerable_image.reference, "prod")["decision"] == "deny"


def test_who_may_approve_still_cannot_approve_their_own(
    team: Team, vulnerable_image: Examined
) -> None:
    name = team.decide(vulnerable_image.reference, "prod")["reasons"][0]["vulnerability"]
    asked = {"vulnerability": name, "expires": "7d", "reason": "mine"}
    waiver = document(team.ask("bob", "POST", "/waivers", json=asked), 201)["waiver"]
    refused = document(team.ask("bob", "POST", f"/waivers/{waiver}/approve", json={}), 422)
    assert "cannot approve it" in refused["detail"]
    rejected = team.ask("bob", "POST", f"/waivers/{waiver}/reject", json={"reason": "mine"})
    assert document(rejected)["state"] == "rejected"


def test_a_claim_that_a_vulnerability_does_no_harm_turns_the_verdict(
    team: Team, vulnerable_image: Examined
) -> None:
    denied = team.decide(vulnerable_image.reference, "staging")
    assert denied["decision"] == "deny"
    names = sorted({reason["vulnerability"] for reason in denied["reasons"]})
    claims = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://acme.example/vex/1",
        "author": "acme's security team",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": name},
                "products": [{"@id": f"pkg:oci/shop@{vulnerable_image.digest}"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
            for name in names
        ],
    }
    desk = team.service.desk
    (desk.folder / "vex.json").write_text(json.dumps(claims))
    sign = ("sign-blob", "vex.json", "--bundle", "vex.sigstore.json", "--key")
    asked = {"environment": "staging", "document": _base64(team, "vex.json")}
    desk.type(*sign, "partner.key").ended(0)
    forged = {**asked, "bundle": _base64(team, "vex.sigstore.json")}
    document(team.ask("alice", "POST", "/vex", json=forged), 422)
    assert team.decide(vulnerable_image.reference, "staging")["decision"] == "deny"

    desk.type(*sign, "psirt.key").ended(0)
    signed = {**asked, "bundle": _base64(team, "vex.sigstore.json")}
    made = document(team.ask("alice", "POST", "/vex", json=signed), 201)
    assert len(made["claims"]) == len(names)
    assert team.decide(vulnerable_image.reference, "staging")["decision"] == "allow"
    # A claim is no waiver, and holds only where its author is believed.
    assert team.decide(vulnerable_image.reference, "prod")["decision"] == "deny"


def test_evidence_that_was_made_elsewhere_counts_where_its_signer_does(
    team: Team, vulnerable_image: Examined, elsewhere: Desk
) -> None:
    (elsewhere.folder / "review.json").write_text(json.dumps({"by": "Ann"}))
    image = f"oci:copy@{vulnerable_image.digest}"
    stated = ("--predicate", "review.json", "--no-record", "--key", "partner.key")
    elsewhere.type("attest", image, "--type", REVIEW, *stated).ended(0)
    download = ("attestations", "download", image, "--type", REVIEW)
    elsewhere.type(*download, "--output-file", "review.bundle.json").ended(0)
    bundle = (elsewhere.folder / "review.bundle.json").read_bytes()
    changed = json.loads(bundle)
    payload = base64.b64decode(changed["dsseEnvelope"]["payload"]).replace(b"Ann", b"Eve")
    changed["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()

    for body, environment, status in (
        (json.dumps(changed).encode(), "canary", 422),
        (bundle, "prod", 422),  # whose policy believes another key
        (bundle, "canary", 201),
    ):
        assert team.decide(vulnerable_image.reference, "canary")["decision"] == "deny"
        answer = team.ask(
            "ci",
            *("POST", f"/images/{vulnerable_image.digest}/evidence"),
            params={"kind": "attestation", "environment": environment},
            content=body,
            headers={"Content-Type": "application/octet-stream"},
        )
        document(answer, status)
    assert team.decide(vulnerable_image.reference, "canary")["decision"] == "allow"
    # Who has the bundle needs no service to see that it holds.
    held = ("verify-blob", vulnerable_image.digest, "--bundle", "review.bundle.json")
    elsewhere.type(*held, "--key", "partner.pub", "--type", REVIEW).ended(0)


def test_who_scans_and_signs_for_themselves_hands_in_what_comes_of_it(
    team: Team,
    elsewhere: Desk,
    repaired_layer: Layer,
    debian_registry: RunningRegistry,
    tmp_path: Path,
) -> None:
    """CI has its own keys, and a server that never saw the image judges by its own policies."""
    name = debian_registry.fresh()
    # No other test has this one examined.
    pack_layout(tmp_path / "own", [repaired_layer], config={"Labels": {"made": "elsewhere"}})
    digest = push(tmp_path / "own", name, "3.0")
    desk = elsewhere
    desk.environ["SUPPLYCHAIN_TOKEN"] = team.tokens["ci"]
    run = ("--server", team.service.url, "run", f"{name}:3.0", "--hand-in", "-e")
    desk.type(*run, "ci", "--no-sign").ended(10)
    assert team.get("argo", f"/images/{digest}")["names"] == [str(name)]
    # Whom the policy of an environment does not believe is refused, and nothing counts.
    refused = desk.type(*run, "prod", "--key", "partner.key").ended(1)
    assert "does not hold" in refused.stderr
    assert team.decide(digest, "ci")["decision"] == "deny"

    told = desk.type(*run, "ci", "--key", "partner.key", "-o", "json").ended(0).json()
    assert (told["verdict"], told["subject"]["digest"]) == ("allow", digest)
    assert team.decide(digest, "ci")["decision"] == "allow"
    # It is somebody's word, and nothing else, that the image was scanned.
    claims = team.get("argo", f"/images/{digest}/claims")["claims"]
    assert {one["kind"] for one in claims} == {"scan", "sbom"}
    assert {(one["claimed_by"], one["unread"]) for one in claims} == {("machine:ci", "")}
    assert team.decide(digest, "prod")["decision"] == "deny"
    # Nothing is kept where it was done, and without a server there is nobody to hand it to.
    desk.type("images", "show", digest).ended(1)
    desk.type("run", f"{name}:3.0", "--hand-in", "-e", "ci", "--key", "partner.key").ended(2)
    del desk.environ["SUPPLYCHAIN_TOKEN"]


def _base64(team: Team, name: str) -> str:
    return base64.b64encode((team.service.desk.folder / name).read_bytes()).decode()
