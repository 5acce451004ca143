"""Feeds on record: the latest edition counts, as of an instant, and its bytes are kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.model.decision import Decision
from supplychain.model.dossier import Need
from supplychain.model.evidence import EvidenceKind
from supplychain.model.exploitation import Exploitation, FeedKind
from supplychain.pipeline.judge import judge
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, writing
from supplychain.records.feed_tables import feed_editions
from supplychain.records.record import Record
from tests.kit.feeds import EPSS_DATE, KEV_DATE, LOG4SHELL, epss, kev
from tests.kit.policies import make_policy
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT, make_finding

DAY = timedelta(days=1)
NEEDED = frozenset({Need.EXPLOITATION})


def exploitation(record: Record, *, day: int = 0, needs: frozenset[Need] = NEEDED) -> Exploitation:
    dossier = record.dossier(SUBJECT.digest, at=AT + day * DAY, needs=needs)
    assert dossier
    return dossier.exploitation


def found(record: Record, *names: str, aliases: tuple[str, ...] = ()) -> None:
    findings = [make_finding(vulnerability_id=name, aliases=aliases) for name in names]
    record.save_run(manifest_run(scan=scan_record(findings=findings)), at=AT)


def test_an_edition_is_kept_byte_for_byte_under_its_own_date(
    record: Record, content: ContentStore
) -> None:
    edition = record.feeds.add(FeedKind.EPSS, epss(), source="epss.csv.gz", at=AT)
    assert content.get(edition.digest) == epss()
    assert (edition.published_at, edition.recorded_at) == (EPSS_DATE, AT)
    assert (edition.version, edition.entries, edition.source) == ("v2025.03.14", 3, "epss.csv.gz")
    assert record.feeds.add(FeedKind.EPSS, epss(), source="again", at=AT + DAY) == edition
    assert record.feeds.editions(at=AT) == (edition,)


def test_the_findings_of_an_image_are_looked_up(record: Record) -> None:
    found(record, LOG4SHELL, "CVE-2024-0727", "CVE-2030-0001")
    record.feeds.add(FeedKind.EPSS, epss(), source="f", at=AT)
    record.feeds.add(FeedKind.KEV, kev(), source="f", at=AT)
    said = exploitation(record)
    assert [c.vulnerability_id for c in said.chances] == [LOG4SHELL, "CVE-2024-0727"]
    assert [k.vulnerability_id for k in said.known or ()] == [LOG4SHELL]


def test_another_name_of_a_vulnerability_is_looked_up_too(record: Record) -> None:
    found(record, "GHSA-jfh8-c2jp-5v3q", aliases=(LOG4SHELL,))
    record.feeds.add(FeedKind.KEV, kev(), source="f", at=AT)
    assert [k.vulnerability_id for k in exploitation(record).known or ()] == [LOG4SHELL]


def test_without_a_need_nobody_looks_and_that_is_told_from_finding_nothing(
    record: Record,
) -> None:
    found(record, LOG4SHELL)
    record.feeds.add(FeedKind.EPSS, epss(), source="f", at=AT)
    record.feeds.add(FeedKind.KEV, kev("CVE-2019-0708"), source="f", at=AT)
    assert exploitation(record, needs=frozenset()) == Exploitation(known=None)
    assert exploitation(record).known == ()


def test_an_older_edition_never_replaces_a_newer_one(record: Record) -> None:
    found(record, LOG4SHELL)
    newer = record.feeds.add(FeedKind.KEV, kev(), source="f", at=AT)
    older = kev("CVE-2019-0708", at=KEV_DATE - DAY)
    record.feeds.add(FeedKind.KEV, older, source="f", at=AT + DAY)
    assert exploitation(record, day=2).kev == newer
    assert record.feeds.current(FeedKind.KEV, at=AT + 2 * DAY) == newer
    latest = record.feeds.add(FeedKind.KEV, kev(at=AT + DAY), source="f", at=AT + 2 * DAY)
    assert [e.digest for e in record.feeds.editions(at=AT + 2 * DAY)][:2] == [
        latest.digest,
        newer.digest,
    ]


def test_the_past_knows_what_was_known_then(record: Record) -> None:
    found(record, LOG4SHELL)
    then = record.feeds.add(FeedKind.EPSS, epss(), source="f", at=AT)
    risen = epss({LOG4SHELL: ("0.97", "1.0")}, at=AT + 3 * DAY)
    now = record.feeds.add(FeedKind.EPSS, risen, source="f", at=AT + 4 * DAY)
    assert exploitation(record, day=3).epss == then
    assert exploitation(record, day=3).chances[0].score == 0.94358
    assert exploitation(record, day=4).epss == now
    assert exploitation(record, day=4).chances[0].score == 0.97


def test_what_is_no_feed_or_comes_from_the_future_is_not_recorded(
    record: Record, content: ContentStore
) -> None:
    for kind, data in (
        (FeedKind.EPSS, kev()),
        (FeedKind.KEV, epss()),
        (FeedKind.EPSS, epss(at=AT + DAY)),
        (FeedKind.KEV, kev(at=AT + DAY)),
    ):
        with pytest.raises(InputError):
            record.feeds.add(kind, data, source="f", at=AT)
    assert record.feeds.editions(at=AT + 9 * DAY) == ()
    assert list(content.digests()) == []
    with pytest.raises(NotFoundError, match="no edition of KEV"):
        record.feeds.current(FeedKind.KEV, at=AT)


def test_editions_are_append_only(record: Record, database: str) -> None:
    record.feeds.add(FeedKind.KEV, kev(), source="f", at=AT)
    engine = open_engine(database)
    for statement in (update(feed_editions).values(version="9"), delete(feed_editions)):
        with pytest.raises((DBAPIError, StoreError)), writing(engine) as connection:
            connection.execute(statement)
    engine.dispose()


def test_an_edition_that_is_lost_is_an_error_and_no_allow(
    record: Record, content: ContentStore
) -> None:
    found(record, LOG4SHELL)
    edition = record.feeds.add(FeedKind.KEV, kev("CVE-2019-9999"), source="f", at=AT)
    path = next(content._root.rglob(edition.digest.hex))  # type: ignore[attr-defined]
    path.unlink()
    with pytest.raises(NotFoundError):
        exploitation(record)


def test_the_gate_judges_by_the_feeds_on_record_and_can_be_asked_again(record: Record) -> None:
    found(record, LOG4SHELL, "CVE-2024-0727")
    policy = make_policy(
        "vulnerabilities: {kev: true, feed_age: 14d}",
        "vulnerabilities: {epss: 0.5, severity: low, feed_age: 3d}",
    )

    def judged(day: int) -> Decision:
        at = AT + day * DAY
        return judge(record, SUBJECT, policy, environment="prod", at=at).decision

    before = judged(0)
    assert [v.message for v in before.violations if v.finding is None] == [
        "no KEV feed is recorded"
    ]
    record.feeds.add(FeedKind.EPSS, epss(at=AT + DAY), source="f", at=AT + DAY)
    kev_edition = record.feeds.add(FeedKind.KEV, kev(), source="f", at=AT + DAY)
    after = judged(1)
    messages = [v.message.partition(" in ")[0] for v in after.violations]
    assert messages == [
        f"{LOG4SHELL} high (debian), KEV",
        f"{LOG4SHELL} high (debian), EPSS 0.94",
    ]
    cited = {e.digest for e in after.evidence if e.kind is EvidenceKind.FEED}
    assert kev_edition.digest in cited
    assert judged(0).violations == before.violations
