"""The image, built once from a Debian and from packages on the disk, without any network."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.dockerd import Docker, debian_root, python_of, running_daemon, wheelhouse
from tests.kit.prose import REPOSITORY

NAME = "supplychain:test"
_REQUIREMENTS = [REPOSITORY / "requirements" / f"{name}.txt" for name in ("runtime", "demo")]
# As little as `compose.yaml` leaves to it.
CONFINED = (
    *("--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """The image, where its daemon is."""

    docker: Docker
    name: str = NAME

    def run(self, *arguments: str, entrypoint: str = "supplychain", check: bool = True) -> str:
        """What a container of it prints that may do next to nothing."""
        done = self.docker.run(
            "run", *CONFINED, "--entrypoint", entrypoint, self.name, *arguments, check=check
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    # A socket's path has to be short.
    with running_daemon(Path(tempfile.mkdtemp(prefix="dockerd-"))) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def built(docker: Docker) -> Built:
    root = debian_root("ca-certificates", "python3", "python3-venv")
    python = python_of(root)
    if python != f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip(f"this Python fetches no packages for the {python} of Debian")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    docker.take(root, "base:test")
    docker.take(wheelhouse(_REQUIREMENTS, python, pip), "wheels:test")
    arguments = {"BASE": "base:test", "WHEELS": "wheels:test", "VERSION": "1.2.3", "REVISION": "r"}
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    docker.run("build", "--network=none", *given, f"--tag={NAME}", REPOSITORY, timeout=900)
    return Built(docker)
