"""Where measuring happens: a registry with one image, a key, a database, a policy, and the tools.

Everything is set up through the product's own commands, in a home folder of its own; what it
shares with the checkout is what it fetched: Debian packages, the registry, the tools.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.advisories import with_findings
from benchmarks.timing import Process
from demo.vulndb import write_database
from supplychain.images.reference import Reference
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_MANIFEST
from tests.kit.debian import debian_packages
from tests.kit.images import LARGE_DEBIAN, debian_layout
from tests.kit.registry import RunningRegistry, running_registry

# With the demonstration's own advisories, about 80.
FINDINGS = 60
# What a fixture raises where something cannot be had, outside a test too.
Unavailable = pytest.skip.Exception

_BIN = Path(sys.prefix) / "bin"
SUPPLYCHAIN = _BIN / "supplychain"
_POLICY = """\
schemaVersion: 1
environment: prod
rules:
  - signature: {keys: [bench.pub]}
  - sbom: {keys: [bench.pub]}
  - freshness: {scan: 24h, database: 7d}
  - vulnerabilities: {severity: critical}
  - vulnerabilities: {severity: high, fixable: true, grace: 7d}
"""
# A denial is an answer like any other.
_ANSWERED = frozenset({0, 10})


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder in which everything is ready.

    Attributes:
        folder: The folder.
        registry: The registry, which holds the image.
        image: The image, `registry/repository@digest`.
        digest: Its digest.
    """

    folder: Path
    registry: RunningRegistry
    image: str
    digest: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processes get beside the clean environment."""
        return {
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": os.pathsep.join([str(_BIN), os.environ["PATH"]]),
            "SUPPLYCHAIN_DATA_DIR": str(self.folder / "data"),
            "SUPPLYCHAIN_CACHE_DIR": str(self.folder / "cache"),
            "SUPPLYCHAIN_POLICIES": str(self.folder),
            "SUPPLYCHAIN_KEY": str(self.folder / "bench.key"),
            "COSIGN_PASSWORD": "measured",
        }

    def process(self, *arguments: str | Path, accepted: frozenset[int] = _ANSWERED) -> Process:
        """A program that runs here."""
        return Process(arguments, self.folder, self.environment, accepted)

    def supplychain(self, *arguments: str | Path) -> Process:
        """A command of ours."""
        return self.process(SUPPLYCHAIN, *arguments)

    def reset_registry(self) -> None:
        """Take away everything that was signed: signatures pile up and slow everybody down."""
        _mirror(self.folder / "storage", self.registry.storage)

    def reset_record(self) -> None:
        """Forget every image, but keep the databases."""
        for name in ("supplychain.db", "supplychain.db-wal", "supplychain.db-shm"):
            (self.folder / "data" / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "data" / "content", ignore_errors=True)
        shutil.copyfile(self.folder / "empty.db", self.folder / "data" / "supplychain.db")

    def reset_caches(self) -> None:
        """Forget every layer, but not what the tool and its database hash to."""
        for name in ("blobs", "facts", "trivy", "work"):
            shutil.rmtree(self.folder / "cache" / name, ignore_errors=True)


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """A scene, gone afterwards.

    Raises:
        Unavailable: Something that it needs cannot be had on this machine.
    """
    packages = debian_packages(LARGE_DEBIAN)
    layout = debian_layout(LARGE_DEBIAN)
    if not (_BIN / "trivy").exists() and shutil.which("trivy") is None:
        pytest.skip("no Trivy")
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        running_registry(Path(name) / "registry") as registry,
    ):
        folder = Path(name)
        image, digest = push(layout, Reference(registry.address, "bench/debian"))
        made = Scene(folder, registry, image, digest)
        _furnish(made)
        database = write_database(
            folder / "db", with_findings(packages, FINDINGS), datetime.now(UTC)
        )
        made.supplychain("vulndb", "import", database)()
        yield made


def _furnish(made: Scene) -> None:
    folder = made.folder
    (folder / "tmp").mkdir()
    _mirror(made.registry.storage, folder / "storage")
    made.supplychain("keys", "generate", "--output-key-prefix", folder / "bench")()
    (folder / "prod.yaml").write_text(_POLICY)
    made.supplychain("db", "upgrade")()
    shutil.copyfile(folder / "data" / "supplychain.db", folder / "empty.db")


def push(layout: Path, to: Reference) -> tuple[str, str]:
    """Copy the one image of a layout into a registry; its name with digest, and its digest."""
    entry = json.loads((layout / "index.json").read_bytes())["manifests"][0]
    raw = _blob(layout, entry["digest"])
    manifest = json.loads(raw)
    repository = RegistryRepository(to)
    for descriptor in (manifest["config"], *manifest["layers"]):
        repository.put_blob(_blob(layout, descriptor["digest"]))
    repository.put_manifest(raw, OCI_MANIFEST, tag="latest")
    repository.close()
    return f"{repository.name}@{entry['digest']}", entry["digest"]


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def _mirror(source: Path, target: Path) -> None:
    """Make one folder like another; the files, which nobody changes in place, are shared."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)
