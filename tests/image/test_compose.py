"""`compose.yaml`, really started by Docker Compose, and what `docs/container.md` says, typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.images import Layer
from tests.image.conftest import Built
from tests.kit.cli import until
from tests.kit.dockerd import debian_root
from tests.kit.go_tools import COMPOSE
from tests.kit.prose import REPOSITORY
from tests.kit.vulndb import write_sample

pytestmark = pytest.mark.timeout(1500)

STANDINS = Path(__file__).with_name("standins")
PAGE = (REPOSITORY / "docs" / "container.md").read_text("utf-8")
# By whose number each runs; that of the registry has no capability either.
SERVICES = {"server": 10001, "scanner": 10001, "signer": 10001, "database": 999, "registry": 0}


@dataclass(frozen=True, slots=True)
class Service:
    """What was started, and a place to type at.

    Attributes:
        built: The image, where the daemon is.
        folder: Where `compose.yaml` lies.
        environ: The environment of what is typed.
        typed: What the whole page wrote.
    """

    built: Built
    folder: Path
    environ: dict[str, str]
    typed: str

    def type(self, line: str, code: int = 0) -> str:
        return _type(self.built, self.folder, self.environ, line, code)

    def inspect(self, name: str) -> dict[str, Any]:
        """What the daemon says of the container of a service."""
        (found,) = json.loads(self.type(f"docker inspect supplychain-{name}-1"))
        assert isinstance(found, dict)
        return found

    def process(self, name: str) -> Path:
        """The first process of a service's container."""
        return Path("/proc") / str(self.inspect(name)["State"]["Pid"])

    def push(self, layer: Layer, name: str) -> str:
        """Push an image of one layer; how the service calls it, by digest."""
        archive = self.folder / "layer.tar.gz"
        archive.write_bytes(layer.data)
        there = f"127.0.0.1:5000/{name}"
        self.type(f"docker import --message {name} - {there} < {archive} && docker push {there}")
        found = self.type(f"docker image inspect --format '{{{{index .RepoDigests 0}}}}' {there}")
        return f"registry:5000/{name.partition(':')[0]}@{found.strip().partition('@')[2]}"


def _type(built: Built, folder: Path, environ: dict[str, str], script: str, code: int) -> str:
    command = built.docker.beside("bash", "-c", f"set -euo pipefail\n{script}")
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _page() -> str:
    begin, end = "## A small service", "## What is tested"
    section = PAGE[PAGE.index(begin) : PAGE.index(end)].partition("PostgreSQL and the registry are")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", section[0], re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def service(
    built: Built, repaired_layer: Layer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    docker, folder = built.docker, tmp_path_factory.mktemp("service")
    plugin = Path(docker.environ["HOME"]) / ".docker" / "cli-plugins" / "docker-compose"
    plugin.parent.mkdir(parents=True)
    plugin.symlink_to(COMPOSE.required())
    docker.take(debian_root("postgresql-15", "docker-registry"), "standins:test")
    for name in ("database", "registry"):
        tag = (f"--target={name}", f"--tag={name}:test")
        docker.run("build", "--network=none", *tag, STANDINS)
    docker.run("tag", built.name, "supplychain:local")
    shutil.copy(REPOSITORY / "compose.yaml", folder)
    with tarfile.open(folder / "db.tar.gz", "w:gz") as archive:
        for file in write_sample(folder / "vulndb").iterdir():
            archive.add(file, file.name)
    (folder / "layer.tar.gz").write_bytes(repaired_layer.data)
    environ = docker.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{docker.environ['PATH']}",
        "COMPOSE_FILE": f"{folder / 'compose.yaml'}:{STANDINS / 'compose.yaml'}",
    }
    script = f"docker import - shop:1.4 < layer.tar.gz\n{_page().replace('sudo ', '')}"
    try:
        typed = _type(built, folder, environ, script, 0)
        there = {
            "SUPPLYCHAIN_SERVER": "http://127.0.0.1:8080",
            "SUPPLYCHAIN_TOKEN_FILE": str(folder / "ci.token"),
        }
        yield Service(built, folder, environ | there, typed)
    finally:
        _type(built, folder, environ, "docker compose down --volumes --timeout 5", 0)


def test_the_page_ends_with_what_was_allowed_before_the_service_was_away(service: Service) -> None:
    allowed = re.findall(r"^ALLOW  (\S+) in prod$", service.typed, re.MULTILINE)
    assert len(allowed) == 3
    assert allowed[1] == allowed[2]
    assert allowed[1].startswith("registry:5000/shop@sha256:")


@pytest.mark.parametrize(("name", "user"), SERVICES.items())
def test_each_is_who_it_should_be_and_may_do_nothing(
    service: Service, name: str, user: int
) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in (service.process(name) / "status").read_text().splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == [str(user)] * 4
    assert (status["CapEff"], status["CapBnd"], status["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    found = service.inspect(name)["HostConfig"]
    assert found["ReadonlyRootfs"] is True
    assert found["RestartPolicy"]["Name"] == "unless-stopped"
    published = found["PortBindings"] or {}
    assert all(one["HostIp"] == "127.0.0.1" for ports in published.values() for one in ports)


def test_only_who_signs_sees_the_key(service: Service) -> None:
    for name in SERVICES:
        seen = {path.name for path in (service.process(name) / "root/run/secrets").glob("*")}
        assert ({"release_key", "release_password"} <= seen) == (name == "signer"), name


@pytest.mark.parametrize("name", ["scanner", "signer", "database"])
def test_nothing_inside_has_a_way_out(service: Service, name: str) -> None:
    (network,) = service.inspect(name)["NetworkSettings"]["Networks"]
    (found,) = json.loads(service.type(f"docker network inspect {network}"))
    assert found["Internal"] is True


def test_the_schema_is_there_before_whoever_needs_it(service: Service) -> None:
    migrated = service.inspect("migrate")["State"]
    assert (migrated["Status"], migrated["ExitCode"]) == ("exited", 0)
    ended = datetime.fromisoformat(migrated["FinishedAt"][:26])
    for name in ("server", "scanner", "signer"):
        begun = service.inspect(name)["State"]["StartedAt"]
        assert datetime.fromisoformat(begun[:26]) > ended, name
    assert service.inspect("server")["State"]["Health"]["Status"] == "healthy"


def test_what_is_vulnerable_is_denied(service: Service, vulnerable_layer: Layer) -> None:
    image = service.push(vulnerable_layer, "shop:vulnerable")
    assert "✗ vulnerabilities" in service.type(f"supplychain run {image} -e prod", code=10)
    assert service.type(f"supplychain gate {image} -e prod", code=10).startswith("DENY")


def test_a_worker_killed_in_the_middle_begins_again_and_loses_nothing(
    service: Service, repaired_layer: Layer
) -> None:
    image = service.push(repaired_layer, "shop:again")
    submit = f"supplychain runs submit {image} -e prod --output json"

    def shown() -> dict[str, Any]:
        found = json.loads(service.type(f"supplychain runs show {run} --output json"))
        assert isinstance(found, dict)
        return found

    service.type("docker compose pause registry")
    try:
        run = json.loads(service.type(submit))["id"]
        until(lambda: shown()["state"] == "running")
        os.kill(int(service.process("scanner").name), signal.SIGKILL)
    finally:
        service.type("docker compose unpause registry")
    until(lambda: shown()["state"] == "succeeded", timeout=180)
    assert shown()["takeovers"] >= 1
    assert service.inspect("scanner")["RestartCount"] == 1
    assert service.type(f"supplychain gate {image} -e prod").startswith("ALLOW")


def test_a_database_that_is_killed_comes_back_with_what_was_recorded(service: Service) -> None:
    before = service.type("supplychain images list")
    os.kill(int(service.process("database").name), signal.SIGKILL)
    until(lambda: service.inspect("database")["RestartCount"] == 1)
    service.type("docker compose up --detach --wait")
    assert service.type("supplychain images list").splitlines()[0] == before.splitlines()[0]
    service.type("docker compose exec -T server supplychain verify-store")
