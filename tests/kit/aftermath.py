"""What has to be so after every fault: nothing lost, nothing done twice, no other verdict, no rest.

What runs left is counted and compared with what they leave where nothing went wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select

from supplychain.model.runs import RunState
from supplychain.records.database import open_engine, reading
from supplychain.records.schema import decisions
from tests.kit.crew import Crew
from tests.kit.records import row_counts

# What was found out about images, what is said about them, and what came of it.
_EVIDENCE = (
    "assessments",
    "attestations",
    "configurations",
    "decision_links",
    "decisions",
    "evidence",
    "image_names",
    "images",
    "inventories",
    "sboms",
    "scans",
    "tag_resolutions",
    "unsigned_claims",
)


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of what was done.

    Attributes:
        rows: How many rows the tables of evidence have; those that have none are left out.
        verdicts: How often the gate said what, on record.
        beside: How many statements lie beside an image in its registry, by where.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    beside: Mapping[str, int] = field(default_factory=dict)


NOTHING = Left()


def left(url: str, repository: str = "") -> Left:
    """What is left.

    Args:
        url: The record's database.
        repository: `host:port/name` in a registry without the referrers API; "" for none.
    """
    counts = row_counts(url)
    rows = {name: counts[name] for name in _EVIDENCE if counts[name]}
    return Left(rows, _verdicts(url), _beside(repository) if repository else {})


def require_sound(
    crew: Crew,
    submitted: Collection[str],
    *,
    clean: Left = NOTHING,
    repository: str = "",
    set_aside: Collection[str] = (),
) -> None:
    """Demand what has to be so after every fault.

    Args:
        crew: The record, and whoever works on it.
        submitted: The ids of all runs that were asked for.
        clean: What these runs leave where nothing goes wrong.
        repository: As in `left`.
        set_aside: Of these, whose workers died over and over, and that say so.
    """
    runs = crew.runs(limit=2 * len(submitted) + 10)
    # No run is lost, and none was made that nobody asked for.
    assert sorted(run.id for run in runs) == sorted(submitted)
    # The queue is drained.
    for run in runs:
        wanted = RunState.DEAD if run.id in set_aside else RunState.SUCCEEDED
        assert run.state is wanted, f"{run.state} after {run.takeovers} takeovers: {run.error}"
    _require_told_once(crew, [run.id for run in runs if run.id not in set_aside])
    found = left(crew.url, repository)
    # Nothing was signed or recorded twice.
    assert found.beside == clean.beside, f"{found} {clean}"
    assert found.rows == clean.rows, f"{found} {clean}"
    # No allow, and no deny, that would not have been.
    assert found.verdicts == clean.verdicts


def _require_told_once(crew: Crew, submitted: Collection[str]) -> None:
    deeds = Counter(crew.deeds())
    # Whoever is killed right after an end has no time to say so, and nobody says so twice.
    assert all(count == 1 for count in deeds.values()), deeds
    with crew.record() as record:
        for run in submitted:
            events = record.runs.events(run)
            assert [event.number for event in events] == list(range(1, len(events) + 1))
            assert [event.kind for event in events].count("succeeded") == 1


def _verdicts(url: str) -> Counter[str]:
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            return Counter(map(str, connection.scalars(select(decisions.c.verdict))))
    finally:
        engine.dispose()


def _beside(repository: str) -> dict[str, int]:
    """Tags of what is attached: an index's entries, or a manifest's layers."""
    host, _, name = repository.partition("/")
    found = {}
    accepted = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
    with httpx.Client(base_url=f"http://{host}/v2/{name}/", timeout=20) as client:
        for tag in client.get("tags/list").raise_for_status().json()["tags"]:
            if not tag.startswith("sha256-"):
                continue
            document = client.get(f"manifests/{tag}", headers={"Accept": accepted}).json()
            found[tag] = len(document.get("manifests", ()) or document.get("layers", ()))
    return found
