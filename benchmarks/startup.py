"""`supplychain gate` and `--help` as whole processes, beside Python doing nothing."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import Machine
from benchmarks.place import this_machine
from benchmarks.table import Row
from benchmarks.timing import Contestant, Process, Times, alternate
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.evidence import VulnerabilityDatabase
from supplychain.model.subject import Subject
from supplychain.records.record import Record
from supplychain.records.run import PlatformRecord, RunRecord, ScanRecord
from supplychain.records.stores import open_content_store
from tests.kit.runs import attestation_record, sbom_record
from tests.kit.scans import (
    DATABASE,
    PLATFORM,
    SUBJECT,
    make_scan,
    realistic_components,
    realistic_findings,
)

_ROUNDS = 15
_COMPONENTS, _FINDINGS = 400, 300
_MOST_SECONDS = {"gate": 0.35, "--help": 0.25}
_SUPPLYCHAIN = Path(sys.prefix) / "bin" / "supplychain"
_POLICY = """\
schemaVersion: 1
environment: prod
rules:
  - freshness: {scan: 24h, database: 7d}
  - vulnerabilities: {severity: high}
"""
_DENIED = frozenset({10})


def measure() -> list[Row]:
    """Both commands, as a shell would call them."""
    machine = this_machine()
    with _recorded() as folder:
        environment = {
            "HOME": str(folder),
            "SUPPLYCHAIN_DATA_DIR": str(folder),
            "SUPPLYCHAIN_POLICIES": str(folder),
        }
        gate = (_SUPPLYCHAIN, "gate", str(SUBJECT), "--environment", "prod")
        gated, helped, start = alternate(
            Contestant(Process(gate, folder, environment, _DENIED)),
            Contestant(Process((_SUPPLYCHAIN, "--help"), folder, environment)),
            Contestant(Process((sys.executable, "-c", "pass"), folder, environment)),
            rounds=_ROUNDS,
        )
    about = f"gate, image of {_FINDINGS} findings"
    return [
        _row("gate", about, gated, start, machine),
        _row("--help", "--help", helped, start, machine),
    ]


def _row(command: str, about: str, taken: Times, start: Times, machine: Machine) -> Row:
    most = _MOST_SECONDS[command]
    return Row(
        about,
        f"{taken}",
        f"python -c pass {start}",
        taken.ratio(start),
        machine.target(most),
        machine.meets(taken.median, most),
    )


@contextlib.contextmanager
def _recorded() -> Iterator[Path]:
    """A data folder that knows one image, and a policy that denies it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        (folder / "prod.yaml").write_text(_POLICY)
        content = open_content_store(str(folder / "content"))
        url = f"sqlite:///{folder / 'supplychain.db'}"
        with Record.open(url, content, create=True) as record:
            record.save_run(_run(SUBJECT), at=datetime.now(UTC))
        yield folder


def _run(subject: Subject) -> RunRecord:
    now = datetime.now(UTC)
    components = realistic_components(_COMPONENTS)
    scan = make_scan(
        components=components,
        findings=realistic_findings(components, _FINDINGS),
        subject=subject,
        produced_at=now,
        database=VulnerabilityDatabase(DATABASE.digest, now),
    )
    sbom = sbom_record(subject=subject, produced_at=now)
    attested = attestation_record(subject=subject, verified_at=now)
    platform = PlatformRecord(
        subject, PLATFORM, OCI_MANIFEST, ScanRecord(scan, b"{}"), sbom, (attested,)
    )
    return RunRecord(subject, OCI_MANIFEST, (platform,))
