"""The real `supplychain`, typed at a desk of one's own as a user types it.

A desk has a home folder of its own, in which data, cache and settings are where the platform puts
them; a key, a policy for `prod`, and the sample vulnerability database, imported.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from supplychain.scan.binary import TrivyBinary
from tests.kit import forks
from tests.kit.vulndb import write_sample

T = TypeVar("T")

PASSWORD = "correct horse"
_TIMEOUT = 120.0
# Whose the record is, and what somebody works on, or worked, is no part of what is on record.
_NO_EVIDENCE = {
    "alembic_version",
    "audit_heads",
    "organisations",
    "projects",
    "schema_compatibility",
    "work",
}
PROGRAM = Path(sys.executable).with_name("supplychain")
# What the policy of a new desk demands.
RULES = (
    "signature: {keys: [../release.pub]}",
    "sbom: {keys: [../release.pub]}",
    "freshness: {scan: 24h, database: 7d}",
    "vulnerabilities: {severity: high}",
)


_SPAN = re.compile(r"\b\d+ (?:s|min|h|d)(?: \d+ (?:s|min|h))*\b")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The result as data; the only thing on stdout, and under a version."""
        document = json.loads(self.stdout)
        assert document["schemaVersion"] == 1
        return document

    @property
    def ageless(self) -> str:
        """What it wrote to stdout, whatever time it took until then: `5 s ago` as any while."""
        return _SPAN.sub("a while", self.stdout)

    def ended(self, code: int) -> Outcome:
        """The outcome, which has to have this exit code."""
        assert self.code == code, f"exit code {self.code}\n{self.stdout}\n{self.stderr}"
        return self

    def refused(self, code: int, *words: str) -> None:
        """Demand a failure as users are told of one: what, why or what to do, and no result."""
        self.ended(code)
        assert self.stdout == ""
        assert "Traceback" not in self.stderr
        talk = self.stderr.splitlines()
        starts = [line.partition(" ")[0] for line in talk]
        assert starts.count("error:") == 1, self.stderr
        assert {"because:", "try:"} & set(starts), self.stderr
        for word in words:
            assert word in self.stderr, f"{word!r} is not in:\n{self.stderr}"


@dataclass(frozen=True, slots=True)
class Desk:
    """A place from which to type commands; see the module.

    Attributes:
        folder: Everything is in it; the working directory.
        environ: The environment of every command.
        user: Who types, by number; None for whoever runs the tests.
    """

    folder: Path
    environ: dict[str, str]
    user: int | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "supplychain"

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "supplychain"

    @property
    def key(self) -> Path:
        return self.folder / "release.key"

    @property
    def public_key(self) -> Path:
        return self.folder / "release.pub"

    def type(self, *arguments: str | Path, **environ: str) -> Outcome:
        """Type `supplychain` and these arguments, and wait; variables in capitals go beside."""
        variables = self.environ | environ
        if self.user is None and forks.takes(variables):
            command = [str(PROGRAM), *map(str, arguments)]
            code, stdout, stderr = forks.run(command, self.folder, variables, _TIMEOUT)
            return Outcome(code, stdout.decode(), stderr.decode())
        with self.typing(*arguments, **environ) as process:
            stdout, stderr = process.communicate(timeout=_TIMEOUT)
        return Outcome(process.returncode, stdout.decode(), stderr.decode())

    @contextmanager
    def typing(self, *arguments: str | Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        """Type a command and watch it; it does not outlive the context."""
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            user=self.user,
        )
        try:
            with process:
                yield process
        finally:
            if process.poll() is None:
                process.kill()

    def policy(self, *rules: str, environment: str = "prod", platforms: str = "") -> Path:
        """Write the policy of an environment; that of a new desk, where no rule is given."""
        lines = ["schemaVersion: 1", f"environment: {environment}", "rules:"]
        lines += [f"  - {rule}" for rule in rules or RULES]
        if platforms:
            lines.append(f"platforms: [{platforms}]")
        path = self.folder / "policies" / f"{environment}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def recorded(self) -> list[str]:
        """The digests that `images list` shows."""
        found = self.type("images", "list", "--output", "json").ended(0).json()
        return [image["digest"] for image in found["images"]]

    def rows(self) -> dict[str, int]:
        """How many rows each table of the record has; {} where there is none, or it is empty."""
        file = self.data / "supplychain.db"
        if not file.exists():
            return {}
        with closing(sqlite3.connect(file)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            counts = {
                name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
                for (name,) in names.fetchall()
                if name not in _NO_EVIDENCE
            }
        return {name: count for name, count in counts.items() if count}

    def leftovers(self) -> list[str]:
        """Files and folders of work that has ended, which should not be there."""
        work, temporary = self.cache / "work", Path(self.environ["TMPDIR"])
        return sorted(str(path) for folder in (work, temporary) for path in folder.glob("*"))

    @contextmanager
    def nothing_changes(self, *beside: Path) -> Iterator[None]:
        """Demand that neither the record nor what lies beside images is touched by what is done.

        Args:
            beside: Layouts and registries' storage folders.
        """
        before = self.rows(), [_files(folder) for folder in beside]
        yield
        assert (self.rows(), [_files(folder) for folder in beside]) == before
        assert self.leftovers() == []

    def scanners(self) -> list[int]:
        """The scanners that run for a command of this desk, by process ID."""
        return [
            int(process.name)
            for process in Path("/proc").iterdir()
            if process.name.isdigit() and _scans_below(process, self.folder)
        ]


def until(condition: Callable[[], T], timeout: float = _TIMEOUT) -> T:
    """What a condition says as soon as it is something."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.002)
    raise AssertionError("what was waited for did not happen")


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory, trivy_binary: TrivyBinary) -> Desk:
    """A desk to be copied; what is slow to prepare is done once."""
    desk = _furnished(tmp_path_factory.mktemp("desk"))
    desk.environ["SUPPLYCHAIN_TRIVY"] = str(trivy_binary.path)
    desk.type("keys", "generate", "--output-key-prefix", "release").ended(0)
    write_sample(desk.folder / "vulndb")
    desk.type("vulndb", "import", "vulndb").ended(0)
    desk.policy()
    return desk


@pytest.fixture
def desk(desk_template: Desk, tmp_path: Path) -> Desk:
    """A desk of one's own, ready for `run`."""
    shutil.copytree(desk_template.folder, tmp_path / "desk", symlinks=True)
    copy = _furnished(tmp_path / "desk")
    copy.environ["SUPPLYCHAIN_TRIVY"] = desk_template.environ["SUPPLYCHAIN_TRIVY"]
    return copy


@pytest.fixture
def bare_desk(tmp_path: Path) -> Desk:
    """A desk on a machine where nobody has prepared anything: no key, policy, Trivy, database."""
    desk = _furnished(tmp_path / "desk")
    return Desk(desk.folder, {k: v for k, v in desk.environ.items() if "SUPPLYCHAIN" not in k})


def _furnished(folder: Path) -> Desk:
    for name in ("home", "tmp", "policies"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    environ = {
        "PATH": os.defpath,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "SUPPLYCHAIN_KEY": str(folder / "release.key"),
        "SUPPLYCHAIN_KEY_PASSWORD": PASSWORD,
    }
    return Desk(folder, environ | _measured())


def _measured() -> dict[str, str]:
    """What a child needs so that its branches count too, where they are counted."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


def _files(folder: Path) -> dict[str, bytes | None]:
    """Small files by content, large ones by being there."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.stat().st_size < 65536 else None
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _scans_below(process: Path, folder: Path) -> bool:
    try:
        named = (process / "cmdline").read_bytes().startswith(b"trivy\0")
        return named and (process / "cwd").readlink().is_relative_to(folder)
    except OSError:  # it has ended, or is somebody else's
        return False
