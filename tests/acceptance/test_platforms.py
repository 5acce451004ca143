"""An index is judged as a whole: every platform that it offers is looked at and counts."""

from __future__ import annotations

from pathlib import Path

from demo.images import Layer
from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, enter_index, pack_index, pack_platform, push


def test_every_platform_is_recorded_and_judged(
    desk: Desk, repaired_layer: Layer, vulnerable_layer: Layer, tmp_path: Path
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": vulnerable_layer}
    digests = pack_index(tmp_path / "shop", layers, attested=True)

    done = desk.type("run", f"oci:{tmp_path / 'shop'}", "-e", "prod", "-o", "json").ended(10)
    decision = done.json()
    assert decision["subject"]["digest"] == digests["index"]
    violations = [v for result in decision["results"] for v in result["violations"]]
    assert {violation["platform"] for violation in violations} == {"linux/arm64"}

    shown = desk.type("images", "show", digests["index"], "-o", "json").ended(0).json()
    found = {p["platform"]: p["digest"] for p in shown["platforms"]}
    assert found == {name: d for name, d in digests.items() if name != "index"}
    assert all(platform["scanned_at"] for platform in shown["platforms"])


def test_an_index_whose_platforms_are_all_sound_is_allowed(
    desk: Desk, repaired_layer: Layer, tmp_path: Path, debian_registry: RunningRegistry
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": repaired_layer}
    digests = pack_index(tmp_path / "shop", layers, attested=True)
    reference = debian_registry.fresh()
    push(tmp_path / "shop", reference)

    done = desk.type("run", f"{reference}:1.0", "-e", "prod").ended(0)
    assert done.stdout.startswith(f"ALLOW  {reference}@{digests['index']} in prod")
    assert "linux/amd64, linux/arm64" in done.stdout
    for name, digest in digests.items():
        asked = desk.type("verify", f"{reference}@{digest}", "--key", desk.public_key, "-o", "json")
        types = [one["predicate_type"] for one in asked.ended(0).json()["verified"]]
        assert len(types) == (1 if name == "index" else 4), name


def test_one_platform_can_be_chosen_and_the_others_stay_unjudged(
    desk: Desk, repaired_layer: Layer, vulnerable_layer: Layer, tmp_path: Path
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": vulnerable_layer}
    digests = pack_index(tmp_path / "shop", layers)
    source = f"oci:{tmp_path / 'shop'}"

    done = desk.type("run", source, "-e", "prod", "--platform", "linux/amd64").ended(10)
    assert "no scan is recorded  [linux/arm64]" in done.stdout
    assert attached_to(tmp_path / "shop", digests["linux/arm64"]) == 0
    desk.policy(*_rules(), platforms="linux/amd64")
    desk.type("gate", digests["index"], "-e", "prod").ended(0)
    desk.type("gate", digests["linux/amd64"], "-e", "prod").ended(0)
    desk.type("gate", digests["linux/arm64"], "-e", "prod").ended(10)


def test_an_index_cannot_hide_the_platform_of_another(
    desk: Desk, repaired_layer: Layer, vulnerable_layer: Layer, tmp_path: Path
) -> None:
    """One says of another's image, unexamined, that it is for a platform that nobody runs."""
    shop, amd64 = tmp_path / "shop", "linux/amd64"
    desk.policy(*_rules(), platforms=amd64)
    sound = pack_platform(shop, repaired_layer, amd64)
    vulnerable = pack_platform(shop, vulnerable_layer, amd64)
    enter_index(shop, [sound, {**vulnerable, "platform": _S390X}], "lying")
    enter_index(shop, [vulnerable, sound], "honest")

    desk.type("run", f"oci:{shop}:lying", "-e", "prod", "--platform", amd64).ended(0)
    done = desk.type("run", f"oci:{shop}:honest", "-e", "prod").ended(10)
    assert "not run here" not in done.stdout


def test_a_platform_that_is_not_there_is_refused(
    desk: Desk, repaired_layer: Layer, tmp_path: Path
) -> None:
    pack_index(tmp_path / "shop", {"linux/amd64": repaired_layer, "linux/arm64": repaired_layer})

    with desk.nothing_changes(tmp_path / "shop"):
        done = desk.type(
            "run", f"oci:{tmp_path / 'shop'}", "-e", "prod", "--platform", "linux/s390x"
        )
    done.refused(1, "linux/s390x", "try: it is there for linux/amd64, linux/arm64")


def test_an_sbom_of_an_index_names_its_platform(
    desk: Desk, repaired_layer: Layer, vulnerable_layer: Layer, tmp_path: Path
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": vulnerable_layer}
    digests = pack_index(tmp_path / "shop", layers)
    source = f"oci:{tmp_path / 'shop'}"

    desk.type("sbom", source).refused(2, "try: name one of them: --platform linux/amd64")
    assert "jinja2@2.10" in desk.type("sbom", source, "--platform", "linux/arm64").ended(0).stdout
    desk.type("run", source, "-e", "prod").ended(10)
    exported = ("export", "sbom", digests["index"])
    desk.type(*exported).refused(2, "--platform")
    assert "jinja2@3.1" in desk.type(*exported, "--platform", "linux/amd64").ended(0).stdout


_S390X = {"os": "linux", "architecture": "s390x"}


def _rules() -> list[str]:
    return [
        "signature: {keys: [../release.pub]}",
        "sbom: {keys: [../release.pub]}",
        "vulnerabilities: {severity: high}",
    ]
