"""`docs/operations.md`, from its first command to its last, against a real PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from supplychain.scan.binary import TrivyBinary
from tests.kit.databases import _create, _named
from tests.kit.prose import REPOSITORY
from tests.kit.vulndb import write_sample

PAGE = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
URL = "postgresql://supplychain@db.example/records"


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for taken in (one, other):
            taken.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def test_every_command_of_the_page_works_in_its_order(
    tmp_path: Path, postgresql_server: str, ports: tuple[int, int], trivy_binary: TrivyBinary
) -> None:
    for tool in ("bash", "curl", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} here")
    name = f"operations_{uuid.uuid4().hex}"
    _create(postgresql_server, name)
    script = "set -euo pipefail\n" + "\n".join(blocks())
    script = script.replace(URL, f'"{_named(postgresql_server, name)}"')
    for written, port in zip(("8080", "8081"), ports, strict=True):
        script = script.replace(written, str(port))
    write_sample(tmp_path / "vulndb")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "prod.yaml").write_text(
        "schemaVersion: 1\nenvironment: prod\nrules:\n  - sbom: {}\n"
    )
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "NO_PROXY": "*",
        "SUPPLYCHAIN_TRIVY": str(trivy_binary.path),
    }

    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=240)
    finally:
        with suppress(ProcessLookupError):  # nobody is left, as it should be
            os.killpg(process.pid, signal.SIGKILL)

    logged = tmp_path / "server.log"
    told = logged.read_text() if logged.exists() else ""
    assert process.returncode == 0, f"{stdout}\n{stderr}\n{told}"
    assert '"decision":"deny"' in stdout
    assert stdout.count("whole  ") == 5
    assert (tmp_path / "drill" / "supplychain.db").exists()
    requests = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {line["route"] for line in requests} >= {"/readyz", "/metrics"}
    token = (tmp_path / "metrics.token").read_text().strip()
    assert token not in told
    for name in ("admin", "gate"):
        assert (tmp_path / f"{name}.token").read_text().strip() not in told
    # Every metric that the page names is told, but for those of what this machine has not.
    exposed = (tmp_path / "metrics.txt").read_text()
    for metric in set(re.findall(r"supplychain_[a-z_]+[a-z]", PAGE)):
        absent = {"supplychain_vulnerability_database_age_seconds"}
        assert f"# TYPE {metric.removesuffix('_total')}" in exposed or metric in absent, metric


def test_the_page_ends_what_it_begins() -> None:
    """So that the test above leaves no server behind."""
    assert f"kill -{signal.SIGTERM.name.removeprefix('SIG')}" in blocks()[-1]
