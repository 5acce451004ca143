"""Packs genuine container images as OCI layouts, without Docker and always into the same bytes.

For the demo, and for tests that need an image with something particular in it. It shares no code
with the product, which therefore can be judged by it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OCI = "application/vnd.oci.image"
SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
_SITE_PACKAGES = "usr/lib/python3/site-packages"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer.

    Attributes:
        path: Where, without a leading slash.
        data: Content of a file, or the file to take it from.
        mode: Permission bits.
        kind: Its type, as `tarfile` names them.
        target: Where a link leads.
    """

    path: str
    data: bytes | Path = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    target: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """A packed layer: its bytes as they are stored, and the digest of what they unpack to."""

    data: bytes
    diff_id: str
    compression: str


def tree(folder: Path, prefix: str = "") -> Iterator[Entry]:
    """Everything in a folder, as it lies there, links included."""
    first: dict[int, str] = {}
    for path in sorted(folder.rglob("*")):
        name = prefix + path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode & 0o7777
        if path.is_symlink():
            yield Entry(name, b"", 0o777, tarfile.SYMTYPE, str(path.readlink()))
        elif path.is_dir():
            yield Entry(name, b"", mode, tarfile.DIRTYPE)
        elif (inode := path.stat().st_ino) in first:
            yield Entry(name, b"", mode, tarfile.LNKTYPE, first[inode])
        else:
            first[inode] = name
            yield Entry(name, path, mode)


def python_application(wheels: Iterable[Path], script: str) -> Iterator[Entry]:
    """A Python application: the content of wheels, installed, and a script that uses it."""
    yield Entry("app/main.py", script.encode(), 0o755)
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in sorted(archive.namelist()):
                if not member.endswith("/"):
                    yield Entry(f"{_SITE_PACKAGES}/{member}", archive.read(member))


def download(requirements: Path, folder: Path) -> list[Path]:
    """The wheels that a hash-pinned requirements file names, fetched by pip where need be."""
    marker = folder / "requirements.txt"
    if not marker.exists() or marker.read_bytes() != requirements.read_bytes():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(folder)]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run([*pip, *options, "--requirement", str(requirements)], check=True)
        marker.write_bytes(requirements.read_bytes())
    return sorted(folder.glob("*.whl"))


def pack_tar(entries: Iterable[Entry]) -> bytes:
    """A tar archive of these entries, the same for the same entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            data = entry.data.read_bytes() if isinstance(entry.data, Path) else entry.data
            info = tarfile.TarInfo(entry.path)
            info.size, info.mode, info.mtime = len(data), entry.mode, 0
            info.type, info.linkname = entry.kind, entry.target
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def pack_layer(entries: Iterable[Entry], compression: str = "gzip", level: int = 6) -> Layer:
    """A layer of these entries; compression is `gzip`, `zstd` or `none`."""
    plain = pack_tar(entries)
    return Layer(compress(plain, compression, level), digest(plain), compression)


def compress(data: bytes, compression: str, level: int = 6) -> bytes:
    """Compress, the same for the same bytes."""
    if compression == "gzip":
        return gzip.compress(data, level, mtime=0)
    if compression == "none":
        return data
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data, level)


def pack_layout(
    path: Path,
    layers: Sequence[Layer],
    *,
    config: Mapping[str, object] | None = None,
    tag: str = "latest",
    architecture: str = "amd64",
) -> str:
    """Write an image into an OCI layout, beside what it holds; the manifest's digest.

    Args:
        path: The layout's folder, which need not exist.
        layers: The layers, lowest first.
        config: What a container of it runs with: `Env`, `Cmd` …
        tag: Its tag in the layout.
        architecture: What it runs on, with Linux.
    """
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put(path, to_json(document), f"{OCI}.config.v1+json"),
        "layers": [
            put(path, layer.data, f"{OCI}.layer.v1.tar{SUFFIX[layer.compression]}")
            for layer in layers
        ],
    }
    return enter(path, put(path, to_json(manifest), f"{OCI}.manifest.v1+json"), tag)


def put(path: Path, data: bytes, media_type: str) -> dict[str, object]:
    """Store a blob in a layout; its descriptor."""
    name = digest(data)
    blob = path / "blobs" / name.replace(":", "/")
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    return {"mediaType": media_type, "digest": name, "size": len(data)}


def enter(path: Path, descriptor: Mapping[str, object], tag: str) -> str:
    """List a manifest in a layout's index.json under a tag; its digest."""
    index = path / "index.json"
    listed = json.loads(index.read_bytes())["manifests"] if index.exists() else []
    key = "org.opencontainers.image.ref.name"
    others = [entry for entry in listed if entry.get("annotations", {}).get(key) != tag]
    entries = [*others, {**descriptor, "annotations": {key: tag}}]
    index.write_bytes(to_json({"schemaVersion": 2, "manifests": entries}))
    (path / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    return str(descriptor["digest"])


def flip_byte(path: Path, layer: int = 0, tag: str = "latest") -> Path:
    """Change one byte in the middle of a layer's blob; the file that was changed."""
    entries = json.loads((path / "index.json").read_bytes())["manifests"]
    key = "org.opencontainers.image.ref.name"
    named = next(e["digest"] for e in entries if e.get("annotations", {}).get(key) == tag)
    manifest = json.loads((path / "blobs" / named.replace(":", "/")).read_bytes())
    blob: Path = path / "blobs" / manifest["layers"][layer]["digest"].replace(":", "/")
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    # A new file: the old one may have other names, elsewhere.
    blob.unlink()
    blob.write_bytes(data)
    return blob


def digest(data: bytes) -> str:
    """`sha256:<hex>` of these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def to_json(document: object) -> bytes:
    """Compact JSON, the same for the same document."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
