"""The command line, typed without a process of its own, over a record filled behind it.

What takes a process (signals, streams, how it starts) is tested at a desk, `tests.kit.cli`. Here
commands are many and a record is quickly made: evidence of three hours ago, for the real clock.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supplychain import cli
from supplychain.errors import SupplyChainError
from supplychain.model.digest import Digest
from supplychain.model.evidence import VulnerabilityDatabase
from supplychain.model.finding import Finding
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.run import ScanRecord
from tests.kit.cli import Outcome
from tests.kit.logged import logged_as_before
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import SUBJECT

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Typist:
    """Somebody at a keyboard; see the module.

    Attributes:
        folder: The working directory.
        now: About the present.
        empty: A record with nothing in it, to be copied.
    """

    folder: Path
    now: datetime
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    empty: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def type(self, *arguments: str | Path) -> Outcome:
        """Type `supplychain` and these arguments."""
        self.capture.readouterr()
        self.patch.setattr(sys, "argv", ["supplychain", *map(str, arguments)])
        with logged_as_before():  # what ends with a process of its own
            try:
                code = cli._run()
            except SupplyChainError as error:
                code = cli._failed(error)
        told = self.capture.readouterr()
        return Outcome(int(code), told.out, told.err)

    def policy(self, *rules: str, environment: str = "prod", name: str = "") -> Path:
        """Write the policy of an environment."""
        lines = ["schemaVersion: 1", f"environment: {environment}", "rules:"]
        path = self.folder / "policies" / f"{name or environment}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, *(f"  - {rule}" for rule in rules)]) + "\n")
        return path

    def record(self) -> Record:
        """The record, to fill it or to look into it."""
        url = f"sqlite:///{self.data / 'supplychain.db'}"
        return Record.open(url, FolderStore(self.data / "content"))

    def sql(self, statement: str) -> None:
        """Change the database behind the program's back."""
        with closing(sqlite3.connect(self.data / "supplychain.db")) as connection:
            connection.execute(statement)
            connection.commit()

    def forget(self) -> None:
        """Begin with an empty record again, also under a server that has it open."""
        with (
            closing(sqlite3.connect(self.empty)) as empty,
            closing(sqlite3.connect(self.data / "supplychain.db")) as connection,
        ):
            empty.backup(connection)

    def examined(
        self, *findings: Finding, ago: timedelta = 3 * HOUR, report: bytes = b"{}"
    ) -> None:
        """Record a scan with these findings and an SBOM of `SUBJECT`, of so long ago."""
        at = self.now - ago
        made = scan_record(components=(), findings=findings, report=report, produced_at=at)
        fresh = VulnerabilityDatabase(Digest.of(b"the database"), at - HOUR)
        scan = ScanRecord(replace(made.scan, database=fresh), made.report)
        with self.record() as record:
            record.save_run(manifest_run(scan=scan, sbom=sbom_record(produced_at=at)), at=at)


@pytest.fixture
def typist(
    tmp_path: Path,
    sqlite_template: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Typist:
    """Somebody with an empty record and no policy."""
    made = Typist(tmp_path, datetime.now(UTC), monkeypatch, capsys, sqlite_template)
    made.data.mkdir()
    shutil.copyfile(sqlite_template, made.data / "supplychain.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SUPPLYCHAIN_DATA_DIR", str(made.data))
    monkeypatch.setenv("NO_COLOR", "1")
    return made


IMAGE = str(SUBJECT.digest)
