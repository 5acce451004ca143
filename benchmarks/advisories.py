"""Advisories made up for measuring: every one of these identifiers is synthetic.

A benchmark needs a known number of findings, in packages that change with each point release of
Debian. Nothing here says anything about the packages that it names.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from demo.vulndb import load_advisories

_BUCKET = "debian 12"
_SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


def with_findings(packages: Sequence[Path], wanted: int) -> Mapping[str, Any]:
    """The demonstration's advisories, with made-up ones until these packages have that many.

    An advisory is about a source package, and so is found in every binary package built from it;
    those of the demonstration are not counted, and there may be one source's binaries too many.

    Args:
        packages: `.deb` files.
        wanted: How many findings.
    """
    document = load_advisories()
    sources = [source_of(package) for package in packages]
    made: list[dict[str, Any]] = []
    found = 0
    for number in count():
        source = sources[number * 7 % len(sources)]
        made.append(_advisory(number, source))
        found += sources.count(source)
        if found >= wanted:
            return {**document, "advisories": [*document["advisories"], *made]}
    raise AssertionError("counting does not end")


def source_of(package: Path) -> str:
    """The source package that a `.deb` was built from."""
    fields = ["dpkg-deb", "--show", "--showformat=${source:Package}", str(package)]
    return subprocess.run(fields, check=True, capture_output=True, text=True).stdout


def _advisory(number: int, source: str) -> dict[str, Any]:
    fixed = {"fixed": "9999:1"} if number % 3 else {"status": "affected"}
    return {
        "id": f"CVE-2099-{number:05d}",
        "bucket": _BUCKET,
        "package": source,
        "severity": _SEVERITIES[number % len(_SEVERITIES)],
        "rated_by": "debian",
        "title": f"made up for a benchmark, number {number}",
        "source": "https://advisories.example/made-up",
        **fixed,
    }
