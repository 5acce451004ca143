"""An image with everything attached to it, copied for promotion."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.images import Layer
from supplychain.errors import NotFoundError
from supplychain.images.layout import OciLayout
from supplychain.images.reference import Reference
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from tests.kit.cli import Desk
from tests.kit.referrers_registry import ReferrersRegistry
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, digest_of, pack_index, push

REVIEW = "https://example.com/review/v1"
Registry = RunningRegistry | ReferrersRegistry
KINDS = ("debian_registry", "referrers_registry")


@pytest.fixture(params=KINDS)
def origin(request: pytest.FixtureRequest) -> Registry:
    found: Registry = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=KINDS)
def goal(request: pytest.FixtureRequest) -> Registry:
    found: Registry = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def own_registry() -> Iterator[ReferrersRegistry]:
    """A registry with the referrers API whose content a test may spoil."""
    registry = ReferrersRegistry()
    thread = threading.Thread(target=registry.serve, daemon=True)
    thread.start()
    yield registry
    registry.close()
    thread.join(5)


def signed(desk: Desk, layout: Path, reference: Reference, key: str = "release") -> str:
    """Push an image, sign it and attest something, in both forms; its digest."""
    digest = push(layout, reference)
    (desk.folder / "review.json").write_text('{"reviewed": true}')
    image = f"{reference}:1.0"
    desk.type("sign", image, "--key", f"{key}.key").ended(0)
    attest = ("attest", image, "--key", f"{key}.key", "--type", REVIEW)
    desk.type(*attest, "--predicate", "review.json").ended(0)
    return digest


def store_of(reference: Reference) -> RegistryRepository:
    return RegistryRepository(reference)


def fates(report: Any) -> set[str]:
    return {one["fate"] for one in (*report["manifests"], *report["blobs"])}


def has_tag(reference: Reference, tag: str) -> bool:
    try:
        store_of(reference).resolve(tag)
    except NotFoundError:
        return False
    return True


def test_what_was_copied_verifies_where_it_went(
    desk: Desk, repaired: Path, origin: Registry, goal: Registry
) -> None:
    source, there = origin.fresh(), goal.fresh()
    digest = signed(desk, repaired, source)
    done = desk.type("copy", f"{source}:1.0", f"{there}:live", "-o", "json").ended(0).json()
    assert (done["digest"], done["tag"]) == (digest, "live")
    assert done["destination"] == f"{there}@{digest}"
    assert {one["tag"].rpartition(".")[2] for one in done["tags"]} == {"sig", "att"}
    verify = ("verify", f"{there}:live", "--key", "release.pub", "--type", REVIEW)
    assert digest in desk.type(*verify).ended(0).stdout
    assert len(store_of(there).referrers(Digest.parse(digest))) == 2
    # The list of referrers is made anew there, and only where it is needed.
    needed = not isinstance(goal, ReferrersRegistry)
    assert has_tag(there, digest.replace(":", "-")) == needed


def test_a_second_copy_transfers_nothing(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry, own_registry: ReferrersRegistry
) -> None:
    source, there = debian_registry.fresh(), own_registry.fresh()
    signed(desk, repaired, source)
    copy = ("copy", f"{source}:1.0", f"{there}:1.0")
    first = desk.type(*copy, "-o", "json").ended(0).json()
    assert fates(first) == {"copied"}
    assert first["bytes"]["copied"] > 0
    own_registry.content.asked.clear()
    second = desk.type(*copy, "-o", "json").ended(0).json()
    assert fates(second) == {"already_there"}
    assert second["bytes"]["copied"] == 0
    assert {one.partition(" ")[0] for one in own_registry.content.asked} == {"GET", "HEAD"}
    text = desk.type(*copy).ended(0)
    assert "already there" in text.stdout
    assert "by reference, 1 under .att, 1 under .sig" in text.stdout
    assert "everything read back, every digest holds" in text.stderr


def test_an_index_goes_with_what_is_attached_to_each_platform_and_to_that(
    desk: Desk,
    repaired_layer: Layer,
    tmp_path: Path,
    referrers_registry: ReferrersRegistry,
    debian_registry: RunningRegistry,
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": repaired_layer}
    digests = pack_index(tmp_path / "index", layers, attested=True)
    source, there = referrers_registry.fresh(), debian_registry.fresh()
    push(tmp_path / "index", source)
    desk.type("sign", f"{source}:1.0").ended(0)
    store = store_of(source)
    (bundle,) = store.referrers(Digest.parse(digests["linux/arm64"]))
    about = _referrer(store, bundle.digest, "application/vnd.example.note")
    _tag_sbom(store, Digest.parse(digests["linux/amd64"]))

    done = desk.type("copy", f"{source}:1.0", f"{there}:1.0", "-o", "json").ended(0).json()
    assert str(about) in {one["digest"] for one in done["manifests"]}
    copied = store_of(there)
    assert [one.digest for one in copied.referrers(bundle.digest)] == [about]
    for platform in ("linux/amd64", "linux/arm64"):
        image = f"{there}@{digests[platform]}"
        desk.type("verify", image, "--key", "release.pub").ended(0)
    desk.type("verify", f"{there}:1.0", "--key", "release.pub").ended(0)
    assert has_tag(there, f"{digests['linux/amd64'].replace(':', '-')}.sbom")


def _referrer(store: RegistryRepository, subject: Digest, kind: str) -> Digest:
    raw = store.manifest(subject).raw
    config = store.put_blob(b"{}")
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": str(config),
            "size": 2,
        },
        "layers": [],
        "subject": {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": len(raw)},
    }
    return store.attach(json.dumps(value).encode(), OCI_MANIFEST, subject=subject)


def _tag_sbom(store: RegistryRepository, subject: Digest, text: bytes = b"SPDX") -> None:
    config, layer = store.put_blob(b"{}"), store.put_blob(text)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/x", "digest": str(config), "size": 2},
        "layers": [{"mediaType": "text/spdx", "digest": str(layer), "size": len(text)}],
    }
    tag = f"sha256-{subject.hex}.sbom"
    store.put_manifest(json.dumps(value).encode(), OCI_MANIFEST, tag=tag)


def test_signatures_that_stand_there_already_stay(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    for name in ("first", "second"):
        desk.type("keys", "generate", "--output-key-prefix", name).ended(0)
    legacy = {"SUPPLYCHAIN_SIGNATURE_FORMATS": "legacy"}
    source, there = debian_registry.fresh(), debian_registry.fresh()
    for reference, key in ((source, "first"), (there, "second")):
        push(repaired, reference)
        desk.type("sign", f"{reference}:1.0", "--key", f"{key}.key", **legacy).ended(0)
    for _ in range(2):
        desk.type("copy", f"{source}:1.0", f"{there}:1.0").ended(0)
        for key in ("first", "second"):
            desk.type("verify", f"{there}:1.0", "--key", f"{key}.pub").ended(0)
    held = store_of(there).manifest(
        store_of(there).resolve(f"{digest_of(repaired).replace(':', '-')}.sig").digest
    )
    assert len(json.loads(held.raw)["layers"]) == 2


def test_another_unsigned_sbom_is_not_overwritten(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    source, there = debian_registry.fresh(), debian_registry.fresh()
    digest = Digest.parse(push(repaired, source))
    push(repaired, there, "other")
    _tag_sbom(store_of(source), digest)
    _tag_sbom(store_of(there), digest, b"another")
    done = desk.type("copy", f"{source}:1.0", f"{there}:1.0")
    done.refused(1, "another SBOM", f"sha256-{digest.hex}.sbom")
    assert not has_tag(there, "1.0")


class _Spoiled(dict[tuple[str, str], bytes]):
    """Blobs of a registry that keeps other bytes than it was given."""

    def __setitem__(self, key: tuple[str, str], data: bytes) -> None:
        super().__setitem__(key, data[:-1] + bytes([data[-1] ^ 1]))


def test_a_destination_that_answers_other_bytes_gets_no_tag(
    desk: Desk, repaired: Path, own_registry: ReferrersRegistry
) -> None:
    own_registry.content.blobs = _Spoiled()
    there = own_registry.fresh()
    done = desk.type("copy", f"oci:{repaired}", f"{there}:1.0")
    done.refused(1, "does not hold what was copied", "came with other bytes", "no tag was set")
    assert own_registry.tags(there.repository) == set()


def test_a_blob_that_lay_there_spoiled_is_found_out(
    desk: Desk, repaired: Path, own_registry: ReferrersRegistry
) -> None:
    there = own_registry.fresh()
    (layer, *_) = OciLayout(repaired).entries()
    value = json.loads(OciLayout(repaired).manifest(layer.digest).raw)
    named = value["layers"][0]
    own_registry.content.blobs[there.repository, named["digest"]] = b"x" * named["size"]
    done = desk.type("copy", f"oci:{repaired}", f"{there}:1.0")
    done.refused(1, "does not hold what was copied", named["digest"])
    assert own_registry.tags(there.repository) == set()


def test_a_source_that_lists_what_is_attached_to_something_else_is_refused(
    desk: Desk, repaired: Path, vulnerable: Path, debian_registry: RunningRegistry
) -> None:
    source, there = debian_registry.fresh(), debian_registry.fresh()
    digest = push(repaired, source)
    other = push(vulnerable, source, "other")
    store = store_of(source)
    stray = _referrer(store, Digest.parse(other), "application/vnd.example.note")
    entry = {
        "mediaType": OCI_MANIFEST,
        "digest": str(stray),
        "size": len(store.manifest(stray).raw),
    }
    lie = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    store.put_manifest(json.dumps(lie).encode(), OCI_INDEX, tag=digest.replace(":", "-"))
    done = desk.type("copy", f"{source}:1.0", f"{there}:1.0")
    done.refused(1, str(stray), f"names {other}", "nothing was copied")
    assert not has_tag(there, "1.0")
    assert not store_of(there).has_blob(Digest.of(b"{}"))


def test_a_tag_on_another_image_is_moved_by_force_alone(
    desk: Desk, repaired: Path, vulnerable: Path, debian_registry: RunningRegistry
) -> None:
    there = debian_registry.fresh()
    before = push(vulnerable, there, "live")
    copy = ("copy", f"oci:{repaired}", f"{there}:live")
    with desk.nothing_changes():
        desk.type(*copy).refused(1, "stands on another image", before, "--force")
    assert str(store_of(there).resolve("live").digest) == before
    desk.type(*copy, "--force").ended(0)
    assert str(store_of(there).resolve("live").digest) == digest_of(repaired)


def test_one_platform_of_an_index_is_refused_with_its_digest(
    desk: Desk, repaired_layer: Layer, tmp_path: Path, debian_registry: RunningRegistry
) -> None:
    layers = {"linux/amd64": repaired_layer, "linux/arm64": repaired_layer}
    digests = pack_index(tmp_path / "index", layers)
    source, there = debian_registry.fresh(), debian_registry.fresh()
    push(tmp_path / "index", source)
    arm = digests["linux/arm64"]
    copy = ("copy", f"{source}:1.0", f"{there}:1.0", "--platform", "linux/arm64")
    desk.type(*copy).refused(2, "another digest", f"{source}@{arm}")
    desk.type("copy", f"{source}@{arm}", f"{there}:arm", "--platform", "linux/arm64").ended(0)
    assert str(store_of(there).resolve("arm").digest) == arm


def test_through_a_layout_and_back(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    source, there = debian_registry.fresh(), debian_registry.fresh()
    digest = signed(desk, repaired, source)
    folder = desk.folder / "offline"
    for _ in range(2):
        desk.type("copy", f"{source}:1.0", f"oci:{folder}:1.0").ended(0)
    assert attached_to(folder, digest) == 2
    verify = ("--key", "release.pub", "--type", REVIEW)
    desk.type("verify", f"oci:{folder}", *verify).ended(0)
    desk.type("copy", f"oci:{folder}", f"{there}:back").ended(0)
    desk.type("verify", f"{there}:back", *verify).ended(0)


def test_a_damaged_blob_in_a_layout_is_replaced(desk: Desk, repaired: Path) -> None:
    folder = desk.folder / "offline"
    desk.type("copy", f"oci:{repaired}", f"oci:{folder}:1.0").ended(0)
    largest = max(folder.rglob("blobs/*/*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(b"damaged")
    desk.type("copy", f"oci:{repaired}", f"oci:{folder}:1.0").ended(0)
    assert Digest.of(largest.read_bytes()).hex == largest.name


def test_without_a_tag_the_copy_is_known_by_its_digest_alone(
    desk: Desk, repaired: Path, own_registry: ReferrersRegistry
) -> None:
    there, digest = own_registry.fresh(), digest_of(repaired)
    other = str(Digest.of(b"x"))
    refused = desk.type("copy", f"oci:{repaired}", f"{there}@{other}")
    refused.refused(2, digest, other)
    done = desk.type("copy", f"oci:{repaired}", f"{there}@{digest}", "-o", "json").ended(0).json()
    assert done["tag"] is None
    assert own_registry.tags(there.repository) == set()
    desk.type("copy", f"{there}@{digest}", f"oci:{desk.folder}/back:1").ended(0)


def test_within_one_registry_blobs_are_taken_over(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    source, there = debian_registry.fresh(), debian_registry.fresh()
    push(repaired, source)
    done = desk.type("copy", f"{source}:1.0", f"{there}:1.0", "-o", "json").ended(0).json()
    assert {one["fate"] for one in done["blobs"]} == {"mounted"}
    assert done["bytes"]["copied"] == 0


@pytest.mark.parametrize("place", ["oci-archive:x.tar", "docker-daemon:shop:1", "docker-archive:x"])
def test_a_place_that_cannot_hold_what_is_attached(desk: Desk, repaired: Path, place: str) -> None:
    desk.type("copy", f"oci:{repaired}", place).refused(2, place, "oci:DIR:TAG")


def test_one_login_is_not_shown_to_two_registries(
    desk: Desk, debian_registry: RunningRegistry, referrers_registry: ReferrersRegistry
) -> None:
    copy = ("copy", f"{debian_registry.fresh()}:1", f"{referrers_registry.fresh()}:1")
    login = ("--registry-username", "ann")
    done = desk.type(*copy, *login, SUPPLYCHAIN_REGISTRY_PASSWORD="secret")
    done.refused(2, "two registries", f"docker login {referrers_registry.address}")
