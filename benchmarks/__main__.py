"""Measure what was promised: `make bench`, or `python -m benchmarks [NAME …] [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import json
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
    rows: list[Row] = []
    for name in given.names or NAMES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").measure()
    print(as_text(rows), end="")
    if given.json:
        given.json.write_text(json.dumps({"rows": as_data(rows)}, indent=2) + "\n")
    sys.exit(int(any(row.met is False for row in rows)))


if __name__ == "__main__":
    main()
