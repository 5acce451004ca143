"""Simulations of policies over the whole record, on every core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.model.subject import Subject
    from supplychain.pipeline.simulate import Shift
    from supplychain.records.record import Record

# A process of its own costs a quarter of a second: fewer images than this are done before.
_WORTH_A_PROCESS = 300
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the record is."""

    database: str = field(repr=False)  # it may hold a password
    content: str
    project: str

    def open(self) -> Record:
        from supplychain.records.record import Record
        from supplychain.records.stores import open_content_store

        return Record.open(self.database, open_content_store(self.content), project=self.project)


@dataclass(frozen=True, slots=True)
class _Task:
    """What one process does; policies go in the form in which they can be read anywhere."""

    place: _Place
    subjects: tuple[Subject, ...]
    old: bytes
    new: bytes
    at: datetime


def policy_pairs(old: Path, new: Path) -> list[tuple[Policy, Policy]]:
    """The policies to compare: of two files, or by environment of two folders.

    Raises:
        InputError: They are for different environments, or one is a file and one a folder.
        PolicyError: One is not usable.
    """
    from supplychain.bootstrap.trust import load_policy

    if old.is_dir() != new.is_dir():
        raise InputError(
            "a folder of policies and a single one cannot be compared",
            hint="name two files, or two folders",
        )
    if not new.is_dir():
        pair = load_policy(old), load_policy(new)
        if pair[0].environment != pair[1].environment:
            raise InputError(
                f"{old} is for {pair[0].environment}, {new} for {pair[1].environment}",
                hint="compare policies of the same environment",
            )
        return [pair]
    before, after = _policies_in(old), _policies_in(new)
    return [(before[name], after[name]) for name in sorted(before.keys() & after.keys())]


def _policies_in(folder: Path) -> dict[str, Policy]:
    from supplychain.bootstrap.trust import load_policy_or_part
    from supplychain.gate.policy import Policy

    files = [path for path in folder.glob("*.yaml") if not path.name.endswith(".test.yaml")]
    read = [load_policy_or_part(path) for path in sorted(files)]
    return {found.environment: found for found in read if isinstance(found, Policy)}


def simulated(
    settings: Settings,
    pairs: Sequence[tuple[Policy, Policy]],
    *,
    at: datetime,
    told: Callable[[int, int], None],
) -> Iterator[Shift]:
    """What shifts, of everything on record, in the order of environments and images.

    Args:
        settings: Where the record is.
        pairs: Old and new policies.
        at: The instant judged for (aware, UTC).
        told: Hears how many images are done, and of how many.
    """
    project = settings.text("project") or "default"
    place = _Place(settings.database_url, settings.content_url, project)
    with place.open() as record:
        subjects = record.images.subjects(at=at)
    total, done = len(subjects) * len(pairs), 0
    for old, new in pairs:
        tasks = [
            _Task(place, subjects[start : start + _CHUNK], old.canonical(), new.canonical(), at)
            for start in range(0, len(subjects), _CHUNK)
        ]
        for count, shifts in _worked(tasks):
            done += count
            told(done, total)
            yield from shifts


def _worked(tasks: Sequence[_Task]) -> Iterator[tuple[int, list[Shift]]]:
    cores = len(os.sched_getaffinity(0))
    if cores == 1 or len(tasks) * _CHUNK < _WORTH_A_PROCESS:
        yield from map(_work, tasks)
        return
    # Not forked: a copy of a process with threads and database connections may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(cores, len(tasks)), mp_context=context) as pool:
        yield from pool.map(_work, tasks)


def _work(task: _Task) -> tuple[int, list[Shift]]:
    from supplychain.bootstrap.decided import read_recorded
    from supplychain.pipeline.simulate import simulate

    old, new = read_recorded(task.old), read_recorded(task.new)
    with task.place.open() as record:
        found = simulate(record, task.subjects, old, new, at=task.at)
        return len(task.subjects), [shift for shift in found if shift is not None]
