"""Keys whose word does not count, or no longer: revoked, or outside of their window."""

from __future__ import annotations

import json
from pathlib import Path

from supplychain.images.layout import OciLayout
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from tests.kit.cli import Desk
from tests.kit.scene import Scene

# What is said of the key, and what the gate says then.
RESTRICTIONS = {
    "revoked: true": "the key is revoked",
    'not_after: "2999-01-01T00:00:00Z", revoked: true': "the key is revoked",
    'not_after: "2026-01-01T00:00:00Z"': "the key counts until 2026-01-01T00:00:00Z",
    'not_before: "2999-01-01T00:00:00Z"': "the key counts from 2999-01-01T00:00:00Z",
}


def _policy(desk: Desk, restriction: str) -> None:
    key = f"{{file: ../release.pub, {restriction}}}" if restriction else "../release.pub"
    desk.policy(f"signature: {{keys: [{key}]}}", f"sbom: {{keys: [{key}]}}")


def test_a_key_that_is_revoked_or_outside_of_its_window(desk: Desk, repaired: Path) -> None:
    """CVE-2026-54787: a key's window was kept, and nothing looked at it."""
    image = f"oci:{repaired}"
    _policy(desk, "")
    desk.type("run", image, "-e", "prod").ended(0)
    for restriction, words in RESTRICTIONS.items():
        _policy(desk, restriction)
        assert words in desk.type("gate", image, "-e", "prod").ended(10).stdout


def test_a_signature_that_says_it_is_older_than_it_is(desk: Desk, repaired: Path) -> None:
    """Whoever has an old key can write any date beside what it signs: nothing vouches for it."""
    layout = OciLayout(repaired)
    scene = Scene(layout, Subject(layout.name, layout.resolve("latest").digest))
    desk.type("sign", f"oci:{repaired}").ended(0)
    [made] = layout.referrers(scene.subject.digest)
    dated = {"org.opencontainers.image.created": "2025-06-01T00:00:00Z"}
    scene.attach(_bundle(layout, made), annotations=dated)
    _policy(desk, 'not_after: "2026-01-01T00:00:00Z"')
    done = desk.type("run", f"oci:{repaired}", "-e", "prod").ended(10)
    assert "the key counts until 2026-01-01T00:00:00Z" in done.stdout


def _bundle(layout: OciLayout, referrer: Descriptor) -> bytes:
    [layer] = json.loads(layout.manifest(referrer.digest).raw)["layers"]
    named = Descriptor(layer["mediaType"], Digest.parse(layer["digest"]), layer["size"])
    return layout.blob(named, limit=named.size)
