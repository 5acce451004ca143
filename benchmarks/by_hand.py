"""`supplychain run` beside the same work done by hand with Trivy and cosign.

By hand is what their own documentation says: a report, a CycloneDX document, a signature and two
attestations, each by a command of its own. What it leaves out is in its favour: nobody checks
what was written, keeps it, or asks a policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from sys import executable

from benchmarks.scene import Scene, Unavailable, scene
from benchmarks.table import Row, skipped
from benchmarks.timing import Contestant, Times, alternate
from tests.kit.go_tools import COSIGN_3

_ROUNDS = 7
_MOST_OF_HAND = {"not seen before": 0.6, "all cached": 0.8}
# Promised of an image that was not seen before; all cached, the bare Trivy run is next to nothing.
_MOST_OWN_SECONDS = {"not seen before": 0.3}
# By hand, cosign writes bundles; we would write what its older readers want as well.
_AS_COSIGN = {"SUPPLYCHAIN_SIGNATURE_FORMATS": "bundle"}

_TRIVY = (
    *("trivy", "image", "--image-src", "remote", "--cache-dir", "by-hand"),
    *("--skip-db-update", "--skip-java-db-update", "--skip-check-update", "--skip-version-check"),
    *("--offline-scan", "--disable-telemetry", "--no-progress"),
)
_KEY = ("--key", "bench.key", "--yes", "--tlog-upload=false", "--use-signing-config=false")


def measure() -> list[Row]:
    """Both cases: an image that nobody has seen before, and everything cached."""
    try:
        with scene() as here:
            return _measure(here, find_cosign())
    except Unavailable as reason:
        return [skipped("run", str(reason))]


def find_cosign() -> Path | None:
    """A cosign: named, on PATH, built earlier, or built now where there is Go; else None."""
    named = os.environ.get("SUPPLYCHAIN_BENCH_COSIGN") or shutil.which("cosign")
    if named:
        return Path(named)
    return None if COSIGN_3.build() else COSIGN_3.path


def _measure(here: Scene, cosign: Path | None) -> list[Row]:
    (here.folder / "by-hand").mkdir()
    database = (here.folder / "data" / "vulndb" / "current").resolve() / "db"
    (here.folder / "by-hand" / "db").symlink_to(database)
    return [
        *_case(here, cosign, "not seen before", lambda: _forget(here)),
        *_case(here, cosign, "all cached", here.reset_registry),
    ]


def _case(here: Scene, cosign: Path | None, case: str, prepare: Callable[[], object]) -> list[Row]:
    """All in turn; the registry is reset before each, since signatures pile up."""
    default = here.supplychain("run", here.image, "-e", "prod")
    alike = replace(default, environment={**default.environment, **_AS_COSIGN})
    ours, both, bare, start, *by_hand = alternate(
        Contestant(alike, prepare),
        Contestant(default, prepare),
        Contestant(_report(here), prepare),
        Contestant(here.process(executable, "-c", "pass")),
        *([Contestant(lambda: _by_hand(here, cosign), prepare)] if cosign else []),
        rounds=_ROUNDS,
    )
    return [
        _beside_hand(case, ours, by_hand),
        _beside_trivy(case, ours, bare, start),
        Row(
            f"run, {case}, with legacy signatures too",
            f"{both}",
            f"without {ours}",
            both.ratio(ours),
        ),
    ]


def _beside_hand(case: str, ours: Times, by_hand: list[Times]) -> Row:
    most = _MOST_OF_HAND[case]
    name, target = f"run, {case}", f"at most {most} of by hand"
    if not by_hand:
        return skipped(name, "no cosign on PATH, and no Go to build it", target)
    ratio = ours.ratio(by_hand[0])
    return Row(name, f"{ours}", f"by hand {by_hand[0]}", ratio, target, ratio <= most)


def _beside_trivy(case: str, ours: Times, bare: Times, start: Times) -> Row:
    own, most = ours.beyond(bare, start), _MOST_OWN_SECONDS.get(case)
    return Row(
        f"run, {case}: our own work",
        f"{own}",
        f"one bare Trivy {bare}, interpreter {start}",
        ours.ratio(bare),
        f"at most {most * 1000:.0f} ms beside both" if most else "",
        own.median <= most if most else None,
    )


def _by_hand(here: Scene, cosign: Path) -> None:
    for process in (
        _report(here),
        here.process(*_TRIVY, "-f", "cyclonedx", "-o", "sbom.json", here.image),
        here.process(cosign, "sign", *_KEY, here.image),
        here.process(
            *(cosign, "attest", *_KEY, "--type", "cyclonedx", "--predicate", "sbom.json"),
            here.image,
        ),
        here.process(
            *(cosign, "attest", *_KEY, "--type", "vuln", "--predicate", "report.json"), here.image
        ),
    ):
        process()


def _report(here: Scene) -> Callable[[], object]:
    """The JSON report of what we look for too."""
    scanners = ("--scanners", "vuln,license,secret")
    return here.process(*_TRIVY, *scanners, "-f", "json", "-o", "report.json", here.image)


def _forget(here: Scene) -> None:
    """As before anybody has seen the image."""
    here.reset_registry()
    here.reset_record()
    here.reset_caches()
    shutil.rmtree(here.folder / "by-hand" / "fanal", ignore_errors=True)
