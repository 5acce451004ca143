"""Registries and folders that lie about what is beside an image, asked by `supplychain verify`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from supplychain.images.layout import OciLayout
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.signing.legacy import Suffix
from supplychain.signing.simplesigning import SIGNATURE_ANNOTATION
from tests.kit.artifacts import put_image
from tests.kit.cli import Desk, Outcome
from tests.kit.keys import signer
from tests.kit.misbehaving import ScriptedServer, endless, manifest, reply, scripted_server
from tests.kit.scene import Scene
from tests.kit.sigstore.keys import text


@dataclass(frozen=True, slots=True)
class Lies:
    """A registry that serves a scene, until a test says otherwise, and who asks it.

    Attributes:
        desk: Where `verify` is typed.
        server: The registry.
        scene: What it serves.
    """

    desk: Desk
    server: ScriptedServer
    scene: Scene

    @property
    def api(self) -> str:
        """Where the image's referrers are listed."""
        return f"/v2/app/referrers/{self.scene.subject.digest}"

    @property
    def fallback(self) -> str:
        """The tag that lists them where there is no such API."""
        return f"/v2/app/manifests/sha256-{self.scene.subject.digest.hex}"

    def attached(self, bundle: bytes | None = None) -> dict[str, object]:
        """Attach a bundle, by default a genuine one; what lists it."""
        made = self.scene.attach(self.scene.keyed() if bundle is None else bundle)
        return self.entry(made)

    def entry(self, digest: Digest) -> dict[str, object]:
        raw = self.scene.layout.manifest(digest).raw
        return {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(raw)}

    def serve(self) -> None:
        """Serve whatever the layout holds by now."""
        for blob in (Path(self.scene.layout.name) / "blobs" / "sha256").iterdir():
            data, kind = blob.read_bytes(), "application/octet-stream"
            if b'"schemaVersion"' in data:
                kind = OCI_MANIFEST
            for what in ("manifests", "blobs"):
                path = f"/v2/app/{what}/sha256:{blob.name}"
                self.server.on("GET", path, reply(200, data, kind=kind))

    def lists(self, *entries: object) -> None:
        """Serve, and list these as the image's referrers."""
        self.serve()
        self.server.on("GET", self.api, reply(200, _index(*entries), kind=OCI_INDEX))

    def verify(self) -> Outcome:
        image = f"{self.server.repository}@{self.scene.subject.digest}"
        return self.desk.type("verify", image, "--key", "release.pub")


@pytest.fixture
def lies(bare_desk: Desk, scene: Scene) -> Iterator[Lies]:
    (bare_desk.folder / "release.pub").write_bytes(signer().public_key.pem())
    with scripted_server() as server:
        yield Lies(bare_desk, server, scene)


def _index(*entries: object) -> bytes:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()


def test_an_honest_registry_is_believed(lies: Lies) -> None:
    """What every lie here differs from by one thing."""
    lies.lists(lies.attached())
    lies.verify().ended(0)


def test_a_referrers_answer_that_names_another_images_signature(lies: Lies) -> None:
    """The list says that it is about this image; the manifest itself says about which."""
    other = Scene(lies.scene.layout, put_image(lies.scene.layout, "other"))
    lies.lists(lies.entry(other.attach(other.keyed())))
    lies.verify().refused(1, "the referrer is about another digest")


def test_a_referrer_that_says_it_is_about_this_image(lies: Lies) -> None:
    """Another image's bundle in a referrer whose subject is this one: the statement decides."""
    other = Scene(lies.scene.layout, put_image(lies.scene.layout, "other"))
    lies.lists(lies.attached(other.keyed()))
    lies.verify().refused(1, "the statement is about another digest")


def test_a_referrers_answer_that_says_there_is_nothing(lies: Lies) -> None:
    lies.attached()
    lies.lists()
    lies.verify().refused(1, "there is none of this type beside it")


def test_a_referrers_answer_without_end(lies: Lies) -> None:
    lies.serve()
    lies.server.on("GET", lies.api, endless(kind=OCI_INDEX))
    began = time.monotonic()
    lies.verify().refused(2, lies.server.address)
    assert time.monotonic() - began < 30


def test_referrers_on_pages_without_end(lies: Lies) -> None:
    entry = lies.attached()
    lies.serve()
    pages = (
        reply(200, _index(entry), {"Link": f'<{lies.api}?p={n}>; rel="next"'}, kind=OCI_INDEX)
        for n in range(1000)
    )
    lies.server.on("GET", lies.api, *pages)
    lies.verify().refused(2, "too many")
    assert len(lies.server.asked("GET", lies.api)) < 100


def test_referrers_on_pages_in_a_circle(lies: Lies) -> None:
    """A genuine signature among them does not help: who goes in circles hides something."""
    page = _index(lies.attached())
    lies.serve()
    link = {"Link": f'<{lies.api}?p=1>; rel="next"'}
    lies.server.on("GET", lies.api, reply(200, page, link, kind=OCI_INDEX))
    lies.verify().refused(1, "lead nowhere")
    assert len(lies.server.asked("GET", lies.api)) == 2


def test_more_referrers_than_anybody_needs(lies: Lies) -> None:
    """CVE-2024-29903, CVE-2023-46737: the length of the list is the attacker's to choose."""
    ghosts = [
        {"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064x}", "size": 1} for n in range(1001)
    ]
    lies.lists(lies.attached(), *ghosts)
    lies.verify().refused(2, "too many")
    assert not any("/manifests/sha256:0000" in one.path for one in lies.server.requests)


def test_a_fallback_tag_that_points_at_another_image(lies: Lies) -> None:
    other = put_image(lies.scene.layout, "other")
    lies.attached()
    lies.serve()
    raw = lies.scene.layout.manifest(other.digest).raw
    lies.server.on("GET", lies.fallback, manifest(raw))
    lies.verify().refused(1, "is not an index of referrers")


def test_a_fallback_tag_that_lists_another_images_referrers(lies: Lies) -> None:
    other = Scene(lies.scene.layout, put_image(lies.scene.layout, "other"))
    listed = _index(lies.entry(other.attach(other.keyed())))
    lies.serve()
    lies.server.on("GET", lies.fallback, manifest(listed, OCI_INDEX))
    lies.verify().refused(1, "the referrer is about another digest")


def test_tags_of_the_older_form_that_point_at_another_images(lies: Lies) -> None:
    other = Scene(lies.scene.layout, put_image(lies.scene.layout, "other"))
    signed = {SIGNATURE_ANNOTATION: text(signer().sign(other.simple))}
    theirs = lies.scene.layout.manifest(other.attach_layers([(other.simple, signed)]))
    lies.lists()
    for suffix in Suffix:
        lies.server.on("GET", f"{lies.fallback}.{suffix}", manifest(theirs.raw))
    lies.verify().refused(1, "the signature is about another digest")


@pytest.mark.parametrize("what", ["referrer", "bundle"])
def test_a_digest_that_is_answered_with_other_bytes(lies: Lies, what: str) -> None:
    """Another genuine signature of the same image, under the name of the first."""
    bundle = lies.scene.keyed()
    entry = lies.attached(bundle)
    lies.lists(entry)
    again = lies.scene.keyed()
    if what == "bundle":
        path, answer = f"blobs/{Digest.of(bundle)}", reply(200, again)
    else:
        raw = lies.scene.layout.manifest(lies.scene.attach(again)).raw
        path, answer = f"manifests/{entry['digest']}", manifest(raw)
    lies.server.on("GET", f"/v2/app/{path}", answer)
    lies.verify().refused(1, "sha256:")


def test_a_tag_of_another_image_under_the_digest_of_the_signed_one(lies: Lies) -> None:
    """The header names the image that is signed, the bytes are of one that is not."""
    lies.lists(lies.attached())
    other = put_image(lies.scene.layout, "other")
    raw = lies.scene.layout.manifest(other.digest).raw
    named = manifest(raw, Docker_Content_Digest=str(lies.scene.subject.digest))
    lies.server.on("GET", "/v2/app/manifests/1", named)
    image = f"{lies.server.repository}:1"
    lies.desk.type("verify", image, "--key", "release.pub").refused(1, str(other.digest))


def test_a_bundle_that_is_larger_than_it_says(lies: Lies) -> None:
    """CVE-2024-29902, CVE-2024-45395: what is read is bounded by what was announced."""
    bundle = lies.scene.keyed()
    lies.lists(lies.attached(bundle))
    path = f"/v2/app/blobs/{Digest.of(bundle)}"
    lies.server.on("GET", path, endless(kind="application/octet-stream"))
    began = time.monotonic()
    done = lies.verify()
    assert done.code != 0
    assert done.stdout == ""
    assert time.monotonic() - began < 30


def _layout(lies: Lies) -> tuple[Path, Path]:
    """A layout with a genuine signature, and its file."""
    bundle = lies.scene.keyed()
    lies.scene.attach(bundle)
    folder = Path(lies.scene.layout.name)
    return folder, folder / "blobs" / "sha256" / Digest.of(bundle).hex


def _verify(lies: Lies, folder: Path) -> Outcome:
    image = f"oci:{folder}@{lies.scene.subject.digest}"
    return lies.desk.type("verify", image, "--key", "release.pub")


def test_an_honest_layout_is_believed(lies: Lies) -> None:
    folder, _ = _layout(lies)
    _verify(lies, folder).ended(0)


@pytest.mark.parametrize("what", ["bundle", "folder", "index"])
def test_a_layout_with_links_that_lead_outside(lies: Lies, tmp_path: Path, what: str) -> None:
    """It would be read as it stands, though what is signed lies where somebody else writes."""
    folder, file = _layout(lies)
    place = {"bundle": file, "folder": folder / "blobs", "index": folder / "index.json"}[what]
    place.rename(tmp_path / "outside")
    place.symlink_to(tmp_path / "outside")
    done = _verify(lies, folder)
    assert done.code != 0
    assert done.stdout == ""
    assert "a link that leads outside" in done.stderr


def test_a_layout_in_which_the_bundle_was_exchanged(lies: Lies) -> None:
    folder, file = _layout(lies)
    file.write_bytes(lies.scene.keyed())
    _verify(lies, folder).refused(1, "sha256:")


def test_a_layout_whose_index_lists_another_images_signature(lies: Lies) -> None:
    folder = Path(lies.scene.layout.name)
    other = Scene(lies.scene.layout, put_image(lies.scene.layout, "other"))
    theirs = other.attach(other.keyed())
    index = json.loads((folder / "index.json").read_bytes())
    listed = {**lies.entry(theirs), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
    index["manifests"].append(listed)
    (folder / "index.json").write_text(json.dumps(index))
    assert OciLayout(folder).referrers(lies.scene.subject.digest) == ()
    _verify(lies, folder).refused(1, "there is none of this type beside it")
