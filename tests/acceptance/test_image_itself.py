"""What an image says about itself, what was left in it and what it stands upon, judged for real."""

from __future__ import annotations

import json
from pathlib import Path

from demo.images import Entry, Layer, pack_layer, pack_layout
from tests.kit.cli import Desk

# In two parts, so that nobody who scans this file takes it for real.
KEY = "AKIA" + "Q3EGRIWMJZ7HD5XN"
PASSWORD = "correct-horse-battery"
RULES = (
    "image-config: {user: nonroot, environment_secrets: false, privileged_ports: false}",
    "secrets: {}",
    "age: {max: 90d}",
    "age: {max: 1d, since: recorded}",
    "images: {repositories: ['evil.example/.*']}",
)


def test_it_is_denied_for_what_is_wrong_with_it_and_allowed_without(
    desk: Desk, repaired_layer: Layer, tmp_path: Path
) -> None:
    # By its digest: a folder's name shows of no registry that it has the image.
    base = pack_layout(tmp_path / "base", [repaired_layer])
    rules = (*RULES, f"base-image: {{allowed: [{{digest: '{base}'}}], known_by: layers}}")
    desk.policy(*rules)
    secrets = [
        Entry("app/settings.env", f"first = 1\naws_access_key_id = {KEY}\n".encode()),
        Entry("app/deleted.env", f"aws_access_key_id = {KEY}\n".encode()),
    ]
    layers = [repaired_layer, pack_layer(secrets), pack_layer([Entry("app/.wh.deleted.env")])]
    config = {"User": "0:0", "ExposedPorts": {"80/tcp": {}}, "Env": [f"DB_PASSWORD={PASSWORD}"]}
    pack_layout(tmp_path / "shop", layers, config=config)

    decision = desk.type("run", f"oci:{tmp_path / 'shop'}", "-e", "prod", "-o", "json").ended(10)
    found = reasons(decision.json())
    assert found["image-config"] == [
        "it runs as user 0:0",
        "it exposes 80/tcp, below 1024",
        "its variable DB_PASSWORD looks like a secret: its name says so",
    ]
    # What a later layer hides is still there for whoever has the image.
    assert [said.partition(" (")[0] for said in found["secrets"]] == [
        "AWS Access Key ID in app/deleted.env:1",
        "AWS Access Key ID in app/settings.env:2",
    ]
    assert found["age"] == ["it does not say when it was made"]
    (unknown,) = found["base-image"]
    assert unknown.startswith("it is not known to stand upon a base that is allowed")
    for word in (KEY, PASSWORD):
        assert word not in decision.stdout + decision.stderr

    # The base on record, and the image repaired: only what it does not say is left.
    desk.type("scan", f"oci:{tmp_path / 'base'}").ended(0)
    layers = [repaired_layer, pack_layer([Entry("app/settings.env", b"first = 1\n")])]
    pack_layout(tmp_path / "repaired", layers, config={"User": "65532"})
    desk.policy(*(rule for rule in rules if rule != "age: {max: 90d}"))
    done = desk.type("run", f"oci:{tmp_path / 'repaired'}", "-e", "prod", "-o", "json").ended(0)
    summaries = {r["rule"]: r["summary"] for r in done.json()["results"]}
    assert summaries["secrets"] == "no secrets"
    assert summaries["base-image"].startswith("stands upon base@sha256:")

    # Beside the image itself nobody can see upon what it stands, so nobody is asked.
    signed = "{keys: [../release.pub]}"
    stands = "base-image: {allowed: [{repository: base}], keys: [../release.pub]}"
    desk.policy(f"signature: {signed}", stands)
    verify = ("verify", f"oci:{tmp_path / 'repaired'}", "--policy", "policies/prod.yaml")
    judged = desk.type(*verify).ended(0)
    assert "base-image" in judged.stdout + judged.stderr


def reasons(decision: object) -> dict[str, list[str]]:
    """What is wrong, by rule."""
    results = json.loads(json.dumps(decision))["results"]
    return {
        result["rule"]: [violation["message"] for violation in result["violations"]]
        for result in results
        if result["violations"]
    }
