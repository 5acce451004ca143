"""Tiny images as OCI layouts, written by hand so that the scanner's tests need no other room."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform, Subject
from supplychain.scan.scanner import ScanTarget

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def write_image(
    folder: Path, *layers: Mapping[str, str | bytes], architecture: str = "amd64"
) -> ScanTarget:
    """One image of these layers (path to content) as an OCI layout in `folder`."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    tars = [_tar(files) for files in layers]
    diff_ids = tuple(Digest.of(tar) for tar in tars)
    config = {
        "architecture": architecture,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [str(d) for d in diff_ids]},
        "config": {},
    }
    config_blob = _blob(folder, json.dumps(config).encode(), _CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config_blob,
        "layers": [_blob(folder, gzip.compress(tar, mtime=0), _LAYER) for tar in tars],
    }
    image = _blob(folder, json.dumps(manifest).encode(), OCI_MANIFEST)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [image]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return ScanTarget(
        layout=folder,
        subject=Subject("example.org/app", Digest.parse(str(image["digest"]))),
        platform=Platform("linux", architecture),
        config_digest=Digest.parse(str(config_blob["digest"])),
        diff_ids=diff_ids,
    )


def _blob(folder: Path, data: bytes, media_type: str) -> dict[str, str | int]:
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _tar(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in sorted(files.items()):
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def python_package(name: str, version: str) -> dict[str, str]:
    """The files by which a scanner knows an installed wheel."""
    folder = f"usr/lib/python3/site-packages/{name}-{version}.dist-info"
    return {
        f"{folder}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: BSD-3-Clause\n"
        )
    }


def node_package(name: str, version: str, under: str = "app") -> dict[str, str]:
    """The file by which a scanner knows an installed npm package."""
    document = json.dumps({"name": name, "version": version, "license": "MIT"})
    return {f"{under}/node_modules/{name}/package.json": document}


def debian(release: str = "12.5", **packages: str) -> dict[str, str]:
    """A Debian system's own account of itself: its release and its dpkg status."""
    status = "".join(
        f"Package: {name.replace('_', '-')}\nStatus: install ok installed\n"
        f"Maintainer: Debian <packages@example.org>\nArchitecture: amd64\nVersion: {version}\n\n"
        for name, version in packages.items()
    )
    return {
        "etc/os-release": f'ID=debian\nVERSION_ID="{release.partition(".")[0]}"\n',
        "etc/debian_version": f"{release}\n",
        "var/lib/dpkg/status": status,
    }


def alpine(release: str = "3.20.3", **packages: str) -> dict[str, str]:
    """An Alpine system's own account of itself: its release and its apk database."""
    installed = "".join(
        f"C:Q1p78yvTLG094tHE1+dToJGbmYzQE=\nP:{name.replace('_', '-')}\nV:{version}\nA:x86_64\n"
        f"o:{name.replace('_', '-')}\nL:MIT\n\n"
        for name, version in packages.items()
    )
    return {"etc/alpine-release": f"{release}\n", "lib/apk/db/installed": installed}
