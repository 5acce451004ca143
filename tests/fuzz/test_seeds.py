"""Every seed, and all that fuzzing has ever found, through the targets as fuzzing runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import SEEDS, TARGETS, run

FOUND = "found-"
# What proves nothing by itself: the seeds of `verification` take these to the end.
NEVER_ALONE = {"checkpoint", "log-annotation", "log-body", "timestamp"}


def _seeds() -> list[Path]:
    return sorted(path for path in SEEDS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("seed", _seeds(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_seed_is_taken_or_refused_in_our_words(seed: Path) -> None:
    run(TARGETS[seed.parent.name], seed.read_bytes())


def test_every_target_has_seeds_and_every_seed_a_target() -> None:
    assert {path.parent.name for path in _seeds()} == set(TARGETS)


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - NEVER_ALONE))
def test_a_genuine_seed_gets_to_the_end(name: str) -> None:
    """Else fuzzing would begin with what is refused at once, and find nothing."""
    genuine = [path for path in (SEEDS / name).iterdir() if not path.name.startswith(FOUND)]
    assert any(run(TARGETS[name], path.read_bytes()) for path in genuine)
