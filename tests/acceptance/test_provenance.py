"""What `run` says about itself beside an image."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.kit.cli import Desk
from tests.kit.predicates import PREDICATES
from tests.kit.shop import digest_of

TYPE = "https://slsa.dev/provenance/v1"


def _stated(layout: Path) -> list[dict[str, Any]]:
    """Every statement in the bundles of a layout."""
    found = []
    for blob in (layout / "blobs" / "sha256").iterdir():
        text = blob.read_bytes()
        if text.startswith(b'{"mediaType":"application/vnd.dev.sigstore.bundle'):
            payload = json.loads(text)["dsseEnvelope"]["payload"]
            found.append(json.loads(base64.b64decode(payload)))
    return found


def test_a_run_says_how_its_evidence_was_made(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    digest = digest_of(repaired)
    stated = {one["predicateType"]: one["predicate"] for one in _stated(repaired)}
    said = stated[TYPE]

    definition, details = said["buildDefinition"], said["runDetails"]
    assert definition["buildType"] == "pkg:generic/supplychain#pipeline/v1"
    policy = definition["externalParameters"].pop("policy")
    decided = desk.type("gate", digest, "-e", "prod", "-o", "json").ended(0).json()
    assert policy == decided["policy"]
    source = f"{repaired.name}@{digest}"
    assert definition["externalParameters"] == {"source": source, "environment": "prod"}
    used = {one["name"]: one["digest"]["sha256"] for one in definition["resolvedDependencies"]}
    assert f"sha256:{used['image']}" == digest
    assert f"sha256:{used['policy']}" == policy
    assert [f"sha256:{used['vulnerability database']}"] == decided["databases"]
    made = {one["name"]: one["digest"]["sha256"] for one in details["byproducts"]}
    recorded = {one["kind"]: one["digest"] for one in decided["evidence"]}
    assert {name: f"sha256:{value}" for name, value in made.items()} == {
        name: recorded[name] for name in ("scan", "sbom")
    }
    assert details["builder"]["id"] == "pkg:generic/supplychain"
    # Where the image lay on this machine is nobody's business.
    assert str(repaired.parent) not in json.dumps(said)
    shown = ("verify", f"oci:{repaired}", "--key", "release.pub", "--type", "slsaprovenance1")
    desk.type(*shown).ended(0)


def test_whoever_runs_it_names_themselves(desk: Desk, repaired: Path) -> None:
    named = {"SUPPLYCHAIN_BUILDER_ID": "https://ci.example/shop"}
    desk.type("run", f"oci:{repaired}", "-e", "prod", **named).ended(0)
    (said,) = [one["predicate"] for one in _stated(repaired) if one["predicateType"] == TYPE]
    assert said["runDetails"]["builder"]["id"] == "https://ci.example/shop"


def test_a_builder_without_a_name_is_refused_before_any_work(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_BUILDER_ID="our CI")
    done.refused(2, "builder_id", "our CI")


def test_a_project_cannot_name_the_builder(desk: Desk, repaired: Path) -> None:
    (desk.folder / "supplychain.toml").write_text('builder_id = "https://ci.example/shop"\n')
    done = desk.type("run", f"oci:{repaired}", "-e", "prod")
    done.refused(2, "builder_id")


def test_it_is_never_taken_for_the_provenance_of_a_build(desk: Desk, repaired: Path) -> None:
    """Not even where the same key signs what the pipeline found and what the builder says."""
    demand = "type: slsaprovenance1, builders: [https://example.com/builder]"
    desk.policy(f"attestation: {{{demand}, keys: [../release.pub]}}")
    denied = desk.type("run", f"oci:{repaired}", "-e", "prod").ended(10)
    assert "no slsaprovenance1 of a build by https://example.com/builder" in denied.stdout

    (desk.folder / "build.json").write_text(json.dumps(PREDICATES["slsaprovenance1"]))
    stated = ("--type", "slsaprovenance1", "--predicate", "build.json")
    desk.type("attest", f"oci:{repaired}", *stated).ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)
