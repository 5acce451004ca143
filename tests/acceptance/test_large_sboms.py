"""SBOMs that are too large to be signed whole: attested by their digest, and kept in the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from supplychain.images.layout import OciLayout
from supplychain.model.digest import Digest
from supplychain.records.content import key_of
from tests.kit.cli import Desk
from tests.kit.memory import peak
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, digest_of, push

SMALL = {"SUPPLYCHAIN_WHOLE_SBOM": "1KiB"}
CYCLONEDX = "application/vnd.cyclonedx+json"
_LARGE_MB = 200
_CEILING_MB = 150  # some 80 of them are the program itself


def _document_in(layout: Path) -> Digest:
    """The SBOM that lies beside the image of a layout."""
    store = OciLayout(layout)
    found = store.referrers(Digest.parse(digest_of(layout)))
    (entry,) = (one for one in found if one.artifact_type == CYCLONEDX)
    return Digest.parse(json.loads(store.manifest(entry.digest).raw)["layers"][0]["digest"])


def test_the_gate_finds_an_sbom_attested_that_is_referred_to(desk: Desk, repaired: Path) -> None:
    for _ in range(2):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", **SMALL).ended(0)
        assert "CycloneDX 1.6, attested" in done.stdout
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)
    with desk.nothing_changes(repaired):
        verify = ("verify", f"oci:{repaired}", "--key", "release.pub", "--type", "cyclonedx")
        found = desk.type(*verify, "-o", "json").ended(0).json()["verified"]
    (sbom,) = (one for one in found if one["predicate_type"] == "https://cyclonedx.org/bom")
    assert sbom["predicate_digest"] == str(_document_in(repaired))
    exported = desk.type("export", "sbom", f"oci:{repaired}").ended(0)
    assert str(Digest.of(exported.stdout.encode())) == sbom["predicate_digest"]


def test_without_the_document_the_attestation_is_worth_nothing(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod", **SMALL).ended(0)
    blob = repaired / "blobs" / str(_document_in(repaired)).replace(":", "/")
    genuine = blob.read_bytes()
    verify = ("verify", f"oci:{repaired}", "--key", "release.pub", "--type", "cyclonedx")
    for damaged in (genuine[:-2] + b" }", genuine[:-1], b"", None):
        blob.unlink(missing_ok=True)
        if damaged is not None:
            blob.write_bytes(damaged)
        refused = desk.type(*verify).ended(1)
        assert "cannot be believed" in refused.stderr
    blob.write_bytes(genuine)
    desk.type(*verify).ended(0)


def test_a_copy_has_the_document_too(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    source, there = debian_registry.fresh(), debian_registry.fresh()
    push(repaired, source)
    desk.type("run", f"{source}:1.0", "-e", "prod", **SMALL).ended(0)
    desk.type("copy", f"{source}:1.0", f"{there}:1.0").ended(0)
    verify = ("verify", f"{there}:1.0", "--key", "release.pub", "--type", "cyclonedx")
    desk.type(*verify).ended(0)


def _components(megabytes: int) -> Iterator[bytes]:
    yield b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[\n'
    line = json.dumps({"type": "library", "name": "x" * 400, "version": "1"}).encode() + b",\n"
    for _ in range(megabytes << 4):
        yield line * ((1 << 16) // len(line))
    yield b'{"type":"library","name":"last"}]}\n'


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CycloneDX document of some two hundred megabytes."""
    path = tmp_path_factory.mktemp("large") / "large.cdx.json"
    with path.open("wb") as file:
        file.writelines(_components(_LARGE_MB))
    return path


@pytest.mark.timeout(600)
def test_memory_stays_flat(desk: Desk, repaired: Path, large: Path) -> None:
    image = f"oci:{repaired}"
    attest = ("attest", image, "--type", "cyclonedx", "--predicate", large)
    megabytes, _ = peak(*attest, environ=desk.environ, folder=desk.folder)
    assert megabytes < _CEILING_MB
    verify = ("attestations", "list", image, "--key", "release.pub", "-o", "json")
    megabytes, _ = peak(*verify, environ=desk.environ, folder=desk.folder)
    assert megabytes < _CEILING_MB
    kept = desk.data / "content" / key_of(_document_in(repaired))
    assert kept.stat().st_size == large.stat().st_size > _LARGE_MB * 1_000_000
    assert attached_to(repaired) == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("not strict JSON", b'{"bomFormat":"CycloneDX","a":[' + b"1," * 2000 + b"]}"),
        ("names the same member twice", b'{"bomFormat":"CycloneDX","a":1,"a":"%b"}'),
        ("not a CycloneDX document", b'{"bomFormat":"SPDX","a":"%b"}'),
    ],
)
def test_a_large_file_that_is_no_sbom_is_not_attested(
    desk: Desk, repaired: Path, words: str, text: bytes
) -> None:
    path = desk.folder / "large.json"
    path.write_bytes(text.replace(b"%b", b"x" * 2000))
    attest = ("attest", f"oci:{repaired}", "--type", "cyclonedx", "--predicate", path)
    with desk.nothing_changes(repaired):
        desk.type(*attest, **SMALL).refused(2, words, "large.json")


def test_it_is_told_what_becomes_of_a_large_file(desk: Desk, repaired: Path) -> None:
    path = desk.folder / "large.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "x" * 2000}]}))
    attest = ("attest", f"oci:{repaired}", "--type", "cyclonedx", "--predicate", "large.json")
    done = desk.type(*attest, **SMALL).ended(0)
    assert "read      large.json: CycloneDX, to be attested by its digest" in done.stderr
    assert "https://cyclonedx.org/bom" in done.stdout
    quiet = desk.type(*attest, "--quiet", **SMALL).ended(0)
    assert "large.json" not in quiet.stderr
    attested_too = ("--attest", "cyclonedx=large.json", "-o", "json")
    both = desk.type("sign", f"oci:{repaired}", *attested_too, **SMALL).ended(0).json()
    assert len(both["verified"]) == 2


@pytest.mark.parametrize("size", ["40MiB", "1", "much", "1GiB"])
def test_a_size_that_nobody_can_sign_whole(desk: Desk, repaired: Path, size: str) -> None:
    environ = {"SUPPLYCHAIN_WHOLE_SBOM": size}
    desk.type("sign", f"oci:{repaired}", **environ).refused(
        2, "whole_sbom", "SUPPLYCHAIN_WHOLE_SBOM"
    )
