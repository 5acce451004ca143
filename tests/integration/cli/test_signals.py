"""A signal ends the command, even one that the interpreter lost on its way."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

_START = """
import os, signal, sys, time
from supplychain.cli.signals import SignalledError, listen
listen()
def tell():
    os.kill(os.getpid(), signal.SIGTERM)
"""
_LOST = """
class Finalised:
    def __del__(self):
        tell()
        time.sleep(0.05)  # the exception is raised here, and dropped
try:
    Finalised()
    time.sleep(10)
except SignalledError as error:
    sys.exit(128 + error.number)
"""
_LOST_AT_A_FORK = """
os.register_at_fork(before=tell)  # as `logging` does with its lock, when a scanner is started
try:
    if os.fork() == 0:
        os._exit(0)
    time.sleep(10)
except SignalledError as error:
    sys.exit(128 + error.number)
"""
_SLOW_UNWINDING = """
try:
    try:
        tell()
        time.sleep(10)
    finally:
        try:
            raise ValueError("something else goes wrong on the way")
        except ValueError:
            time.sleep(0.7)
        time.sleep(0.5)
        print("cleaned up")
except SignalledError as error:
    sys.exit(128 + error.number)
"""


SCRIPTS = [(_LOST, ""), (_LOST_AT_A_FORK, ""), (_SLOW_UNWINDING, "cleaned up\n")]


@pytest.mark.parametrize(("script", "printed"), SCRIPTS)
def test_a_signal_is_neither_lost_nor_raised_twice(script: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _START + script],
        check=False,
        capture_output=True,
        text=True,
        timeout=9,
    )

    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert done.stdout == printed
    assert done.stderr == ""


def test_what_else_is_dropped_is_told() -> None:
    script = """
class Broken:
    def __del__(self):
        raise ValueError("no signal")
Broken()
"""
    command = [sys.executable, "-c", _START + script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=9)

    assert "ValueError: no signal" in done.stderr
