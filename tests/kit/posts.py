"""A server as a process, at a place where one image is on record: to be killed and asked again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx

from supplychain.model.digest import Digest
from supplychain.model.evidence import VulnerabilityDatabase
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.records.run import ScanRecord
from supplychain.signing import dsse
from supplychain.signing.statement import write
from tests.kit import felled
from tests.kit.crew import Crew
from tests.kit.forked import Forked, Process
from tests.kit.keys import signer
from tests.kit.runs import manifest_run, sbom_record, scan_record
from tests.kit.scans import SUBJECT

REVIEW = "https://example.com/review/v1"
SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'
_BINARY = {"Content-Type": "application/octet-stream"}
_START_SECONDS = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Post:
    """A record with an image whose policy asks for a review that nobody has signed yet.

    Attributes:
        url: The record's database, with our schema.
        folder: Everything else is in it.
    """

    url: str
    folder: Path
    port: int = field(default_factory=_free_port)

    @classmethod
    def furnished(cls, url: str, folder: Path) -> Post:
        """A new one."""
        post = cls(url, folder)
        (folder / "policies").mkdir(parents=True)
        (folder / "release.pub").write_bytes(signer().public_key.pem())
        (folder / "policies" / "prod.yaml").write_text(
            "schemaVersion: 1\nenvironment: prod\nrules:\n"
            f"  - attestation: {{type: {REVIEW}, keys: [../release.pub], max_age: 24h}}\n"
            "  - freshness: {scan: 24h, database: 7d}\n"
        )
        at = datetime.now(UTC) - timedelta(hours=3)
        made = scan_record(components=(), findings=(), produced_at=at)
        database = VulnerabilityDatabase(Digest.of(b"the database"), at - timedelta(hours=1))
        scan = ScanRecord(replace(made.scan, database=database), made.report)
        with Record.open(url, FolderStore(post.data / "content")) as record:
            record.save_run(manifest_run(scan=scan, sbom=sbom_record(produced_at=at)), at=at)
        return post

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def crew(self) -> Crew:
        """Who works here: does drills."""
        return Crew(self.url, self.data)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SUPPLYCHAIN_DATABASE": self.url,
            "SUPPLYCHAIN_DATA_DIR": str(self.data),
            "SUPPLYCHAIN_REGISTRY_ALLOWED": "registry.test",
            "SUPPLYCHAIN_RATE_LIMIT": "1000000",
            "SUPPLYCHAIN_ACTOR": "ada",
        }

    @property
    def armed(self) -> Path:
        """While it is there, boundaries count."""
        return self.folder / "armed"

    @contextmanager
    def serving(
        self, *, killed_at: int = 0, environ: Mapping[str, str] | None = None
    ) -> Iterator[Server]:
        """A server that answers; it does not outlive the context.

        Args:
            killed_at: At which boundary it is killed; 0 for never.
            environ: Further variables.
        """
        told = {felled.AT: str(killed_at), felled.ARMED: str(self.armed), **(environ or {})}
        command = f"serve --embedded --port {self.port}"
        log = self.folder / "server.log"
        process: Process
        if "LD_PRELOAD" in told:  # which takes a process that begins anew
            with log.open("ab") as file:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.kit.felled", *command.split()],
                    cwd=self.folder,
                    env=self.environ | told,
                    stdout=file,
                    stderr=file,
                )
        else:
            process = Forked(felled.serve, command, self.environ | told, self.folder, log)
        try:
            yield self._reached(process)
        finally:
            process.kill()
            process.wait(20)

    @contextmanager
    def command(
        self, line: str, log: Path, environ: Mapping[str, str] | None = None
    ) -> Iterator[Process]:
        """`supplychain` with arguments, here; it does not outlive the context."""
        told = {felled.AT: "0", felled.ARMED: str(self.armed), **(environ or {})}
        log.touch()
        process = Forked(felled.serve, line, self.environ | told, self.folder, log)
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)

    def _reached(self, process: Process) -> Server:
        url = f"http://127.0.0.1:{self.port}"
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            try:
                httpx.get(f"{url}/livez", timeout=5).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            token = (self.data / "server.token").read_text().strip()
            return Server(process, url, {"Authorization": f"Bearer {token}"})
        raise AssertionError((self.folder / "server.log").read_text()[-3000:])


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers.

    Attributes:
        process: Its process.
        url: Where it listens.
        headers: What opens it.
    """

    process: Process
    url: str
    headers: Mapping[str, str]

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A connection to it."""
        with httpx.Client(base_url=self.url, headers=dict(self.headers), timeout=30) as client:
            yield client

    def get(self, path: str) -> httpx.Response:
        with self.client() as client:
            return client.get(path)

    def decide(self) -> httpx.Response:
        with self.client() as client:
            return client.post("/v1/gates/prod/decide", json={"image": str(SUBJECT)})

    def submit(self, number: int, key: str = "") -> httpx.Response:
        with self.client() as client:
            return submit(client, number, key)

    def hand_in(self, body: bytes, **query: str) -> httpx.Response:
        path = f"/v1/images/{SUBJECT.digest}/evidence"
        with self.client() as client:
            return client.post(path, content=body, params=query, headers=_BINARY)

    def submitted(self) -> dict[str, list[str]]:
        """The ids of runs, by what they are about."""
        found: dict[str, list[str]] = {}
        path = "/v1/runs?limit=100"
        with self.client() as client:
            while path:
                answer = client.get(path).raise_for_status()
                for run in answer.json()["runs"]:
                    found.setdefault(run["reference"], []).append(run["id"])
                path = str(answer.links.get("next", {}).get("url", ""))
        return found


def reference(number: int) -> str:
    """What a run of this number is about."""
    return f"registry.test/shop:{number}"


def submit(client: httpx.Client, number: int, key: str = "") -> httpx.Response:
    """Ask for a run of this number, under a key."""
    headers = {"Idempotency-Key": key or f"build-{number}"}
    return client.post("/v1/runs", json={"reference": reference(number)}, headers=headers)


@cache
def review() -> bytes:
    """The review that the policy asks for, signed: once, for each signature is another one."""
    payload = write(SUBJECT, REVIEW, json.dumps({"by": "Ann"}).encode())
    return json.dumps(dsse.seal(payload, signer()).value()).encode()
