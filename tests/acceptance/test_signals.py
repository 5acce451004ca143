"""Ctrl-C and SIGTERM: the command ends soon, its scanner with it, and nothing is half-recorded."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from demo.images import Layer, digest
from tests.kit.cli import Desk, until
from tests.kit.misbehaving import dripping, scripted_server
from tests.kit.shop import serve

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
IDS = [number.name for number, _ in SIGNALS]


@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=IDS)
def test_a_signal_during_the_scan_ends_the_scanner_too(
    desk: Desk, repaired: Path, number: signal.Signals, code: int
) -> None:
    with (
        desk.nothing_changes(repaired),
        desk.typing("run", f"oci:{repaired}", "-e", "prod") as process,
    ):
        (scanner,) = until(desk.scanners)
        # It stands still until it has been told to end, however fast it would have been.
        os.kill(scanner, signal.SIGSTOP)
        process.send_signal(number)
        time.sleep(0.2)
        with suppress(ProcessLookupError):  # told before it had learnt to listen, it is gone
            os.kill(scanner, signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == code, stderr.decode()

    assert stdout == b""
    assert b"interrupted: what was not finished is not recorded\n" in stderr
    until(lambda: not desk.scanners(), timeout=2)


@pytest.mark.parametrize(("number", "code"), SIGNALS[:2], ids=IDS[:2])
def test_a_signal_ends_a_slow_download_at_once(
    desk: Desk, repaired: Path, repaired_layer: Layer, number: signal.Signals, code: int
) -> None:
    layer = f"/v2/app/blobs/{digest(repaired_layer.data)}"
    with scripted_server() as server:
        serve(repaired, server)
        server.on("GET", layer, dripping(repaired_layer.data, 0.5))
        with (
            desk.nothing_changes(),
            desk.typing("scan", f"{server.repository}:1") as process,
        ):
            until(lambda: server.asked("GET", layer))
            time.sleep(0.2)
            process.send_signal(number)
            began = time.monotonic()
            process.communicate(timeout=30)

    assert process.returncode == code
    assert time.monotonic() - began < 5


def test_a_reader_that_has_seen_enough_is_no_reason_to_complain(desk: Desk, repaired: Path) -> None:
    desk.type("scan", f"oci:{repaired}").ended(0)
    with desk.typing("images", "list") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
        process.wait(20)

    assert complaint == b""
