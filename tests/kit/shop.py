"""A small application on its way to production: vulnerable, repaired, and in other wrappings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import demo
from demo.images import (
    OCI,
    Layer,
    digest,
    download,
    enter,
    pack_layer,
    pack_layout,
    put,
    python_application,
    to_json,
)
from supplychain.images.layout import OciLayout
from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_INDEX, Descriptor
from supplychain.model.digest import Digest
from tests.kit.debian import cache_folder, locked
from tests.kit.misbehaving import ScriptedServer, reply

# The type of the provenance that BuildKit leaves.
BUILD = "https://slsa.dev/provenance/v0.2"
_WHEELS = ("jinja2", "urllib3")


@pytest.fixture(scope="session")
def vulnerable_layer() -> Layer:
    """An application on old libraries, with real wheels: at least one finding is high."""
    return _application("vulnerable")


@pytest.fixture(scope="session")
def repaired_layer() -> Layer:
    """The same application on repaired libraries: nothing is known against it."""
    return _application("repaired")


@pytest.fixture
def vulnerable(vulnerable_layer: Layer, tmp_path: Path) -> Path:
    """A layout with the vulnerable application."""
    pack_layout(tmp_path / "vulnerable", [vulnerable_layer])
    return tmp_path / "vulnerable"


@pytest.fixture
def repaired(repaired_layer: Layer, tmp_path: Path) -> Path:
    """A layout with the repaired application."""
    pack_layout(tmp_path / "repaired", [repaired_layer])
    return tmp_path / "repaired"


def digest_of(layout: Path, tag: str = "latest") -> str:
    """The digest that a tag has in a layout."""
    return str(OciLayout(layout).resolve(tag).digest)


def attached_to(layout: Path, subject: str | None = None) -> int:
    """How many statements lie beside an image in a layout."""
    return len(OciLayout(layout).referrers(Digest.parse(subject or digest_of(layout))))


def pack_index(
    path: Path, platforms: Mapping[str, Layer], *, attested: bool = False
) -> dict[str, str]:
    """Write an index of an image for each platform, as BuildKit does; digests by platform.

    The index itself is under the key `index`, with the tag `latest`.

    Args:
        path: The layout's folder.
        platforms: One layer for each `os/architecture`.
        attested: Whether each platform has an attestation manifest beside it.
    """
    children: list[dict[str, object]] = []
    digests = {}
    for name, layer in platforms.items():
        child = pack_platform(path, layer, name)
        children.append(child)
        digests[name] = str(child["digest"])
    if attested:
        children += [attestation_manifest(path, subject) for subject in digests.values()]
    digests["index"] = enter_index(path, children, "latest")
    return digests


def pack_platform(path: Path, layer: Layer, platform: str) -> dict[str, object]:
    """Write an image for a platform without giving it a tag, and describe it for an index."""
    os, architecture = platform.split("/")
    pack_layout(path, [layer], architecture=architecture)
    [entry] = json.loads((path / "index.json").read_bytes())["manifests"]
    (path / "index.json").unlink()
    described = {name: entry[name] for name in ("mediaType", "digest", "size")}
    return {**described, "platform": {"os": os, "architecture": architecture}}


def enter_index(path: Path, children: Sequence[Mapping[str, object]], tag: str) -> str:
    """Write an index of these children under a tag; its digest."""
    kind = f"{OCI}.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": list(children)}
    return enter(path, put(path, to_json(index), kind), tag)


def push(
    layout: Path,
    reference: Reference,
    tag: str = "1.0",
    *,
    options: RegistryOptions | None = None,
) -> str:
    """Copy the image of a layout into a registry under a tag; its digest."""
    source = OciLayout(layout)
    registry = RegistryRepository(reference, options or RegistryOptions())
    top = source.resolve("latest").digest
    _push(source, registry, top, tag)
    return str(top)


def serve(layout: Path, server: ScriptedServer) -> None:
    """Have a server offer everything that a layout holds, in the repository `app` with tag `1`."""
    for blob in (layout / "blobs" / "sha256").iterdir():
        answer = reply(200, blob.read_bytes(), kind=_media_type(blob))
        server.on("GET", f"/v2/app/manifests/sha256:{blob.name}", answer)
        server.on("GET", f"/v2/app/blobs/sha256:{blob.name}", answer)
    top = layout / "blobs" / digest_of(layout).replace(":", "/")
    answer = reply(200, top.read_bytes(), kind=_media_type(top))
    server.on("GET", "/v2/app/manifests/1", answer)


def serve_beside(layout: Path, server: ScriptedServer) -> None:
    """Have it list what lies beside that image, as registries do."""
    image = Digest.parse(digest_of(layout))
    listed = [
        {"mediaType": one.media_type, "digest": str(one.digest), "size": one.size}
        for one in OciLayout(layout).referrers(image)
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    answer = reply(200, json.dumps(index).encode(), kind=OCI_INDEX)
    server.on("GET", f"/v2/app/referrers/{image}", answer)


def _push(source: OciLayout, registry: RegistryRepository, name: Digest, tag: str | None) -> None:
    manifest = source.manifest(name)
    document = json.loads(manifest.raw)
    for child in document.get("manifests", []):
        _push(source, registry, Digest.parse(child["digest"]), None)
    for blob in (*document.get("layers", []), *filter(None, [document.get("config")])):
        descriptor = Descriptor(blob["mediaType"], Digest.parse(blob["digest"]), blob["size"])
        registry.put_blob(source.blob(descriptor, limit=1 << 30))
    registry.put_manifest(manifest.raw, manifest.media_type, tag=tag)


def attestation_manifest(
    path: Path, subject: str, *, builder: str = "https://ci.example/build/1"
) -> dict[str, object]:
    """BuildKit's attestation manifest for a platform of the same index (its documentation).

    Args:
        path: The layout's folder.
        subject: The platform's manifest.
        builder: Who says to have built; BuildKit writes "" where nobody told it.
    """
    statement = to_json(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": BUILD,
            "subject": [
                {
                    "name": "pkg:docker/shop@1.0?platform=linux%2Famd64",
                    "digest": {"sha256": subject.removeprefix("sha256:")},
                }
            ],
            "predicate": {
                "builder": {"id": builder},
                "buildType": "https://mobyproject.org/buildkit@v1",
            },
        }
    )
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "rootfs": {"type": "layers", "diff_ids": [digest(statement)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put(path, to_json(config), f"{OCI}.config.v1+json"),
        "layers": [
            {
                **put(path, statement, "application/vnd.in-toto+json"),
                "annotations": {"in-toto.io/predicate-type": BUILD},
            }
        ],
    }
    return {
        **put(path, to_json(manifest), f"{OCI}.manifest.v1+json"),
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        },
        "platform": {"os": "unknown", "architecture": "unknown"},
    }


def _application(state: str) -> Layer:
    requirements = Path(demo.__file__).with_name(f"{state}.txt")
    folder = cache_folder() / "wheels"
    with locked(folder):
        wanted = folder / f"{state}.txt"
        lines = requirements.read_text().splitlines(keepends=True)
        wanted.write_text("".join(line for line in lines if line.lower().startswith(_WHEELS)))
        wheels = download(wanted, folder / state)
    return pack_layer(python_application(wheels, "import jinja2, urllib3\n"))


def _media_type(blob: Path) -> str:
    data = blob.read_bytes()
    if not data.startswith(b"{"):
        return "application/octet-stream"
    return str(json.loads(data).get("mediaType", f"{OCI}.config.v1+json"))
