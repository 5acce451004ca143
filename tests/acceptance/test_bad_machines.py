"""Machines on which something is missing, full, read-only or of another version."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit.cli import PROGRAM, Desk
from tests.kit.limits import file_size_limit, reachable_folder
from tests.kit.shop import attached_to, digest_of
from tests.kit.vulndb import write_empty, write_stale

_NOBODY = 65534


@pytest.mark.parametrize("limit", [0, 4_000, 60_000, 150_000])
def test_a_full_disk(desk: Desk, repaired: Path, limit: int) -> None:
    """Files cannot grow, as on a full disk; whichever of them it is, that is told."""
    unmeasured = _unmeasured(desk)
    with desk.nothing_changes(repaired):
        with file_size_limit(limit):
            done = unmeasured.type("run", f"oci:{repaired}", "-e", "prod")
        done.refused(1, "try: ")
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)


def test_a_disk_that_is_really_full(desk: Desk, repaired: Path) -> None:
    """A file system of 300 kB for the data folder, where one may be mounted."""
    script = 'mount -t tmpfs -o size=300k tmpfs "$1" && shift && exec "$@"'
    small = desk.folder / "small"
    small.mkdir()
    mounted = ["unshare", "-Urm", "sh", "-c", script, "sh", str(small)]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*mounted, "true"], check=False).returncode
    ):
        pytest.skip("needs a kernel that lets this user mount a tmpfs of their own")

    run = [*mounted, str(PROGRAM), "run", f"oci:{repaired}", "-e", "prod", "--data-dir", str(small)]
    environ = _unmeasured(desk).environ | {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        run, cwd=desk.folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: " in done.stderr
    assert "try: " in done.stderr
    assert "Traceback" not in done.stderr
    assert attached_to(repaired) == 0


@pytest.fixture
def guarded_desk(desk: Desk) -> Iterator[Desk]:
    """A desk whose user may not write where others may: not root, who may write anywhere."""
    with reachable_folder() as folder:
        shutil.copytree(desk.folder, folder / "desk", symlinks=True)
        user = _NOBODY if os.geteuid() == 0 else None
        if user is not None:
            for path in (folder / "desk", *(folder / "desk").rglob("*")):
                os.chown(path, user, user, follow_symlinks=False)
        environ = {
            name: value.replace(str(desk.folder), str(folder / "desk"))
            for name, value in _unmeasured(desk).environ.items()
        }
        guarded = Desk(folder / "desk", environ, user)
        try:
            guarded.type("--version").ended(0)
        except PermissionError:
            pytest.skip("another user than root cannot reach this Python")
        yield guarded
        for path in (folder / "desk").rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


@pytest.mark.parametrize("what", ["data", "cache"])
def test_a_read_only_folder(guarded_desk: Desk, repaired: Path, what: str) -> None:
    desk = guarded_desk
    shutil.copytree(repaired, desk.folder / "image")
    closed = {"data": desk.data, "cache": desk.cache}[what]
    for path in (closed, *closed.rglob("*")):
        if path.is_dir():
            path.chmod(0o555)

    done = desk.type("run", "oci:image", "-e", "prod")
    done.refused(1, str(closed), "try: ")
    assert desk.rows() == {}
    assert attached_to(desk.folder / "image") == 0


def test_no_trivy(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        unset = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_TRIVY="")
    unset.refused(1, "Trivy is not installed", "try: install Trivy")
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", "--trivy", "/nowhere/trivy")
    done.refused(1, "Trivy cannot be read at /nowhere/trivy", "try: ")


def test_a_trivy_that_nobody_vouches_for_is_not_run(desk: Desk, repaired: Path) -> None:
    impostor = desk.folder / "trivy"
    impostor.write_text(f"#!/bin/sh\ntouch {desk.folder}/it-ran\n")
    impostor.chmod(0o755)

    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", "--trivy", impostor)
    done.refused(1, "is on no list of binaries that may run, and was not run", "trivy_sha256 = ")
    assert not (desk.folder / "it-ran").exists()


def test_a_trivy_named_by_a_file_of_the_project_is_not_run(desk: Desk, repaired: Path) -> None:
    (desk.folder / "supplychain.toml").write_text('trivy = "./trivy"\n')

    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod")
    done.refused(2, "supplychain.toml may not set trivy", "try: set SUPPLYCHAIN_TRIVY")


def test_no_database(desk: Desk, repaired: Path) -> None:
    shutil.rmtree(desk.data / "vulndb")

    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod")
    done.refused(1, "vulnerability database", "try: ", "supplychain vulndb pull")
    desk.type("vulndb", "status").refused(1, "supplychain vulndb pull")


def test_a_stale_database(desk: Desk, repaired: Path) -> None:
    with desk.nothing_changes(repaired):
        done = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_DB_MAX_AGE="30m")
    done.refused(1, "vulnerability database", "supplychain vulndb pull")

    status = desk.type("vulndb", "status", SUPPLYCHAIN_DB_MAX_AGE="30m").ended(1)
    assert "try: supplychain vulndb pull" in status.stderr
    write_stale(desk.folder / "old")
    desk.type("vulndb", "import", "old")
    stale = desk.type("run", f"oci:{repaired}", "-e", "prod", SUPPLYCHAIN_DB_MAX_AGE="30m")
    stale.refused(1, "supplychain vulndb pull")


def test_an_empty_database_does_not_replace_a_good_one(desk: Desk, repaired: Path) -> None:
    before = desk.type("vulndb", "status").ended(0).stdout.splitlines()[0]
    write_empty(desk.folder / "empty")

    desk.type("vulndb", "import", "empty").refused(1, "database")
    assert desk.type("vulndb", "status").ended(0).stdout.splitlines()[0] == before
    assert desk.leftovers() == []


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("9999", ("was made by a newer supplychain", "try: install that version or a later one")),
        ("0000", ("was made by an older supplychain", "try: type `supplychain db upgrade`")),
        ("abcd", ("has a schema that no supplychain made", "try: name another database")),
    ],
    ids=["newer", "older", "unknown"],
)
def test_a_record_of_another_version(
    desk: Desk, repaired: Path, version: str, words: tuple[str, str]
) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    _set_schema(desk, version)

    for command in (
        ("run", f"oci:{repaired}", "-e", "prod"),
        ("gate", digest_of(repaired), "-e", "prod"),
        ("images", "list"),
    ):
        with desk.nothing_changes(repaired):
            desk.type(*command).refused(1, *words)
    assert desk.type("db", "status").ended(1).stdout.splitlines()[1].startswith(f"schema {version}")
    assert desk.type("doctor").ended(1).stdout.count(words[0]) == 1


def test_a_record_that_is_no_database(desk: Desk, repaired: Path) -> None:
    desk.data.mkdir(parents=True, exist_ok=True)
    (desk.data / "supplychain.db").write_bytes(b"not a database " * 1000)

    for command in (("run", f"oci:{repaired}"), ("gate", digest_of(repaired))):
        desk.type(*command, "-e", "prod").refused(1, "supplychain.db")
    assert attached_to(repaired) == 0


def test_a_document_of_the_record_that_was_changed(desk: Desk, repaired: Path) -> None:
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    exported = desk.type("export", "sbom", digest_of(repaired)).ended(0).stdout
    (stored,) = (
        path
        for path in (desk.data / "content").rglob("*")
        if path.is_file() and path.read_bytes() == exported.encode()
    )
    stored.chmod(0o644)
    stored.write_bytes(exported.replace("jinja2", "ninja2").encode())

    export = ("export", "sbom", digest_of(repaired))
    desk.type(*export).refused(1, stored.name, "run the image again")
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    assert "jinja2" in desk.type(*export).ended(0).stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["config", "show"], ["--version"], ["doctor"]])
def test_a_full_standard_output_is_not_success(
    desk: Desk, command: list[str], unbuffered: str
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, *command],
            cwd=desk.folder,
            env=desk.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: the result cannot be written\n")


def test_a_closed_standard_output_is_not_success(desk: Desk, repaired: Path) -> None:
    """Nor is it trouble where the result goes into a file; and talk that nobody hears is none."""
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    gate = shlex.join([str(PROGRAM), "gate", f"oci:{repaired}", "-e", "prod"])
    run = shlex.join([str(PROGRAM), "run", f"oci:{repaired}", "-e", "prod"])
    for command, code, said in (
        (f"{gate} >&-", 1, "error: the result cannot be written"),
        (f"{gate} --output-file verdict >&-", 0, ""),
        (f"{gate} <&- >&- 2>&-", 1, ""),
        (f"{run} 2>&-", 0, ""),
        (f"{run} 2>/dev/full", 0, ""),
    ):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=desk.folder,
            env=desk.environ,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr.decode()[: len(said)]) == (code, said), command
    assert (desk.folder / "verdict").read_text().startswith("ALLOW")


def _unmeasured(desk: Desk) -> Desk:
    """The same desk, where neither measurements nor bytecode can be written."""
    kept = {k: v for k, v in desk.environ.items() if not k.startswith("COVERAGE_")}
    return replace(desk, environ=kept | {"PYTHONDONTWRITEBYTECODE": "1"})


def _set_schema(desk: Desk, version: str) -> None:
    with closing(sqlite3.connect(desk.data / "supplychain.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
