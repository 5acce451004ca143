"""What an image is made of: denied by package, licence and quality, and found again by search."""

from __future__ import annotations

from pathlib import Path

from tests.kit.cli import Desk
from tests.kit.shop import digest_of


def test_a_real_image_is_judged_by_its_parts_and_found_by_them(
    desk: Desk, vulnerable: Path
) -> None:
    desk.policy(
        'packages: {denied: [{purl: pkg:pypi/jinja2, versions: "<2.10.1", reason: sandbox}]}',
        "packages: {required: [pkg:pypi/urllib3]}",
        "licences: {denied: [permissive]}",
        "sbom: {quality: 20, elements: [supplier, version, identifier], components: 2}",
    )
    done = desk.type("run", f"oci:{vulnerable}", "-e", "prod", "--all").ended(10)
    assert "Jinja2 2.10, " in done.stdout
    assert "is denied by pkg:pypi/jinja2 <2.10.1: sandbox" in done.stdout
    assert " ✓ packages " in done.stdout
    assert "is permissive, which is denied" in done.stdout
    assert "the SBOM is not complete: 2 of 2 components lack Supplier Name" in done.stdout
    assert "lack Version" not in done.stdout

    query = ("search", "component", "pkg:pypi/jinja2", "--versions", "<2.10.1", "-e", "prod")
    (image,) = desk.type(*query, "--output", "json").ended(0).json()["images"]
    assert image["digest"] == digest_of(vulnerable)
    assert [d["verdict"] for d in image["decisions"]] == ["deny"]
    found = desk.type("search", "vulnerability", "CVE-2019-10906").ended(0).stdout
    assert "Jinja2 2.10  high, fixed in 2.10.1" in found
