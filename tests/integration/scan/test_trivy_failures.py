"""Every row of the table of failures that the real Trivy can be made to write."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest

from supplychain.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    RegistryError,
    StoreError,
    SupplyChainError,
    ToolError,
    ToolTimeoutError,
    VerificationError,
    VulnerabilityDatabaseError,
)
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.scan.failures import failure
from supplychain.scan.process import Command, run
from supplychain.scan.scanner import DatabaseGeneration
from supplychain.scan.trivy import Trivy
from tests.kit.registry import RunningRegistry
from tests.kit.scanlayout import python_package, write_image
from tests.kit.vulndb import (
    write_garbage,
    write_other_schema,
    write_sample,
    write_truncated,
)

_QUIET = ("--scanners", "vuln", "--skip-check-update")
_INPUT = ("image", "--input", "image", *_QUIET)


class Bench:
    """A cache, an image and a way to run Trivy on them."""

    def __init__(self, trivy: Trivy, folder: Path, database: Path) -> None:
        self.trivy = trivy
        self.folder = folder
        self.cache = folder / "cache"
        self.cache.mkdir()
        (self.cache / "db").symlink_to(database)
        self.image = write_image(folder / "image", python_package("Django", "2.2")).layout

    def fails(self, *arguments: str, source: Path | None = None) -> SupplyChainError:
        workspace = self.folder / "run"
        workspace.mkdir()
        with pytest.raises(SupplyChainError) as caught:
            self.trivy.report(arguments or _INPUT, source or self.image, self.cache, workspace)
        return caught.value

    def use(self, write: Callable[[Path], Path]) -> Path:
        """Put another database in the place of the good one."""
        folder = write(self.folder / "database")
        (self.cache / "db").unlink()
        (self.cache / "db").symlink_to(folder)
        return folder

    def layer(self) -> Path:
        blobs = (self.image / "blobs" / "sha256").iterdir()
        return next(blob for blob in blobs if blob.read_bytes()[:2] == b"\x1f\x8b")


@pytest.fixture
def bench(trivy: Trivy, tmp_path: Path, sample_database: DatabaseGeneration) -> Bench:
    return Bench(trivy, tmp_path, sample_database.path)


def test_the_bench_works(bench: Bench) -> None:
    (bench.folder / "run").mkdir()
    assert b"CVE-2019-14234" in bench.trivy.report(
        _INPUT, bench.image, bench.cache, bench.folder / "run"
    )


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (write_garbage, "damaged"),
        (write_truncated, "damaged"),
        (lambda folder: write_other_schema(folder, 1), "schema"),
        (lambda folder: write_other_schema(folder, 3), "schema"),
    ],
    ids=["garbage", "truncated", "old schema", "new schema"],
)
def test_databases_that_are_none(bench: Bench, write: Callable[[Path], Path], says: str) -> None:
    bench.use(write)
    error = bench.fails()
    assert type(error) is VulnerabilityDatabaseError
    assert says in str(error)
    assert "supplychain vulndb pull" in str(error.hint)


def test_an_empty_database_file(bench: Bench) -> None:
    (bench.use(write_sample) / "trivy.db").write_bytes(b"")
    assert type(bench.fails()) is VulnerabilityDatabaseError


@pytest.mark.parametrize("name", ["trivy.db", "metadata.json"])
def test_half_a_database(bench: Bench, name: str) -> None:
    (bench.use(write_sample) / name).unlink()
    error = bench.fails()
    assert type(error) is VulnerabilityDatabaseError
    assert "no usable" in str(error)


def test_a_scan_out_of_time(bench: Bench) -> None:
    bench.trivy = replace(bench.trivy, timeout=timedelta(microseconds=1), grace=30.0)
    error = bench.fails()
    assert type(error) is ToolTimeoutError
    assert "--timeout" in str(error.hint)


def test_a_locked_database_hangs_trivy_beyond_its_own_limit_but_not_beyond_ours(
    bench: Bench,
) -> None:
    database = bench.use(write_sample)
    with (database / "trivy.db").open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        bench.trivy = replace(bench.trivy, timeout=timedelta(seconds=1), grace=0.5)
        error = bench.fails()
    assert type(error) is ToolTimeoutError
    assert "was ended" in str(error)


def test_a_cache_in_use(bench: Bench) -> None:
    (bench.cache / "fanal").mkdir()
    with (bench.cache / "fanal" / "fanal.db").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        error = bench.fails()
    assert type(error) is ToolError
    assert error.retryable


def test_a_damaged_cache(bench: Bench) -> None:
    (bench.cache / "fanal").mkdir()
    (bench.cache / "fanal" / "fanal.db").write_bytes(b"x" * 9000)
    error = bench.fails()
    assert "cache is damaged" in str(error)


def test_a_full_disk(bench: Bench) -> None:
    """`/dev/full` is a disk that is always full."""
    with bench.trivy.binary.opened() as executable:
        completed = run(
            Command(
                (
                    "trivy",
                    *_INPUT,
                    "-f",
                    "json",
                    "-o",
                    "/dev/full",
                    "--skip-db-update",
                    "--offline-scan",
                    "--cache-dir",
                    str(bench.cache),
                ),
                executable,
                bench.folder,
                {"HOME": str(bench.folder)},
            ),
            timeout=60,
            grace=5,
        )
    assert completed.status == 1
    error = failure(completed)
    assert type(error) is StoreError
    assert "disk is full" in str(error)


def test_a_layer_that_does_not_unpack(bench: Bench) -> None:
    layer = bench.layer()
    data = bytearray(gzip.compress(os.urandom(200_000)))
    data[100_000:100_100] = b"\xff" * 100
    layer.write_bytes(data)
    assert type(bench.fails()) in {VerificationError, InputError}


def test_a_layer_that_is_gone(bench: Bench) -> None:
    bench.layer().unlink()
    error = bench.fails()
    assert type(error) is ToolError
    assert error.retryable


@pytest.mark.parametrize("data", [b"", b"hello" * 1000], ids=["empty", "text"])
def test_an_archive_that_is_none(bench: Bench, data: bytes) -> None:
    (bench.folder / "image.tar").write_bytes(data)
    error = bench.fails(source=bench.folder / "image.tar")
    assert type(error) is InputError
    assert "do not make an image" in str(error)


def test_a_layout_without_its_index(bench: Bench) -> None:
    (bench.image / "index.json").unlink()
    assert type(bench.fails()) is InputError


def test_java_without_a_java_database(bench: Bench) -> None:
    jar = BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    shutil.rmtree(bench.image)
    write_image(bench.image, {"app/app.jar": jar.getvalue()})
    error = bench.fails()
    assert type(error) is VulnerabilityDatabaseError
    assert "Java" in str(error)


def test_of_a_layout_the_platform_is_ignored_so_a_target_holds_one_image(bench: Bench) -> None:
    index = bench.image / "index.json"
    document = json.loads(index.read_text())
    document["manifests"][0]["platform"] = {"os": "linux", "architecture": "s390x"}
    index.write_text(json.dumps(document))
    (bench.folder / "run").mkdir()
    report = bench.trivy.report(_INPUT, bench.image, bench.cache, bench.folder / "run")
    assert json.loads(report)["Metadata"]["ImageConfig"]["architecture"] == "amd64"


def remote(reference: str) -> tuple[str, ...]:
    return ("image", "--image-src", "remote", *_QUIET, reference)


def test_a_registry_that_is_down(bench: Bench) -> None:
    error = bench.fails(*remote("127.0.0.1:1/app:1"))
    assert type(error) is RegistryError
    assert error.retryable


def test_a_reference_that_is_none(bench: Bench) -> None:
    assert type(bench.fails(*remote("UPPER:::x"))) is InputError


def test_a_docker_daemon_that_is_not_there(bench: Bench) -> None:
    socket = ("--docker-host", "unix:///nonexistent.sock")
    error = bench.fails("image", "--image-src", "docker", *socket, *_QUIET, "app:1")
    assert type(error) is ToolError
    assert error.retryable


def test_what_no_row_knows(bench: Bench) -> None:
    error = bench.fails("image", "--no-such-option")
    assert type(error) is ToolError
    assert "unknown flag: --no-such-option" in str(error.because)


def test_an_image_that_a_registry_does_not_have(
    bench: Bench, debian_registry: RunningRegistry
) -> None:
    error = bench.fails(*remote(f"{debian_registry.address}/no/such:tag"))
    assert type(error) is NotFoundError


def test_a_registry_that_wants_a_login(
    bench: Bench, debian_registry_with_login: RunningRegistry
) -> None:
    error = bench.fails(*remote(f"{debian_registry_with_login.address}/app:1"))
    assert type(error) is AuthenticationError
    assert not error.retryable


class _OneIndex(BaseHTTPRequestHandler):
    """A registry that has nothing but one index of an image for a machine that nobody has."""

    def do_GET(self) -> None:
        platform = {"os": "plan9", "architecture": "mips"}
        digest = str(Digest.of(b"child"))
        child = {"mediaType": OCI_MANIFEST, "digest": digest, "size": 5, "platform": platform}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}
        body = json.dumps(index).encode() if "/manifests/" in self.path else b"{}"
        self.send_response(200)
        self.send_header("Content-Type", OCI_INDEX)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


def test_a_platform_that_an_index_does_not_have(bench: Bench) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _OneIndex) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        error = bench.fails(*remote(f"127.0.0.1:{server.server_port}/app:1"))
        server.shutdown()
    assert type(error) is NotFoundError, error.because
    assert "platform" in str(error)
