"""Measure what was promised: `make bench`, or `python -m benchmarks [NAME …] [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks.table import Row, as_data, as_text

# In the order of the table; each module has a `measure` that gives rows.
NAMES = ("by_hand", "startup", "record", "memory", "judgement")


def main() -> None:
    """Measure, print one table, and fail where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; else all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    machine = _machine()
    rows: list[Row] = []
    for name in given.names or NAMES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").measure()
    print(f"{machine}\n\n{as_text(rows)}", end="")
    if given.json:
        document = {"machine": machine, "rows": as_data(rows)}
        given.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.exit(int(any(row.met is False for row in rows)))


def _machine() -> str:
    """What this ran on, and how busy that was before: a loaded machine measures its load."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    load = f"load {os.getloadavg()[0]:.1f} before"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}, {load}"


if __name__ == "__main__":
    main()
