"""A real image and the real Trivy, judged by who says how bad it is and what is exploited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.kit.cli import Desk
from tests.kit.feeds import epss, kev

NOW = datetime.now(UTC).replace(microsecond=0)


def violations(desk: Desk, image: str, *rules: str) -> list[dict[str, Any]]:
    desk.policy(*rules)
    told = desk.type("gate", image, "-e", "prod", "--output", "json")
    document = told.json()
    results = [r for r in document["results"] if r["rule"] == "vulnerabilities"]
    return [v for result in results for v in result["violations"]]


def test_a_verdict_rests_on_ratings_and_feeds(desk: Desk, vulnerable: Path) -> None:
    image = f"oci:{vulnerable}"
    desk.type("run", image, "--environment", "prod").ended(10)
    found = violations(desk, image, "vulnerabilities: {severity: low}")
    by_source = {r["source"] for v in found for r in v["finding"]["ratings"]}
    assert by_source
    exploited = found[0]["finding"]["vulnerability_id"]
    [source] = [r["source"] for r in found[0]["finding"]["ratings"]]

    rated = f"vulnerabilities: {{severity: low, sources: [{source}]}}"
    assert len(violations(desk, image, rated)) >= 1
    unrated = violations(desk, image, "vulnerabilities: {severity: critical, sources: [nobody]}")
    assert len(unrated) == len(found)
    assert {v["finding"]["severity"] for v in unrated} == {"unknown"}

    asking = "vulnerabilities: {kev: true, feed_age: 14d}"
    [missing] = violations(desk, image, asking)
    assert missing["message"] == "no KEV feed is recorded"
    (desk.folder / "kev.json").write_bytes(kev(exploited, at=NOW - timedelta(days=1)))
    desk.type("feeds", "import", "kev", "kev.json").ended(0)
    listed = violations(desk, image, asking)
    assert {v["finding"]["vulnerability_id"] for v in listed} == {exploited}

    scores = {v["finding"]["vulnerability_id"]: ("0.00042", "0.1") for v in found}
    scores[exploited] = ("0.97", "0.999")
    (desk.folder / "epss.csv.gz").write_bytes(epss(scores, at=NOW - timedelta(hours=2)))
    desk.type("feeds", "import", "epss", "epss.csv.gz").ended(0)
    likely = violations(desk, image, "vulnerabilities: {epss: 0.5, feed_age: 3d}")
    assert {v["finding"]["vulnerability_id"] for v in likely} == {exploited}
    shown = desk.type("gate", image, "-e", "prod").ended(10).stdout
    assert ", EPSS 0.97" in shown
    assert "EPSS 0.97, higher than 99.9% of all" in shown
