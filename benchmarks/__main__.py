"""Measure what was promised: `make bench`, or `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import Row, as_data, as_text

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- results -->", "<!-- /results -->"
# In the order of the table; each module has a `measure` that gives rows.
NAMES = (
    "by_hand",
    "startup",
    "record",
    "searching",
    "memory",
    "judgement",
    "decisions",
    "signing",
    "ingest",
    "deciding",
    "workers",
)


def main() -> None:
    """Measure, print one table, and fail where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; else all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--write", action="store_true", help=f"put the table into {_PAGE.name}")
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
    if given.write:
        page = _PAGE.read_text("utf-8")
        _PAGE.write_text(with_results(page, f"{machine}\n\n{as_text(rows)}"), "utf-8")
    sys.exit(int(any(row.met is False for row in rows)))


def with_results(page: str, results: str) -> str:
    """The page with other results between its two marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{results}{_END}{after}"


def _machine() -> str:
    """What this ran on, and how busy that was before: a loaded machine measures its load."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    load = f"load {os.getloadavg()[0]:.1f} before"
    today = datetime.now(UTC).date()
    return f"{today}: {os.cpu_count()} cores, {system}, Python {platform.python_version()}, {load}"


if __name__ == "__main__":
    main()
