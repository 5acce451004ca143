"""Ctrl-C and SIGTERM: the command ends soon, its scanner with it, and nothing is half-recorded."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from demo.images import Layer
from tests.kit.cli import Desk, until
from tests.kit.misbehaving import dripping, reply, scripted_server
from tests.kit.shop import digest_of

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
    digest = digest_of(repaired)
    with scripted_server() as server:
        for blob in (repaired / "blobs" / "sha256").iterdir():
            data, name = blob.read_bytes(), f"sha256:{blob.name}"
            answer = reply(200, data, kind=_kind(data))
            server.on("GET", f"/v2/app/manifests/{name}", answer)
            is_layer = data == repaired_layer.data
            server.on("GET", f"/v2/app/blobs/{name}", dripping(data, 0.5) if is_layer else answer)
            if is_layer:
                layer = f"/v2/app/blobs/{name}"
        with (
            desk.nothing_changes(),
            desk.typing("scan", f"{server.repository}@{digest}") as process,
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


def _kind(data: bytes) -> str:
    """The media type of a manifest; that of bytes, for everything else."""
    is_manifest = data.startswith(b"{") and b'"layers"' in data
    return f"application/vnd.oci.image.{'manifest.v1+json' if is_manifest else 'config.v1+json'}"
