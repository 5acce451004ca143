"""A database of many pages, written by us and read by the real Trivy."""

from __future__ import annotations

import json
import random
from pathlib import Path

import orjson

from demo.vulndb import PAGE_SIZE
from supplychain.scan.scanner import DatabaseGeneration
from supplychain.scan.trivy import SOURCE, Trivy
from tests.kit.scanlayout import node_package, write_image
from tests.kit.vulndb import write_many

_INPUT = ("image", "--input", SOURCE, "--scanners", "vuln", "--skip-check-update")


def names(count: int) -> list[str]:
    """Names of very different lengths, some so long that few fit on a page."""
    chaos = random.Random(7)
    return [f"p{n}-" + "x" * chaos.choice([1, 3, 20, 150, 900]) for n in range(count)]


def test_trivy_finds_any_of_thousands(trivy: Trivy, tmp_path: Path) -> None:
    packages = names(6000)
    database = write_many(tmp_path / "db", packages)
    assert (database / "trivy.db").stat().st_size > 500 * PAGE_SIZE
    chosen = [*random.Random(11).sample(range(len(packages)), 50), 0, len(packages) - 1]
    # Half of them with the repaired version, in which nothing may be found.
    wanted = {f"CVE-2099-{n:06d}" for i, n in enumerate(chosen) if i % 2}
    files = {
        path: text
        for i, n in enumerate(chosen)
        for path, text in node_package(f"m{n}", "0", under=f"app/{n}").items()
        for text in [json.dumps({"name": packages[n], "version": "1.9.9" if i % 2 else "2.0.0"})]
    }
    image = write_image(tmp_path / "image", files)
    for folder in ("cache", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cache" / "db").symlink_to(database)
    report = orjson.loads(trivy.report(_INPUT, image.layout, tmp_path / "cache", tmp_path / "run"))
    found = {
        vulnerability["VulnerabilityID"]
        for result in report["Results"]
        for vulnerability in result.get("Vulnerabilities", [])
    }
    assert found == wanted
    assert len(wanted) == 26


def test_trivy_reads_values_larger_than_a_page(
    trivy: Trivy, tmp_path: Path, sample_database: DatabaseGeneration
) -> None:
    from demo.vulndb import write_database
    from tests.kit.vulndb import advisory, now

    made = advisory("CVE-2099-000001", "npm::Many", "lodash", ["<9"], ["9"])
    made["title"] = "a very long title " * 1500
    sources = {"npm::Many": {"ID": "test", "Name": "Test", "URL": "https://t.example"}}
    write_database(tmp_path / "db", {"sources": sources, "advisories": [made]}, now())
    image = write_image(tmp_path / "image", node_package("lodash", "4.17.4"))
    for folder in ("cache", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cache" / "db").symlink_to(tmp_path / "db")
    report = orjson.loads(trivy.report(_INPUT, image.layout, tmp_path / "cache", tmp_path / "run"))
    (vulnerability,) = report["Results"][0]["Vulnerabilities"]
    assert vulnerability["Title"] == made["title"]
