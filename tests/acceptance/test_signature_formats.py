"""In which forms signatures lie beside an image: whoever says nothing gets both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kit.cli import Desk
from tests.kit.shop import attached_to, digest_of

FORMATS = "SUPPLYCHAIN_SIGNATURE_FORMATS"
TAG = "org.opencontainers.image.ref.name"


def _tags(layout: Path) -> set[str]:
    """How the legacy tags in a layout end."""
    index = json.loads((layout / "index.json").read_bytes())
    names = [entry.get("annotations", {}).get(TAG, "") for entry in index["manifests"]]
    start = digest_of(layout).replace(":", "-")
    return {name.removeprefix(start) for name in names if name.startswith(start)}


@pytest.mark.parametrize(
    ("formats", "referrers", "tags"),
    [
        ("bundle", 4, set()),
        ("legacy", 0, {".sig", ".att"}),
        ("legacy,bundle", 4, {".sig", ".att"}),
    ],
)
def test_run_stores_the_forms_that_are_set_and_any_will_do(
    desk: Desk, repaired: Path, formats: str, referrers: int, tags: set[str]
) -> None:
    environ = {FORMATS: formats}
    done = desk.type("run", f"oci:{repaired}", "-e", "prod", **environ).ended(0)
    assert (attached_to(repaired), _tags(repaired)) == (referrers, tags)
    assert "4 statements verified where they are stored" in done.stderr
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)
    with desk.nothing_changes(repaired):
        shown = desk.type(
            *("verify", f"oci:{repaired}", "--key", desk.public_key, "--type", "cyclonedx"),
            *("-o", "json"),
        )
    assert len(shown.ended(0).json()["verified"]) == 4


def test_the_forms_stand_in_the_settings_file(desk: Desk, repaired: Path) -> None:
    (desk.folder / "supplychain.toml").write_text('signature_formats = ["legacy"]\n')
    desk.type("sign", f"oci:{repaired}").ended(0)
    predicate = desk.folder / "review.json"
    predicate.write_text("{}")
    desk.type(
        *("attest", f"oci:{repaired}", "--type", "https://example.com/review/v1"),
        *("--predicate", predicate),
    ).ended(0)
    assert (attached_to(repaired), _tags(repaired)) == (0, {".sig", ".att"})


@pytest.mark.parametrize("formats", ["sig", "bundle;legacy", ","])
def test_a_form_that_is_none_is_refused_before_anything_is_done(
    desk: Desk, repaired: Path, formats: str
) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("sign", f"oci:{repaired}", **{FORMATS: formats})
    done.refused(2, "signature_formats: ", f"environment {FORMATS}", "bundle, legacy")
