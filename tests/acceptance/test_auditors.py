"""What an auditor takes out of the record: SBOMs, images, findings and decisions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from cyclonedx.validation.xml import XmlValidator

from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import digest_of, push


def test_the_exported_sbom_is_the_very_one_that_was_signed(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)

    exported = desk.type("export", "sbom", digest_of(repaired)).ended(0).stdout
    verified = desk.type("verify", f"oci:{repaired}", "--key", "release.pub", "-o", "json").ended(0)
    (attested,) = (
        one["predicate_digest"]
        for one in verified.json()["verified"]
        if one["predicate_type"] == "https://cyclonedx.org/bom"
    )
    assert attested == f"sha256:{hashlib.sha256(exported.encode()).hexdigest()}"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(exported) is None
    document = json.loads(exported)
    assert document["metadata"]["component"]["version"] == digest_of(repaired)


def test_the_sbom_as_xml(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    export = ("export", "sbom", digest_of(repaired), "--output", "cyclonedx-xml")

    desk.type(*export, "--output-file", "shop.cdx.xml").ended(0)
    text = (desk.folder / "shop.cdx.xml").read_text()
    assert XmlValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert "pkg:pypi/jinja2@" in text
    assert desk.type(*export).ended(0).stdout == text


def test_another_version_of_cyclonedx(desk: Desk, repaired: Path) -> None:
    newer = {"SUPPLYCHAIN_SBOM_VERSION": "1.7"}
    document = desk.type("sbom", f"oci:{repaired}", **newer).ended(0).stdout
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(document) is None

    with desk.nothing_changes(repaired):
        done = desk.type("sbom", f"oci:{repaired}", SUPPLYCHAIN_SBOM_VERSION="1.4")
    done.refused(2, "sbom_version = '1.4'", "try: use 1.6 or 1.7")


def test_what_is_on_record_can_be_found_by_any_of_its_names(
    desk: Desk, vulnerable: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    digest = push(vulnerable, reference)
    desk.type("run", f"{reference}:1.0", "-e", "prod").ended(10)

    for name in (digest, digest[7:19], f"{reference}@{digest}", f"{reference}:1.0", str(reference)):
        shown = desk.type("images", "show", name).ended(0).stdout
        assert shown.startswith(f"{reference}@{digest}\n"), name
        assert "linux/amd64    scanned" in shown
        assert "high" in shown
        assert "deny in prod, decided" in shown
    missing = desk.type("images", "show", "registry.example/gone")
    missing.refused(1, "registry.example/gone", "supplychain images list")
    desk.type("export", "sbom", "0" * 12).refused(1, "try: ")


def test_images_are_listed_the_newest_first(desk: Desk, vulnerable: Path, repaired: Path) -> None:
    desk.type("images", "list").refused(1, "is empty", "try: the first `supplychain run` makes it")
    desk.type("scan", f"oci:{vulnerable}").ended(0)
    desk.type("scan", f"oci:{repaired}").ended(0)

    assert desk.recorded() == [digest_of(repaired), digest_of(vulnerable)]
    one = desk.type("images", "list", "--limit", "1").ended(0).stdout
    assert digest_of(repaired) in one
    assert digest_of(vulnerable) not in one


def test_decisions_are_kept(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    desk.policy("vulnerabilities: {severity: high}", environment="staging")
    for environment, code in (("staging", 0), ("test", 10), ("prod", 0)):
        desk.type("gate", digest_of(repaired), "-e", environment).ended(code)

    shown = desk.type("images", "show", digest_of(repaired), "-o", "json").ended(0).json()
    verdicts = {one["environment"]: one["verdict"] for one in shown["decisions"]}
    assert verdicts == {"prod": "allow", "staging": "allow", "test": "deny"}
    # What was asked twice about prod, with nothing new in between, is one decision.
    assert desk.rows()["decisions"] == 3
