"""Which images contain what, over everything recorded, and where they may run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, create_engine, text

from supplychain.errors import NotFoundError
from supplychain.gate.licences import licence_query
from supplychain.gate.packages import PackagePattern
from supplychain.model.component import Component
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.history import Event, Report
from supplychain.model.subject import Subject
from supplychain.records.claim_search import find_page
from supplychain.records.database import open_engine
from supplychain.records.found_images import FoundImage, Part
from supplychain.records.ledger import DecisionRecord
from supplychain.records.links import (
    ASSESSED,
    INVENTORIED,
    find_of_type,
    find_signed,
    find_spelt,
)
from supplychain.records.prepared import MOST_PLACES
from supplychain.records.record import Record
from supplychain.records.schema import metadata
from tests.kit.records import plan_of
from tests.kit.runs import (
    ARM,
    index_run,
    make_decision,
    manifest_run,
    platform_record,
    scan_record,
)
from tests.kit.scans import AT, PLATFORM, SUBJECT, make_component, make_finding

HOUR = timedelta(hours=1)
LATER = AT + 10 * HOUR
OTHER = Subject("registry.test/shop/other", Digest.of(b"another manifest"))


def django(version: str, licence: str = "BSD-3-Clause") -> Component:
    return make_component("Django", version, ecosystem="python-pkg", licences=(licence,))


def keep(
    record: Record, subject: Subject, *parts: Component, at: datetime = AT, report: bytes = b"{}"
) -> None:
    scan = scan_record(
        subject=subject, components=parts, findings=(), produced_at=at, report=report
    )
    record.save_run(manifest_run(subject, scan=scan), at=at)


def search(record: Record, purl: str, versions: str = "", at: datetime = LATER) -> list[FoundImage]:
    return list(record.search.component(PackagePattern.parse(purl, versions), at=at))


def digests(found: list[FoundImage] | tuple[FoundImage, ...]) -> set[Digest]:
    return {image.digest for image in found}


def test_a_package_is_found_by_range_in_its_own_order(record: Record) -> None:
    keep(record, SUBJECT, django("2.2.10"), make_component())
    keep(record, OTHER, django("2.2.9"))

    assert digests(search(record, "pkg:pypi/django")) == {SUBJECT.digest, OTHER.digest}
    # Letters would sort 2.2.10 before 2.2.9.
    assert digests(search(record, "pkg:pypi/django", "<2.2.10")) == {OTHER.digest}
    assert digests(search(record, "pkg:pypi/DJANGO@2.2.10")) == {SUBJECT.digest}
    assert digests(search(record, "pkg:pypi/dj*")) == {SUBJECT.digest, OTHER.digest}
    assert digests(search(record, "pkg:deb/*/libssl3", "<3.0.13-1")) == {SUBJECT.digest}
    assert search(record, "pkg:deb/ubuntu/libssl3") == []
    odd = make_component("zope.interface", "5.0", ecosystem="python-pkg")
    nuget = replace(odd, purl="pkg:nuget/Newtonsoft.Json@13.0.1", key="nuget")
    keep(record, OTHER, odd, nuget, at=AT + HOUR, report=b"other")
    assert digests(search(record, "pkg:pypi/Zope_Interface")) == {OTHER.digest}
    assert digests(search(record, "pkg:pypi/zope-._interface")) == {OTHER.digest}
    assert search(record, "pkg:pypi/zopeinterface") == []
    assert digests(search(record, "pkg:nuget/newtonsoft.json", ">=13")) == {OTHER.digest}
    assert search(record, "pkg:pypi/django", ">=3") == []


def test_what_cannot_be_compared_is_shown_as_such(record: Record) -> None:
    nameless = replace(django("2.2"), purl="", key="nameless")
    keep(record, SUBJECT, django("main"), nameless)
    [image] = search(record, "pkg:pypi/django", "<2")
    held = image.platforms[0].held
    assert [(h.version, h.certain) for h in held] == [("2.2", False), ("main", False)]
    assert all("cannot be compared" in h.detail for h in held)


def test_only_the_latest_scan_counts_and_the_past_can_be_asked(record: Record) -> None:
    keep(record, SUBJECT, django("2.2.9"))
    keep(record, SUBJECT, django("2.2.10"), at=AT + 5 * HOUR, report=b"another")
    assert search(record, "pkg:pypi/django@2.2.9") == []
    assert digests(search(record, "pkg:pypi/django@2.2.9", at=AT + HOUR)) == {SUBJECT.digest}
    assert search(record, "pkg:pypi/django@2.2.10", at=AT + HOUR) == []
    assert search(record, "pkg:pypi/django", at=AT - HOUR) == []


def test_it_says_where_the_image_may_run_and_does(record: Record) -> None:
    keep(record, SUBJECT, django("2.2.9"))
    for hour, (environment, verdict) in enumerate(
        [("prod", Verdict.ALLOW), ("prod", Verdict.DENY), ("test", Verdict.ALLOW)]
    ):
        made = make_decision(environment=environment, verdict=verdict, decided_at=AT + hour * HOUR)
        record.ledger.append(DecisionRecord(b"%d" % hour, made))
    record.history.deployed(Report(Event.STARTED, SUBJECT, "prod", AT + HOUR, "ci"), at=AT + HOUR)

    [image] = search(record, "pkg:pypi/django")
    assert image.names == (SUBJECT.name,)
    assert [(d.environment, d.verdict) for d in image.decisions] == [
        ("prod", Verdict.DENY),
        ("test", Verdict.ALLOW),
    ]
    assert image.running_in == ("prod",)
    [before] = search(record, "pkg:pypi/django", at=AT + HOUR / 2)
    assert [(d.environment, d.verdict) for d in before.decisions] == [("prod", Verdict.ALLOW)]
    assert before.running_in == ()


def test_of_an_index_the_platforms_are_shown_that_have_it(record: Record) -> None:
    run = index_run()
    platforms = tuple(
        platform_record(
            one.subject,
            one.platform,
            scan=scan_record(
                subject=one.subject,
                components=(django("2.2") if one.platform == ARM else make_component(),),
                findings=(),
                report=str(one.platform).encode(),
            ),
        )
        for one in run.platforms
    )
    record.save_run(replace(run, platforms=platforms), at=AT)
    [image] = search(record, "pkg:pypi/django")
    assert image.digest == run.subject.digest
    assert [p.platform for p in image.platforms] == [ARM]
    assert PLATFORM not in {p.platform for p in image.platforms}


def test_a_vulnerability_is_found_by_its_name(record: Record) -> None:
    finding = make_finding(vulnerability_id="CVE-2024-0727")
    record.save_run(manifest_run(scan=scan_record(findings=(finding,))), at=AT)
    keep(record, OTHER, make_component())

    [image] = record.search.vulnerability("cve-2024-0727", at=LATER)
    assert image.digest == SUBJECT.digest
    [held] = image.platforms[0].held
    assert (held.package, held.detail) == ("libssl3", "high, fixed in 3.0.13-1~deb12u1")
    assert record.search.vulnerability("CVE-2024-0728", at=LATER) == ()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AGPL-3.0-only", {OTHER.digest}),
        ("BSD-3-Clause", {SUBJECT.digest}),
        ("permissive", {SUBJECT.digest, OTHER.digest}),
        ("MIT AND network-copyleft", {OTHER.digest}),
        ("BSD-3-Clause OR AGPL-3", {SUBJECT.digest, OTHER.digest}),
        ("unknown", {SUBJECT.digest}),
        ("proprietary", set()),
    ],
)
def test_a_licence_is_found_wherever_it_is_mentioned(
    record: Record, query: str, found: set[Digest]
) -> None:
    odd = make_component("odd", "1", licences=())
    keep(record, SUBJECT, django("2.2"), odd)
    keep(record, OTHER, django("2.2", "MIT OR AGPL-3.0-only"))
    assert digests(record.search.licence(licence_query(query), at=LATER)) == found


def test_images_come_a_part_at_a_time_the_newest_first(record: Record) -> None:
    subjects = [Subject(f"registry.test/{n}", Digest.of(b"%d" % n)) for n in range(5)]
    for subject in subjects:
        keep(record, subject, django("2.2"))
    newest_first = [subject.digest for subject in reversed(subjects)]
    pattern = PackagePattern.parse("pkg:pypi/django")

    def part(**wanted: Any) -> list[Digest]:
        found = record.search.component(pattern, at=LATER, part=Part(**wanted))
        return [image.digest for image in found]

    assert part() == newest_first
    assert part(limit=2) == newest_first[:2]
    assert part(limit=2, after=newest_first[1]) == newest_first[2:4]
    assert part(limit=2, after=newest_first[4]) == []
    # Of one that has it no more the next one takes the place.
    keep(record, subjects[3], make_component(), at=AT + HOUR, report=b"without")
    assert part(limit=2) == [newest_first[0], newest_first[2]]
    assert part(limit=1, after=newest_first[0]) == [newest_first[2]]
    keep(record, subjects[3], django("2.2"), at=AT + 2 * HOUR, report=b"again")
    decided = make_decision(subject=subjects[0], environment="prod", decided_at=AT)
    record.ledger.append(DecisionRecord(b"0", decided))
    running = Report(Event.STARTED, subjects[3], "prod", AT, "ci")
    record.history.deployed(running, at=AT)
    # Those that are wanted, however many others lie between them.
    assert part(limit=1, environment="prod") == [subjects[3].digest]
    assert part(limit=2, environment="prod") == [subjects[3].digest, subjects[0].digest]
    assert part(environment="test") == []
    with pytest.raises(NotFoundError):
        part(after=Digest.of(b"nowhere"))


def test_an_index_that_is_recorded_later_moves_nothing(record: Record) -> None:
    run = index_run()
    [first, *_] = platforms = [platform_record(p.subject, p.platform) for p in run.platforms]
    run = replace(run, platforms=tuple(platforms))
    keep(record, first.subject, django("2.2"))
    keep(record, OTHER, django("2.2"))
    record.save_run(run, at=LATER)
    pattern = PackagePattern.parse("pkg:pypi/django")
    before = record.search.component(pattern, at=AT + HOUR)
    assert [image.digest for image in before] == [OTHER.digest, first.subject.digest]
    after = record.search.component(pattern, at=LATER)
    assert [image.digest for image in after] == [run.subject.digest, OTHER.digest]


def test_nothing_recorded_is_nothing_found(record: Record) -> None:
    assert search(record, "pkg:pypi/django") == []
    assert record.search.licence(licence_query("MIT"), at=LATER) == ()


def test_it_goes_by_index(database: str) -> None:
    """From packages to images no table is read whole: they grow with the images."""
    engine = open_engine(database)
    postgresql = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        if postgresql:
            # Small tables are read whole unless that is dear.
            connection.execute(text("SET enable_seqscan = off"))
        for query in (
            find_spelt("ab"),
            find_of_type("pypi"),
            INVENTORIED.find_having(1, [1, 2]),
            ASSESSED.find_having(1, [1, 2]),
            INVENTORIED.find_current([1, 2], AT),
            ASSESSED.find_current([1, 2], AT),
            find_signed(1, [1, 2], AT),
            _a_page([1]),
            _a_page([1, 2]),
        ):
            plan = plan_of(connection, query)
            read_whole = {name for name in metadata.tables if f"SCAN {name}" in plan}
            assert "Seq Scan" not in plan, plan
            assert not read_whole, plan
        # Not by the names of a type one after another: there are tens of thousands.
        assert "ix_components_spelt" in plan_of(connection, find_spelt("ab"))
    engine.dispose()


def test_a_page_of_claims_is_read_in_the_order_of_the_index() -> None:
    """Whatever sorts has to have read all of them."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        plan = plan_of(connection, _a_page([1]))
    engine.dispose()
    assert "SEARCH sbom_components USING PRIMARY KEY (component_id=? AND content_id<?)" in plan
    assert "TEMP B-TREE" not in plan


def _a_page(members: list[int]) -> Select[Any]:
    return find_page(project=1, members=members, at=AT, most=100, document=2**40, claim=2**40)


def test_long_lists_go_by_index() -> None:
    """For `(x IN …) = 1`, as SQLAlchemy likes to write it for SQLite, no index helps."""
    engine = create_engine("sqlite://")
    asked: list[str] = []
    metadata.create_all(engine)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_trace_callback(asked.append)
        INVENTORIED.current(connection, range(2 * MOST_PLACES), AT)
        raw.set_trace_callback(None)
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}").all())
    engine.dispose()
    assert "json_each" in plan
    assert "SCAN evidence" not in plan
