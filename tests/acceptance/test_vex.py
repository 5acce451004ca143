"""A claim that is attached to an image clears its finding, and goes out again and in elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kit.cli import Desk
from tests.kit.shop import digest_of

RULE = "vulnerabilities: {severity: high}"
VEX = "vex:\n  trust: {keys: [../psirt.pub]}\n"


def test_what_is_attested_counts_once_it_is_recorded(desk: Desk, vulnerable: Path) -> None:
    image, digest = f"oci:{vulnerable}", digest_of(vulnerable)
    asked = ("-e", "prod", "--output", "json")
    desk.type("keys", "generate", "--output-key-prefix", "psirt", "--quiet").ended(0)
    policy = desk.policy(RULE)
    ran = desk.type("run", image, *asked).ended(10).json()
    (rule,) = [r for r in ran["results"] if r["rule"] == "vulnerabilities"]
    names = sorted({v["finding"]["vulnerability_id"] for v in rule["violations"]})
    claims = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://acme.example/vex/1",
        "author": "acme's security team",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": name},
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
            for name in names
        ],
    }
    (desk.folder / "vex.json").write_text(json.dumps(claims))
    policy.write_text(policy.read_text() + VEX)
    attest = ("attest", image, "--type", "openvex", "--predicate", "vex.json")
    desk.type(*attest, "--key", "psirt.key", "--no-record").ended(0)
    desk.type("gate", digest, *asked).ended(10)

    desk.type("attestations", "record", image, "--key", "psirt.pub").ended(0)
    told = desk.type("gate", digest, *asked).ended(0).json()
    (rule,) = [r for r in told["results"] if r["rule"] == "vulnerabilities"]
    assert len(rule["notes"]) >= len(names)
    assert all("with ../psirt.pub" in note for note in rule["notes"])
    assert [e["kind"] for e in told["evidence"]].count("vex") == 1
    (listed,) = desk.type("vex", "list", "-o", "json").ended(0).json()["documents"]
    assert listed["attached_to"] == digest

    desk.type("vex", "export", digest, "-e", "prod", "--output-file", "out.json").ended(0)
    again = ("attest", image, "--type", "openvex", "--predicate", "out.json")
    desk.type(*again, "--key", "psirt.key").ended(0)
    assert len(desk.type("vex", "list", "-o", "json").ended(0).json()["documents"]) == 2
    desk.type("gate", digest, *asked).ended(0)
