"""What goes into the record comes out as it was, on both engines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, update

from supplychain.errors import (
    DigestMismatchError,
    InputError,
    NotFoundError,
    StoreError,
)
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need, PlatformDossier, RecordedFinding
from supplychain.model.evidence import SIGNATURE_PREDICATE, Build, EvidenceKind
from supplychain.model.finding import Finding, Severity
from supplychain.model.identity import Clock, Identity, LogEntry, NameKind, TrustedTime
from supplychain.model.subject import Platform, Subject
from supplychain.records.attested import attestations
from supplychain.records.content import ContentStore, key_of
from supplychain.records.database import open_engine, writing
from supplychain.records.record import Record
from tests.kit.runs import (
    ARM,
    attestation_record,
    index_run,
    manifest_run,
    sbom_record,
    scan_record,
    without_lists,
)
from tests.kit.scans import (
    AT,
    LAYERS,
    PLATFORM,
    SUBJECT,
    make_component,
    make_finding,
    realistic_components,
    realistic_findings,
)


def test_what_an_index_says_of_a_child_counts_for_that_index_alone(record: Record) -> None:
    """Else one index could make another's platform look like one that nobody runs."""
    lying, honest = index_run("registry.test/lying"), index_run("registry.test/honest")
    child = honest.platforms[0]
    lie = replace(child, platform=Platform("linux", "s390x"), scan=None)
    record.save_run(replace(lying, platforms=(*lying.platforms, lie)), at=AT)
    record.save_run(honest, at=AT)

    for run, said in ((lying, lie.platform), (honest, child.platform)):
        dossier = record.dossier(run.subject.digest, at=AT)
        assert dossier
        told = {p.subject.digest: p.platform for p in dossier.platforms}
        shown = record.images.show(run.subject.digest, at=AT)
        assert told == {p.digest: p.platform for p in shown.platforms}
        assert told[child.subject.digest] == said


def test_what_an_image_says_of_itself_stands_above_what_an_index_said(record: Record) -> None:
    run = index_run()
    lie = replace(run.platforms[0], subject=SUBJECT, platform=Platform("linux", "s390x"), scan=None)
    record.save_run(replace(run, platforms=(lie,)), at=AT)
    record.save_run(manifest_run(), at=AT)

    assert _platform(record.dossier(SUBJECT.digest, at=AT)).platform == PLATFORM


def test_a_name_is_a_repository_once_a_registry_was_seen_to_have_it(record: Record) -> None:
    """Whoever records a file chooses its name, and that takes nothing from what is known."""
    later, last = AT + timedelta(hours=1), AT + timedelta(hours=2)
    called = replace(SUBJECT, name="elsewhere.test/web")
    record.save_run(replace(manifest_run(), resolved=False), at=AT)
    record.save_run(manifest_run(), at=later)
    record.save_run(replace(manifest_run(called), resolved=False), at=last)
    record.save_run(replace(manifest_run(), resolved=False), at=last)

    def told(at: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
        dossier = record.dossier(SUBJECT.digest, at=at)
        assert dossier
        return dossier.names, dossier.repositories

    assert told(AT) == ((SUBJECT.name,), ())
    assert told(later) == ((SUBJECT.name,), (SUBJECT.name,))
    assert told(last) == ((called.name, SUBJECT.name), (SUBJECT.name,))


@pytest.mark.parametrize("resolved", [True, False])
def test_the_platforms_of_an_index_are_where_the_index_is(record: Record, resolved: bool) -> None:
    run = replace(index_run(), resolved=resolved)
    record.save_run(run, at=AT)
    for digest in (run.subject.digest, run.platforms[1].subject.digest):
        dossier = record.dossier(digest, at=AT)
        assert dossier
        assert dossier.repositories == ((run.subject.name,) if resolved else ())


def _platform(dossier: Dossier | None) -> PlatformDossier:
    assert dossier is not None
    [platform] = dossier.platforms
    return platform


def test_a_whole_run_comes_back_as_it_was(record: Record, content: ContentStore) -> None:
    components = realistic_components(30)
    scan = scan_record(components=components, findings=realistic_findings(components, 12))
    sbom = sbom_record()
    signature = attestation_record(predicate_type=SIGNATURE_PREDICATE)
    statement = attestation_record(
        signed_at=AT - timedelta(minutes=1), predicate_digest=sbom.sbom.evidence.digest
    )
    run = manifest_run(scan=scan, sbom=sbom, attestations=(signature, statement), tag="1.0")

    record.save_run(run, at=AT)

    dossier = record.dossier(SUBJECT.digest, at=AT)
    platform = _platform(dossier)
    assert dossier is not None
    assert dossier.subject == platform.subject == SUBJECT
    assert platform.platform == PLATFORM
    assert platform.scan == without_lists(scan)
    assert platform.findings == tuple(
        RecordedFinding(f, AT, AT if f.fixable else None) for f in scan.scan.findings
    )
    assert platform.sbom == sbom.sbom
    assert platform.component_count == 30
    expected = {signature.attestation, statement.attestation}
    assert set(platform.attestations) == set(dossier.attestations) == expected
    assert {content.get(digest) for digest in content.digests()} == set(run.blobs())
    assert record.images.document(SUBJECT.digest, EvidenceKind.SBOM) == sbom.document
    assert record.images.document(SUBJECT.digest, EvidenceKind.SCAN) == scan.report


def test_an_index_comes_back_with_every_child(record: Record) -> None:
    run = index_run(attestations=True)
    arm = replace(run.platforms[1], scan=None)
    run = replace(run, platforms=(run.platforms[0], arm))

    record.save_run(run, at=AT)

    dossier = record.dossier(run.subject.digest, at=AT)
    assert dossier is not None
    assert dossier.subject == run.subject
    assert [p.platform for p in dossier.platforms] == [PLATFORM, ARM]
    assert [p.subject for p in dossier.platforms] == [p.subject for p in run.platforms]
    assert [p.scan is None for p in dossier.platforms] == [False, True]
    assert dossier.attestations == (run.attestations[0].attestation,)
    child = record.dossier(arm.subject.digest, at=AT)
    assert _platform(child).platform == ARM


def test_nothing_recorded_is_none_not_an_empty_dossier(record: Record) -> None:
    assert record.dossier(SUBJECT.digest, at=AT) is None


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
_INSTANT = st.integers(0, 6_500_000_000_000_000).map(
    lambda microseconds: AT + timedelta(microseconds=microseconds - 1_000_000_000_000_000)
)
_FINDINGS = st.builds(
    Finding,
    vulnerability_id=_TEXT,
    purl=_TEXT,
    package=_TEXT,
    installed_version=_TEXT,
    fixed_version=_TEXT,
    severity=st.sampled_from(Severity),
    severity_source=_TEXT,
    path=_TEXT,
    status=_TEXT,
    title=_TEXT,
    url=_TEXT,
    published_at=st.none() | _INSTANT,
    layer=st.none() | st.sampled_from([plain for _, plain in LAYERS]),
    component=_TEXT,
)


_NUMBERS = itertools.count()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(found=st.lists(_FINDINGS, max_size=6), produced_at=_INSTANT)
def test_any_findings_come_back_as_they_were(
    record: Record, found: list[Finding], produced_at: datetime
) -> None:
    subject = replace(SUBJECT, digest=Digest.of(b"image %d" % next(_NUMBERS)))
    scan = scan_record(subject=subject, findings=found, produced_at=produced_at)

    record.save_run(manifest_run(subject, scan=scan), at=produced_at)

    platform = _platform(record.dossier(subject.digest, at=produced_at))
    assert platform.scan == without_lists(scan)
    assert tuple(recorded.finding for recorded in platform.findings) == scan.scan.findings
    assert all(recorded.first_seen_at <= produced_at for recorded in platform.findings)


_IDENTITIES = st.builds(
    Identity,
    name=_TEXT,
    kind=st.sampled_from(NameKind),
    issuer=_TEXT,
    claims=st.dictionaries(_TEXT, _TEXT, max_size=3).map(lambda said: tuple(sorted(said.items()))),
)
_ENTRIES = st.builds(LogEntry, log=_TEXT, log_id=_TEXT, index=st.integers(0, 2**63), kind=_TEXT)
_TIMES = st.builds(TrustedTime, at=_INSTANT, clock=st.sampled_from(Clock), name=_TEXT)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    identity=st.none() | _IDENTITIES,
    entries=st.lists(_ENTRIES, max_size=3),
    times=st.lists(_TIMES, max_size=3),
)
def test_whoever_signed_comes_back_as_they_were(
    record: Record,
    identity: Identity | None,
    entries: list[LogEntry],
    times: list[TrustedTime],
) -> None:
    subject = replace(SUBJECT, digest=Digest.of(b"image %d" % next(_NUMBERS)))
    made = attestation_record(subject=subject)
    earliest_first = tuple(sorted(times, key=lambda time: time.at))
    attestation = replace(
        made.attestation, identity=identity, log_entries=tuple(entries), times=earliest_first
    )
    made = replace(made, attestation=attestation)

    record.save_run(manifest_run(subject, attestations=(made,)), at=AT)

    assert _platform(record.dossier(subject.digest, at=AT)).attestations == (attestation,)


_BUILD = Build(
    "https://ci.example",
    "https://build.example/v1",
    images=(replace(SUBJECT, name="docker.io/library/python"), SUBJECT),
)


def test_what_provenance_says_of_a_build_comes_back(record: Record) -> None:
    made = attestation_record()
    told = replace(made.attestation, build=_BUILD)
    record.save_run(manifest_run(attestations=(replace(made, attestation=told),)), at=AT)
    assert _platform(record.dossier(SUBJECT.digest, at=AT)).attestations == (told,)


def test_logs_and_clocks_that_are_verified_later_are_kept_beside_the_first_instant(
    record: Record,
) -> None:
    bare = attestation_record()
    entry, time = (
        LogEntry("https://log.test", "00", 1, "dsse 0.0.1"),
        TrustedTime(AT, Clock.LOG, "l"),
    )
    later = AT + timedelta(days=1)
    more = replace(bare.attestation, log_entries=(entry,), times=(time,), verified_at=later)
    expected = replace(more, verified_at=AT)

    record.save_run(manifest_run(attestations=(bare,)), at=AT)
    # What was seen once is not taken back by somebody who did not look.
    for attestation in (more, bare.attestation):
        run = manifest_run(attestations=(replace(bare, attestation=attestation),))
        record.save_run(run, at=later)
        assert _platform(record.dossier(SUBJECT.digest, at=later)).attestations == (expected,)


def test_a_damaged_row_is_a_fault_and_no_attestation(record: Record, database: str) -> None:
    record.save_run(manifest_run(attestations=(attestation_record(),)), at=AT)
    engine = open_engine(database)
    for damage in ("", "{}}", '[{"at": 1}]', '[["2026"]]', "7", "[{}]"):
        with writing(engine) as connection:
            connection.execute(update(attestations).values(times=damage))
        with pytest.raises(StoreError, match="cannot be read"):
            record.dossier(SUBJECT.digest, at=AT)
    engine.dispose()


@pytest.mark.parametrize("platform", [Platform("linux", "arm", "v7"), Platform("", "")])
def test_any_platform_comes_back_as_it_was(record: Record, platform: Platform) -> None:
    run = manifest_run()
    run = replace(run, platforms=(replace(run.platforms[0], platform=platform),))

    record.save_run(run, at=AT)

    assert _platform(record.dossier(SUBJECT.digest, at=AT)).platform == platform


def test_an_image_without_components_or_findings_is_recorded_as_such(record: Record) -> None:
    scan = scan_record(components=(), findings=())

    record.save_run(manifest_run(scan=scan), at=AT)

    platform = _platform(record.dossier(SUBJECT.digest, at=AT))
    assert platform.scan == without_lists(scan)
    assert platform.findings == ()
    assert platform.component_count == 0


def test_parts_recorded_one_by_one_are_one_dossier(record: Record) -> None:
    parts = [
        manifest_run(scan=scan_record()),
        manifest_run(sbom=sbom_record()),
        manifest_run(attestations=(attestation_record(),)),
    ]
    for part in parts:
        record.save_run(part, at=AT)

    platform = _platform(record.dossier(SUBJECT.digest, at=AT))
    assert platform.scan
    assert platform.sbom
    assert len(platform.attestations) == 1


def test_what_does_not_hold_together_leaves_nothing(record: Record, content: ContentStore) -> None:
    scan = replace(scan_record(), report=b"other bytes")

    with pytest.raises(DigestMismatchError):
        record.save_run(manifest_run(scan=scan), at=AT)

    assert record.dossier(SUBJECT.digest, at=AT) is None
    assert list(content.digests()) == []


def test_an_instant_without_a_time_zone_is_refused(record: Record) -> None:
    naive = AT.replace(tzinfo=None)

    with pytest.raises(InputError, match="no time zone"):
        record.save_run(manifest_run(), at=naive)
    assert record.dossier(SUBJECT.digest, at=AT) is None


def test_a_document_changed_in_the_store_is_refused(record: Record, tmp_path: Path) -> None:
    sbom = sbom_record()
    record.save_run(manifest_run(sbom=sbom), at=AT)
    file = tmp_path / "content" / key_of(sbom.sbom.evidence.digest)
    file.chmod(0o644)
    file.write_bytes(b"another SBOM")

    with pytest.raises(DigestMismatchError):
        record.images.document(SUBJECT.digest, EvidenceKind.SBOM)


def test_a_document_that_was_never_recorded_is_not_found(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)

    with pytest.raises(NotFoundError, match="no sbom of"):
        record.images.document(SUBJECT.digest, EvidenceKind.SBOM)


def test_a_project_that_does_not_exist_is_not_found(database: str, content: ContentStore) -> None:
    with pytest.raises(NotFoundError, match="no project 'other'"):
        Record.open(database, content, project="other")


def test_reading_for_the_gate_takes_as_many_questions_whatever_the_image(record: Record) -> None:
    asked = []
    for number, count in enumerate((3, 300)):
        subject = Subject(SUBJECT.name, Digest.of(f"{number}".encode()))
        components = realistic_components(500)
        scan = scan_record(
            subject=subject,
            components=components,
            findings=realistic_findings(components, count),
        )
        record.save_run(manifest_run(subject, scan=scan), at=AT)
        with counted_statements() as statements:
            found = record.dossier(subject.digest, at=AT)
        assert len(_platform(found).findings) == count
        asked.append(len(statements))
    assert asked[0] == asked[1]


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """What is sent to any database meanwhile."""
    statements: list[str] = []

    def note(*execution: object) -> None:
        statements.append(str(execution[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_package_of_a_finding_need_not_be_a_component(record: Record) -> None:
    lonely = make_finding(make_component("elsewhere", "1"))
    scan = scan_record(components=(), findings=(lonely,))

    record.save_run(manifest_run(scan=scan), at=AT)

    platform = _platform(record.dossier(SUBJECT.digest, at=AT))
    assert [recorded.finding for recorded in platform.findings] == [lonely]


def test_components_are_read_where_a_rule_needs_them(record: Record) -> None:
    components = realistic_components(40)
    run = manifest_run(scan=scan_record(components=components))
    record.save_run(run, at=AT)
    assert _platform(record.dossier(SUBJECT.digest, at=AT)).components == ()
    needs = frozenset({Need.COMPONENTS})
    found = _platform(record.dossier(SUBJECT.digest, at=AT, needs=needs)).components
    bare = [replace(c, hashes=(), supplier=None, depends_on=()) for c in components]
    assert list(found) == sorted(bare, key=lambda c: c.key)
