"""How much memory the program takes at most, as the kernel counts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# The mark of `getrusage` would not do: it begins with what the parent had.
_PROGRAM = """
import pathlib, re, sys
from supplychain.cli import main
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) // 1024, file=sys.stderr)
"""


def peak(
    *arguments: str | Path, environ: Mapping[str, str], folder: Path | None = None
) -> tuple[int, str]:
    """Run a command that has to succeed: its largest size in MiB, and its result."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        env=dict(environ),
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.splitlines()[-1]), done.stdout
