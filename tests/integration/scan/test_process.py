"""A child process ends when it should, when it must, and when we do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from supplychain.errors import StoreError, ToolTimeoutError
from supplychain.scan.process import Command, Completed, run


@contextmanager
def shell(script: str, folder: Path, **environment: str) -> Iterator[Command]:
    descriptor = os.open("/bin/sh", os.O_RDONLY)
    try:
        yield Command(
            ("sh", "-c", script), descriptor, folder, {"PATH": "/usr/bin:/bin"} | environment
        )
    finally:
        os.close(descriptor)


def run_shell(script: str, folder: Path, timeout: float = 30, grace: float = 1) -> Completed:
    with shell(script, folder) as command:
        return run(command, timeout=timeout, grace=grace)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] != "Z"
    return False


def gone(pid: int, within: float = 5) -> bool:
    end = time.monotonic() + within
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def pid_in(path: Path, within: float = 5) -> int:
    end = time.monotonic() + within
    while not (path.exists() and path.read_text().strip()) and time.monotonic() < end:
        time.sleep(0.01)
    return int(path.read_text())


def test_how_it_ended_and_what_it_said_on_both_streams(tmp_path: Path) -> None:
    completed = run_shell("echo out; echo err >&2; exit 3", tmp_path)
    assert completed == Completed(3, "out\nerr\n")


def test_it_gets_the_environment_that_it_is_given_and_no_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "xyzzy")
    with shell("env; cat; pwd", tmp_path, ONLY="this") as command:
        completed = run(command, timeout=30, grace=1)
    assert "SECRET" not in completed.output
    assert "ONLY=this" in completed.output
    assert str(tmp_path) in completed.output


def test_of_endless_talk_the_end_is_kept(tmp_path: Path) -> None:
    completed = run_shell("yes | head -c 3000000; echo the end", tmp_path)
    assert completed.output.endswith("the end\n")
    assert len(completed.output) == 256 * 1024


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in run_shell(r"printf '\377\n'", tmp_path).output


@pytest.mark.parametrize(
    ("script", "grace"),
    [
        ("sleep 60 & echo $! > child; echo $$ > own; wait", 1.0),
        ("trap '' TERM; sleep 60 & echo $! > child; echo $$ > own; while :; do wait; done", 0.2),
        ("exec >/dev/null 2>&1; sleep 60 & echo $! > child; echo $$ > own; wait", 1.0),
    ],
    ids=["obedient", "deaf to SIGTERM", "closed its output"],
)
def test_what_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, script: str, grace: float
) -> None:
    start = time.monotonic()
    with pytest.raises(ToolTimeoutError, match=r"sh did not end within 0\.5 s") as caught:
        run_shell(script, tmp_path, timeout=0.5, grace=grace)
    assert time.monotonic() - start < 5
    assert caught.value.retryable
    assert gone(pid_in(tmp_path / "own"))
    assert gone(pid_in(tmp_path / "child"))


_PARENT = """
import os, signal, sys
from pathlib import Path
from supplychain.scan.process import Command, run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
if sys.argv[2] == "exit":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
shell = os.open("/bin/sh", os.O_RDONLY)
script = "echo $$ > pid; exec sleep 60"
run(Command(("sh", "-c", script), shell, Path(sys.argv[1]), {"PATH": "/usr/bin:/bin"}),
    timeout=60, grace=5)
"""


def test_what_is_done_meanwhile_is_done_while_it_runs(tmp_path: Path) -> None:
    there = tmp_path / "there"
    with shell("while [ ! -e there ]; do sleep 0.05; done; echo seen", tmp_path) as command:
        completed = run(command, timeout=30, grace=1, meanwhile=there.touch)
    assert completed == Completed(0, "seen\n")


def test_what_fails_meanwhile_ends_it(tmp_path: Path) -> None:
    def fail() -> None:
        pid_in(tmp_path / "pid")
        raise StoreError("the record is gone")

    with (
        shell("echo $$ > pid; exec sleep 60", tmp_path) as command,
        pytest.raises(StoreError, match="gone"),
    ):
        run(command, timeout=30, grace=1, meanwhile=fail)
    assert gone(pid_in(tmp_path / "pid"))


@pytest.mark.parametrize(
    ("how", "number", "status"),
    [
        ("kill", signal.SIGKILL, -signal.SIGKILL),
        ("default", signal.SIGTERM, -signal.SIGTERM),
        ("exit", signal.SIGTERM, 143),
        ("interrupt", signal.SIGINT, -signal.SIGINT),
    ],
)
def test_it_does_not_outlive_us(
    tmp_path: Path, how: str, number: signal.Signals, status: int
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path), how],
        stderr=subprocess.DEVNULL,
    )
    pid = pid_in(tmp_path / "pid", 20)
    assert alive(pid)
    parent.send_signal(number)
    assert parent.wait(10) == status
    assert gone(pid)
