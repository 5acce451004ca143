"""What is attached to an image: seen, fetched byte for byte, and recorded where it holds."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from demo.images import Layer
from tests.kit.cli import Desk
from tests.kit.registry import RunningRegistry
from tests.kit.shop import BUILD, attached_to, digest_of, pack_index, push

REVIEW = "https://example.com/review/v1"
PREDICATE = '{"reviewed":  "by Ann",\n "twice": true}'


@pytest.fixture
def reviewed(desk: Desk, repaired: Path) -> str:
    """An image that somebody signed and reviewed, of which the record knows nothing."""
    (desk.folder / "review.json").write_text(PREDICATE)
    elsewhere = {"SUPPLYCHAIN_DATA_DIR": str(desk.folder / "elsewhere")}
    image = f"oci:{repaired}"
    desk.type("keys", "generate", "--output-key-prefix", "ann", "--quiet").ended(0)
    desk.type("sign", image, "--key", "ann.key", **elsewhere).ended(0)
    attest = ("attest", image, "--key", "ann.key", "--type", REVIEW, "--predicate", "review.json")
    desk.type(*attest, **elsewhere).ended(0)
    return image


def _listed(desk: Desk, image: str, *more: str) -> list[dict[str, Any]]:
    done = desk.type("attestations", "list", image, *more, "-o", "json").ended(0)
    found: list[dict[str, Any]] = done.json()["attestations"]
    return found


def test_what_nobody_verified_is_told_apart(desk: Desk, repaired: Path, reviewed: str) -> None:
    with desk.nothing_changes(repaired):
        blind = _listed(desk, reviewed)
        known = _listed(desk, reviewed, "--key", "ann.pub")
        others = _listed(desk, reviewed, "--key", "release.pub")
        told = desk.type("attestations", "list", reviewed).ended(0)
    assert {one["state"] for one in blind} == {"unverified"}
    assert {one["verified_by"] for one in blind} == {None}
    assert {one["state"] for one in known} == {"verified"}
    assert {one["state"] for one in others} == {"rejected"}
    assert all(one["reason"] for one in others)
    assert [(one["form"], one["predicate_type"]) for one in known] == [
        (form, kind)
        for form in ("bundle", "legacy")
        for kind in ("https://sigstore.dev/cosign/sign/v1", REVIEW)
    ]
    assert "unverified: nobody checked who says so" in told.stderr
    assert told.stdout.count("unverified") == 4


def test_an_image_with_nothing_beside_it(desk: Desk, repaired: Path) -> None:
    done = desk.type("attestations", "list", f"oci:{repaired}").ended(0)
    assert (done.stdout, done.stderr) == ("", "nothing is attached\n")


def test_provenance_is_told_with_who_built_and_how(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    found = _listed(desk, f"oci:{repaired}", "--key", "release.pub")
    (build_type,) = {one["build_type"] for one in found if one["builder"]}
    assert build_type == "pkg:generic/supplychain#pipeline/v1"
    told = desk.type("attestations", "list", f"oci:{repaired}", "--key", "release.pub").stdout
    assert f"examined by pkg:generic/supplychain, {build_type}" in told


@pytest.fixture
def attested_index(repaired_layer: Layer, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """An index as BuildKit makes it."""
    path = tmp_path / "index"
    layers = {"linux/amd64": repaired_layer, "linux/arm64": repaired_layer}
    return path, pack_index(path, layers, attested=True)


def test_what_buildkit_left_is_unsigned_and_never_evidence(
    desk: Desk, attested_index: tuple[Path, dict[str, str]]
) -> None:
    layout, digests = attested_index
    image = f"oci:{layout}"
    found = _listed(desk, image, "--key", "release.pub")
    assert {one["state"] for one in found} == {"unsigned"}
    assert {one["subject"] for one in found} == {digests["linux/amd64"], digests["linux/arm64"]}
    assert {one["predicate_type"] for one in found} == {BUILD}
    assert {one["builder"] for one in found} == {"https://ci.example/build/1"}
    (one,) = _listed(desk, image, "--platform", "linux/arm64")
    assert one["subject"] == digests["linux/arm64"]

    with desk.nothing_changes(layout):
        done = desk.type("attestations", "record", image, "--key", "release.pub")
    done.refused(1, "nothing that is stated about", "attestations list")
    wanted = ("attestations", "download", image, "--platform", "linux/arm64")
    payload = desk.type(*wanted).ended(0)
    assert "unsigned" in payload.stderr
    assert json.loads(payload.stdout)["predicateType"] == BUILD
    # Whoever asks for what holds gets none of it.
    desk.type(*wanted, "--key", "release.pub").refused(1, "none of it verifies")


def test_what_is_attached_is_fetched_byte_for_byte(
    desk: Desk, repaired: Path, reviewed: str
) -> None:
    bundle = next(one for one in _listed(desk, reviewed) if one["predicate_type"] == REVIEW)
    download = ("attestations", "download", reviewed, "--key", "ann.pub")
    chosen = (*download, "--digest", bundle["digest"][:20])
    document = desk.type(*chosen).ended(0).stdout
    held = repaired / "blobs" / bundle["digest"].replace(":", "/")
    assert document.encode() == held.read_bytes()
    statement = desk.type(*chosen, "--content", "statement").ended(0).stdout
    assert base64.b64decode(json.loads(document)["dsseEnvelope"]["payload"]).decode() == statement
    desk.type(*chosen, "--content", "predicate", "--output-file", "got.json").ended(0)
    assert (desk.folder / "got.json").read_text() == PREDICATE

    desk.type(*download, "--output-folder", "all").ended(0)
    digests = {one["digest"].removeprefix("sha256:") for one in _listed(desk, reviewed)}
    assert {path.stem for path in (desk.folder / "all").iterdir()} == digests
    signatures = (*download, "--type", "signature", "--output-folder", "signatures")
    desk.type(*signatures).ended(0)
    assert len(list((desk.folder / "signatures").iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, ("4 fit", "--digest")),
        (("--type", "vuln"), 1, ("nothing attached fits",)),
        (("--type", "nonsense"), 2, ("nonsense",)),
        (("--digest", "ffff"), 1, ("nothing attached fits",)),
        (("--key", "release.pub"), 1, ("none of it verifies",)),
        (("--output-file", "a", "--output-folder", "b"), 2, ("give one of them",)),
        (("--output-folder", "release.pub"), 1, ("release.pub",)),
    ],
    ids=["several", "no-such", "no-type", "no-digest", "no-key", "both", "no-folder"],
)
def test_a_download_that_is_not_clear_writes_nothing(
    desk: Desk, reviewed: str, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    desk.type("attestations", "download", reviewed, *arguments).refused(code, *words)


def test_what_holds_is_recorded_and_then_counts(desk: Desk, repaired: Path, reviewed: str) -> None:
    desk.policy("signature: {keys: [../ann.pub]}")
    desk.type("scan", reviewed).ended(0)
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(10)
    record = ("attestations", "record", reviewed, "--key", "ann.pub")
    done = desk.type(*record, "-o", "json").ended(0).json()
    assert [one["predicate_type"] for one in done["verified"]] == [
        "https://sigstore.dev/cosign/sign/v1",
        REVIEW,
    ]
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(0)
    rows = desk.rows()
    desk.type(*record).ended(0)
    assert desk.rows() == rows


def test_what_another_signed_is_not_recorded(desk: Desk, repaired: Path, reviewed: str) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("attestations", "record", reviewed, "--key", "release.pub")
    done.refused(1, "nothing that is stated about", "signature")
    desk.type("sign", reviewed).ended(0)
    before = desk.rows()
    done = desk.type("attestations", "record", reviewed, "--key", "release.pub").ended(0)
    assert done.stderr.count("refused ") == 4
    assert desk.rows() == before


def test_bundles_come_in_files_too(
    desk: Desk, repaired: Path, reviewed: str, debian_registry: RunningRegistry
) -> None:
    """As from `gh attestation download`: the image lies in a registry, bare."""
    desk.type("attestations", "download", reviewed, "--output-folder", "all").ended(0)
    bundles = [p.read_text() for p in (desk.folder / "all").iterdir()]
    wanted = [text for text in bundles if text.startswith('{"mediaType":"application/vnd.dev.sig')]
    (desk.folder / "ann.jsonl").write_text("".join(f"{text}\n" for text in wanted))
    reference = debian_registry.fresh()
    image = f"{reference}@{push(repaired, reference)}"
    files = ("--key", "ann.pub", "--bundle", "ann.jsonl")
    assert _listed(desk, image, "--key", "ann.pub") == []
    assert {(o["form"], o["state"]) for o in _listed(desk, image, *files)} == {("file", "verified")}
    done = desk.type("attestations", "record", image, *files, "-o", "json").ended(0)
    assert len(done.json()["verified"]) == 2
    assert desk.rows()["attestations"] == 2


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", 2, ("empty",)),
        ("{}", 2, ("neither",)),
        ("not JSON", 2, ("JSON",)),
        (None, 1, ("gone",)),
    ],
    ids=["empty", "object", "text", "no-file"],
)
def test_a_file_that_is_no_bundle(
    desk: Desk, repaired: Path, text: str | None, code: int, words: tuple[str, ...]
) -> None:
    if text is not None:
        (desk.folder / "gone.jsonl").write_text(text)
    record = ("attestations", "record", f"oci:{repaired}", "--key", "release.pub")
    with desk.nothing_changes(repaired):
        done = desk.type(*record, "--bundle", "gone.jsonl")
    done.refused(code, *words)


def test_a_bundle_for_another_image_is_not_recorded(
    desk: Desk, repaired: Path, vulnerable: Path, reviewed: str
) -> None:
    kept = ("attestations", "download", reviewed, "--type", REVIEW, "--output-folder", "all")
    desk.type(*kept).ended(0)
    for path in (desk.folder / "all").iterdir():
        with desk.nothing_changes(vulnerable):
            done = desk.type(
                *("attestations", "record", f"oci:{vulnerable}", "--key", "ann.pub"),
                *("--bundle", path),
            )
        done.refused(1, "about another digest")
    assert attached_to(vulnerable) == 0
