"""On a terminal: progress that moves, colour, a cursor that comes back, and passwords unseen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.cli import PROGRAM, Desk, until
from tests.kit.shop import digest_of

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A pseudo-terminal of 100 columns with a command on it."""

    def __init__(self, desk: Desk, *arguments: str | Path, **environ: str) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._ours, self._text = ours, ""
        self.process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=desk.folder,
            env=desk.environ | {"TERM": "xterm-256color"} | environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def shown(self, *, while_: Callable[[], object] = lambda: True) -> str:
        """All that was shown, until the command ends or a condition does."""
        end = time.monotonic() + 60
        while while_() and time.monotonic() < end:
            if not select.select([self._ours], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # EIO: nobody holds the other end any more
                break
            if not data:
                break
            self._text += data.decode()
        return self._text

    def answer(self, prompt: str, text: str) -> None:
        """Type a line when a prompt has come."""
        count = self._text.count(prompt)
        self.shown(while_=lambda: self._text.count(prompt) == count)
        os.write(self._ours, f"{text}\n".encode())

    def ended(self) -> tuple[int, str]:
        """The exit code, and all that was shown."""
        text = self.shown()
        code = self.process.wait(20)
        with contextlib.suppress(OSError):
            os.close(self._ours)
        return code, text


def test_a_terminal_gets_progress_that_moves_and_colour(desk: Desk, vulnerable: Path) -> None:
    code, text = Terminal(desk, "run", f"oci:{vulnerable}", "-e", "prod").ended()

    assert code == 10
    assert "\x1b[31mDENY\x1b[0m" in text
    assert text.count(_HIDE) == text.count(_SHOW) > 0
    assert text.rindex(_SHOW) > text.rindex(_HIDE)
    for stage in ("fetch", "scan", "sbom", "sign", "record"):
        assert f"\n{stage}" in text or f"\x1b[2K{stage}" in text or f"\r{stage}" in text
    assert "\x1b[2K" in text


def test_an_interrupted_terminal_gets_its_cursor_back(desk: Desk, repaired: Path) -> None:
    terminal = Terminal(desk, "run", f"oci:{repaired}", "-e", "prod")
    until(desk.scanners)
    terminal.process.send_signal(signal.SIGINT)
    code, text = terminal.ended()

    assert code == 130
    assert text.count(_HIDE) == text.count(_SHOW) > 0
    assert "interrupted: what was not finished is not recorded" in text
    assert desk.rows() == {}


@pytest.mark.parametrize(
    "environ", [{"CI": "true"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=["CI", "dumb", "NO_COLOR"]
)
def test_what_a_terminal_may_ask_for(desk: Desk, repaired: Path, environ: dict[str, str]) -> None:
    code, text = Terminal(desk, "run", f"oci:{repaired}", "-e", "prod", **environ).ended()

    assert code == 0
    moves = _HIDE in text
    coloured = "\x1b[32m" in text
    assert moves == ("NO_COLOR" in environ)
    assert coloured == ("CI" in environ)


def test_quiet_on_a_terminal(desk: Desk, repaired: Path) -> None:
    code, text = Terminal(desk, "run", f"oci:{repaired}", "-e", "prod", "--quiet").ended()

    assert code == 0
    assert _HIDE not in text
    assert text.startswith("\x1b[32mALLOW")


def test_a_password_is_asked_for_and_not_shown(desk: Desk, repaired: Path) -> None:
    image = f"oci:{repaired}"
    no_password = {"SUPPLYCHAIN_KEY_PASSWORD": ""}
    terminal = Terminal(desk, "sign", image, "--quiet", **no_password)
    terminal.answer("release.key: ", "correct horse")
    code, text = terminal.ended()
    assert code == 0, text
    assert "correct horse" not in text
    desk.type("verify", image, "--key", desk.public_key).ended(0)

    terminal = Terminal(desk, "keys", "generate", "--output-key-prefix", "other", **no_password)
    terminal.answer("assword: ", "a new one")
    terminal.answer(": ", "a new one")
    code, text = terminal.ended()
    assert code == 0, text
    assert "a new one" not in text
    assert (desk.folder / "other.key").stat().st_mode & 0o777 == 0o600
    done = desk.type("sign", image, "--key", "other.key", SUPPLYCHAIN_KEY_PASSWORD="a new one")
    assert digest_of(repaired) in done.ended(0).stdout
