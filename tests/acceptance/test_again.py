"""The same image again: later, at the same time, and after the first run was killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kit.cli import Desk, until
from tests.kit.registry import RunningRegistry
from tests.kit.shop import attached_to, digest_of, push


def test_a_second_run_adds_neither_sbom_nor_signature(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    digest = push(repaired, reference)
    run = ("run", f"{reference}:1.0", "-e", "prod")

    desk.type(*run).ended(0)
    first = _statements(desk, f"{reference}@{digest}")
    sbom = desk.type("export", "sbom", digest).ended(0).stdout
    desk.type(*run).ended(0)

    second = _statements(desk, f"{reference}@{digest}")
    for kind in ("sign/v1", "cyclonedx.org/bom"):
        assert _of(kind, second) == _of(kind, first)
        assert len(_of(kind, first)) == 1
    assert desk.type("export", "sbom", digest).ended(0).stdout == sbom
    assert desk.recorded() == [digest]


def test_two_runs_at_once(desk: Desk, repaired: Path, debian_registry: RunningRegistry) -> None:
    reference = debian_registry.fresh()
    digest = push(repaired, reference)

    def run(_: int) -> int:
        return desk.type("run", f"{reference}:1.0", "-e", "prod").ended(0).code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == [0, 0]
    assert desk.recorded() == [digest]
    assert desk.leftovers() == []
    # No statement of either was lost, and what the record holds is what was signed.
    before = _statements(desk, f"{reference}@{digest}")
    assert len(_of("vuln/v1", before)) == 2
    desk.type("gate", digest, "-e", "prod").ended(0)
    desk.type("run", f"{reference}:1.0", "-e", "prod").ended(0)
    after = _statements(desk, f"{reference}@{digest}")
    assert _of("sign/v1", after) == _of("sign/v1", before)
    assert _of("cyclonedx.org/bom", after) == _of("cyclonedx.org/bom", before)


def test_two_first_runs_at_once_make_one_record(
    desk: Desk, repaired: Path, vulnerable: Path
) -> None:
    def run(image: Path) -> int:
        return desk.type("run", f"oci:{image}", "-e", "prod").code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, (repaired, vulnerable))) == [0, 10]
    assert sorted(desk.recorded()) == sorted((digest_of(repaired), digest_of(vulnerable)))


@pytest.mark.parametrize("moment", ["starting", "fetching", "scanning", "sealing", "recording"])
def test_a_killed_run_started_again(desk: Desk, repaired: Path, moment: str) -> None:
    reached: dict[str, Callable[[], object]] = {
        "starting": (desk.data / "supplychain.db").exists,
        "fetching": lambda: any((desk.cache / "work").glob("*/*")),
        "scanning": desk.scanners,
        "sealing": lambda: attached_to(repaired),
        "recording": lambda: any((desk.data / "content").rglob("*")),
    }
    with desk.typing("run", f"oci:{repaired}", "-e", "prod") as process:
        until(reached[moment])
        process.kill()
    until(lambda: not desk.scanners(), timeout=5)

    recorded = desk.rows()
    desk.type("run", f"oci:{repaired}", "-e", "prod").ended(0)
    assert desk.rows()["images"] == 1
    assert desk.leftovers() == []
    # The image that had been signed when the end came is not signed twice.
    assert len(_of("sign/v1", _statements(desk, f"oci:{repaired}"))) == 1
    assert not recorded or recorded["images"] == 1


def _statements(desk: Desk, image: str) -> list[dict[str, str]]:
    done = desk.type("verify", image, "--key", desk.public_key, "-o", "json").ended(0)
    found: list[dict[str, str]] = json.loads(done.stdout)["verified"]
    return found


def _of(kind: str, statements: list[dict[str, str]]) -> list[str]:
    return sorted(one["envelope"] for one in statements if one["predicate_type"].endswith(kind))
