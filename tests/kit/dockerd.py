"""A Docker daemon of one's own, from Debian's packages, and a Debian to build upon.

It lives in a network of its own, which leads nowhere and has its own loopback and firewall: what it
publishes on 127.0.0.1 is there alone, and the machine's ports and firewall stay as they are. It
keeps everything in one folder, which is removed with it. That takes root and overlay mounts.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.debian import cache_folder, key_of, locked, unpacked

# What Debian's daemon is linked with and what it starts; `docker` is in docker.io up to bookworm.
_PACKAGES = (
    "docker.io",
    "containerd",
    "runc",
    "tini",
    "libdevmapper1.02.1",
    "libsystemd0",
    "libseccomp2",
    "iptables",
    "libip4tc2",
    "libip6tc2",
    "libxtables12",
)
_START_TIMEOUT = 40.0
_SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Docker:
    """A daemon that answers, and the client that goes with it.

    Attributes:
        host: As in `DOCKER_HOST`.
        environ: The environment of its client.
        network: The network in which it lives.
    """

    host: str
    environ: dict[str, str]
    network: Path

    def beside(self, *command: str | Path) -> list[str | Path]:
        """The command that does the same where the daemon's published ports are."""
        return ["nsenter", f"--net={self.network}", "--", *command]

    def run(
        self, *arguments: str | Path, timeout: float = 300.0, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker` with these arguments."""
        done = subprocess.run(
            ["docker", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def take(self, folder: Path, name: str) -> None:
        """Make an image of one layer from a folder, but for devices and what apt has fetched."""
        left = [
            f"--exclude=./{path}" for path in ("dev/*", "var/cache/apt/*", "var/lib/apt/lists/*")
        ]
        packed = ["tar", "-C", str(folder), *left, "-c", "."]
        with subprocess.Popen(packed, stdout=subprocess.PIPE) as packing:
            subprocess.run(
                ["docker", "import", "-", name],
                env=self.environ,
                stdin=packing.stdout,
                capture_output=True,
                check=True,
            )
        assert packing.returncode == 0


@contextmanager
def running_daemon(folder: Path) -> Iterator[Docker]:
    """A daemon that keeps everything in a folder; it ends with the context.

    Skips the calling test where none can be started.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can start a Docker daemon")
    environ = _environ(folder)
    host = f"unix://{folder}/s"
    started = [
        *("dockerd", "--bridge=none", "--ip6tables=false", f"--host={host}"),
        *(f"--data-root={folder}/data", f"--exec-root={folder}/run", f"--pidfile={folder}/pid"),
    ]
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            started,
            env=environ,
            stdout=told,
            stderr=told,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_into_a_network_of_its_own,  # noqa: PLW1509  # of tests, and no thread forks
        )
    asking = {**environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "1"}
    docker = Docker(host, asking, Path(f"/proc/{process.pid}/ns/net"))
    try:
        if not _answers(process, docker):
            last = (log.read_text().strip().splitlines() or ["it said nothing"])[-1]
            pytest.skip(f"no Docker daemon can be started here: {last[-300:]}")
        yield docker
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def debian_root(*packages: str) -> Path:
    """A small Debian with these packages, made by debootstrap and kept between runs.

    Skips the calling test where it cannot be made.
    """
    if os.geteuid() != 0 or not _KEYRING.exists():
        pytest.skip("debootstrap needs root and Debian's keyring")
    programs = unpacked(["debootstrap"])
    name = "-".join([_SUITE, key_of([programs]), *packages])
    folder = cache_folder() / "debian" / "roots" / name
    with locked(folder.parent):
        if not folder.exists():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            made = subprocess.run(
                [
                    programs / "usr" / "sbin" / "debootstrap",
                    "--variant=minbase",
                    f"--keyring={_KEYRING}",
                    f"--include={','.join(packages)}",
                    *(_SUITE, partial, _MIRROR),
                ],
                env={**os.environ, "DEBOOTSTRAP_DIR": str(programs / "usr/share/debootstrap")},
                capture_output=True,
                text=True,
                check=False,
            )
            if made.returncode != 0:
                last = (made.stdout.strip().splitlines() or ["it said nothing"])[-1]
                pytest.skip(f"debootstrap made no Debian: {last[-300:]}")
            partial.rename(folder)
    return folder


def python_of(root: Path) -> str:
    """The version of a Debian's Python, as `3.11`."""
    return (root / "usr" / "bin" / "python3").readlink().name.removeprefix("python")


def wheelhouse(requirements: Sequence[Path], python: str, pip: Sequence[str]) -> Path:
    """A folder whose `wheels` holds every package that is pinned, for one Python; it is kept.

    Skips the calling test where they cannot be fetched.
    """
    folder = cache_folder() / "wheelhouses" / f"{python}-{_digest(requirements)}"
    with locked(folder.parent):
        if not folder.exists():
            partial = folder.with_name("partial")
            shutil.rmtree(partial, ignore_errors=True)
            files = [argument for path in requirements for argument in ("-r", str(path))]
            fetched = subprocess.run(
                [
                    *(*pip, "download", "--quiet", "--only-binary=:all:", "--require-hashes"),
                    *("--dest", str(partial / "wheels"), *files),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if fetched.returncode != 0:
                pytest.skip(f"the packages cannot be fetched: {fetched.stderr.strip()[-300:]}")
            partial.rename(folder)
    return folder


def _digest(paths: Sequence[Path]) -> str:
    from hashlib import sha256

    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def _environ(folder: Path) -> dict[str, str]:
    """What the daemon and what it starts find their programs and libraries by."""
    programs = unpacked(_PACKAGES)
    libraries = programs / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    # Where a package is installed, a choice among alternatives makes this link.
    tools = folder / "bin"
    tools.mkdir()
    (tools / "iptables").symlink_to(programs / "usr" / "sbin" / "xtables-legacy-multi")
    path = [tools, programs / "usr/sbin", programs / "usr/bin", os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(map(str, path)),
        "LD_LIBRARY_PATH": str(libraries),
        "XTABLES_LIBDIR": str(libraries / "xtables"),
        "HOME": str(folder),
    }


def _into_a_network_of_its_own() -> None:
    """Leave the machine's network for an empty one, and set up its loopback (netdevice(7))."""
    new_network, set_flags, up = 0x40000000, 0x8914, 0x1
    if ctypes.CDLL(None, use_errno=True).unshare(new_network) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh22x", b"lo", up))


def _answers(process: subprocess.Popen[bytes], docker: Docker) -> bool:
    end = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < end and process.poll() is None:
        if docker.run("version", check=False).returncode == 0:
            return True
        time.sleep(0.3)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends containers and its own containerd by itself, when it is asked to."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
