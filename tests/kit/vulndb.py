"""Vulnerability databases: the sample that the demonstration writes, and broken ones."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.vulndb import load_advisories, write_bbolt, write_database
from supplychain.model.artifact import OCI_MANIFEST, ArtifactStore
from supplychain.model.digest import Digest
from supplychain.scan.database import DatabaseStore
from supplychain.scan.kinds import kinds
from supplychain.scan.scanner import DatabaseGeneration
from supplychain.scan.trivy import Trivy


def now() -> datetime:
    """The time now: Trivy itself has no other clock."""
    return datetime.now(UTC)


def write_sample(folder: Path, *, age: timedelta = timedelta(hours=1)) -> Path:
    """The sample database, of this age."""
    return write_database(folder, load_advisories(), now() - age)


def write_stale(folder: Path) -> Path:
    """The sample, a year old."""
    return write_sample(folder, age=timedelta(days=365))


def write_empty(folder: Path) -> Path:
    """A valid bbolt file without a bucket."""
    return _with_database(folder, write_bbolt({}))


def write_garbage(folder: Path) -> Path:
    """A file that is no database."""
    return _with_database(folder, b"not a database " * 2000)


def write_truncated(folder: Path) -> Path:
    """The first half of the sample."""
    whole = (write_sample(folder) / "trivy.db").read_bytes()
    return _with_database(folder, whole[: len(whole) // 2])


def write_other_schema(folder: Path, version: int = 3) -> Path:
    """The sample, claiming another schema."""
    return _with_metadata(write_sample(folder), Version=version)


def write_future(folder: Path) -> Path:
    """The sample, built tomorrow."""
    return write_sample(folder, age=timedelta(days=-1))


def write_without(folder: Path, *names: str) -> Path:
    """The sample without some of its kinds: `debian 12`, `pip` …"""
    document = load_advisories()
    left = [a for a in document["advisories"] if a["bucket"].partition("::")[0] not in names]
    return write_database(folder, {**document, "advisories": left}, now() - timedelta(hours=1))


def write_deaf(folder: Path, name: str = "pip") -> Path:
    """The sample, with a bucket for a kind that knows only something nobody has."""
    document = load_advisories()
    kept = [a for a in document["advisories"] if a["bucket"].partition("::")[0] != name]
    bucket = next(a["bucket"] for a in document["advisories"] if a["bucket"].startswith(name))
    harmless = advisory("CVE-2099-0001", bucket, "no-such-package", ["<1"], ["1"])
    return write_database(
        folder, {**document, "advisories": [*kept, harmless]}, now() - timedelta(hours=1)
    )


def write_every_kind(folder: Path) -> Path:
    """A database that knows just what the canaries ask for, of every kind that has its shape."""
    advisories: list[dict[str, Any]] = []
    for kind in kinds():
        name = kind.purl.partition("@")[0].removeprefix("pkg:")
        path = name.split("/", 1)[1]
        if kind.family in {"debian", "ubuntu", "alpine", "amazon", "wolfi", "chainguard"}:
            package = path.rpartition("/")[2]
            advisories.append(
                {**advisory(kind.expect[0], kind.bucket, package, [], []), "fixed": "99.0"}
            )
        elif not kind.family:
            package = path.replace("/", ":") if kind.name == "maven" else path
            bucket = f"{kind.bucket}Test Advisories"
            package = package.lower() if kind.name == "nuget" else package
            advisories.append(advisory(kind.expect[0], bucket, package, ["<99"], ["99"]))
    return write_database(folder, _document(advisories), now() - timedelta(hours=1))


def write_many(folder: Path, packages: Iterable[str]) -> Path:
    """A database with one npm advisory for each of these packages, all below version 2."""
    made = [
        advisory(_identifier(n), "npm::Many", name, ["<2"], ["2"])
        for n, name in enumerate(packages)
    ]
    return write_database(folder, _document(made), now() - timedelta(hours=1))


def write_java_database(folder: Path) -> Path:
    """A Java database without an entry, in Trivy's own schema 1."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "trivy-java.db")) as database:
        database.execute("CREATE TABLE artifacts (id INTEGER, group_id TEXT, artifact_id TEXT)")
        database.execute(
            "CREATE TABLE indices (artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)"
        )
        database.commit()
    stamp = now().isoformat()
    document = {"Version": 1, "UpdatedAt": stamp, "NextUpdate": stamp, "DownloadedAt": stamp}
    (folder / "metadata.json").write_text(json.dumps(document))
    return folder


def publish(folder: Path, store: ArtifactStore, tag: str = "2") -> Digest:
    """Put a database into a registry as Trivy's makers do; the digest of its manifest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("trivy.db", "metadata.json"):
            archive.add(folder / name, name)
    config, layer = b"{}", buffer.getvalue()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(store, config, "application/vnd.aquasec.trivy.config.v1+json"),
        "layers": [
            {
                **_descriptor(store, layer, "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"),
                "annotations": {"org.opencontainers.image.title": "db.tar.gz"},
            }
        ],
    }
    return store.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST, tag=tag)


def _descriptor(store: ArtifactStore, data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(store.put_blob(data)), "size": len(data)}


def advisory(
    identifier: str, bucket: str, package: str, vulnerable: list[str], patched: list[str]
) -> dict[str, Any]:
    """One advisory as `demo/advisories.json` has them."""
    return {
        "id": identifier,
        "bucket": bucket,
        "package": package,
        "vulnerable": vulnerable,
        "patched": patched,
        "severity": "HIGH",
        "rated_by": "nvd",
        "title": f"something is wrong with {package}",
        "source": f"https://advisories.example/{identifier}",
    }


def _identifier(number: int) -> str:
    return f"CVE-2099-{number:06d}"


def _document(advisories: list[dict[str, Any]]) -> Mapping[str, Any]:
    names = sorted({a["bucket"] for a in advisories})
    sources = {name: {"ID": "test", "Name": "Test", "URL": "https://t.example"} for name in names}
    return {"sources": sources, "advisories": advisories}


def _with_database(folder: Path, data: bytes) -> Path:
    write_sample(folder)
    (folder / "trivy.db").write_bytes(data)
    return folder


def _with_metadata(folder: Path, **fields: Any) -> Path:
    path = folder / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


@pytest.fixture(scope="session")
def database_store(tmp_path_factory: pytest.TempPathFactory, trivy: Trivy) -> DatabaseStore:
    """A store with the sample in force; tests that change it make their own."""
    folder = tmp_path_factory.mktemp("vulndb")
    store = DatabaseStore(folder / "store")
    store.import_database(write_sample(folder / "sample"), trivy=trivy, at=now())
    return store


@pytest.fixture(scope="session")
def sample_database(database_store: DatabaseStore) -> DatabaseGeneration:
    """The sample database, imported."""
    return database_store.current()
