"""Every earlier schema becomes today's, on both engines, and nothing else is accepted."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, Table, bindparam, insert, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from supplychain.errors import NotFoundError, SchemaVersionError, StoreError
from supplychain.gate.decision_document import to_document
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier
from supplychain.model.evidence import SIGNATURE_PREDICATE, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.records.columns import Instant
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine, writing
from supplychain.records.ledger import DecisionRecord
from supplychain.records.migrating import alembic_config, upgrade
from supplychain.records.record import Record
from supplychain.records.schema import (
    SCHEMA_VERSION,
    attestations,
    decisions,
    evidence,
    images,
    metadata,
    projects,
)
from supplychain.records.version import (
    SchemaState,
    SchemaStatus,
    require_current,
    schema_status,
    status,
)
from tests.kit.databases import copied
from tests.kit.runs import index_run, make_decision, manifest_run
from tests.kit.scans import AT, SUBJECT

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS = sorted(script.revision for script in SCRIPTS.walk_revisions())
EMPTY = SchemaStatus(None, SCHEMA_VERSION, SchemaState.EMPTY)
CURRENT = SchemaStatus(SCHEMA_VERSION, SCHEMA_VERSION, SchemaState.CURRENT)


def _pretend(url: str, revision: str) -> None:
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def _upgrade_to(url: str, revision: str) -> None:
    engine = open_engine(url)
    config = alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _shape(engine: Engine) -> dict[str, object]:
    """Everything that a table is, but for the migrations' own."""
    inspector = inspect(engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
            sorted(inspector.get_pk_constraint(name)["constrained_columns"]),
            sorted(str(sorted(u.items())) for u in inspector.get_unique_constraints(name)),
            sorted(str(sorted(f.items())) for f in inspector.get_foreign_keys(name)),
            sorted(str(sorted(i.items())) for i in inspector.get_indexes(name)),
            sorted((c["name"] or "", c["sqltext"]) for c in inspector.get_check_constraints(name)),
        )
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


# Columns, constraints, indexes, triggers and functions, in the database's own words.
_DEFINED = {
    "sqlite": ("SELECT type, name, sql FROM sqlite_master",),
    "postgresql": (
        """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, pg_get_expr(d.adbin, d.adrelid) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace""",
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    ),
}


def _definitions(url: str) -> list[tuple[object, ...]]:
    engine = open_engine(url)
    with engine.connect() as connection:
        asked = _DEFINED[engine.dialect.name]
        found = [tuple(map(_said, row)) for one in asked for row in connection.exec_driver_sql(one)]
    engine.dispose()
    return sorted(found, key=str)


def _said(value: object) -> list[str]:
    """Line by line: where SQLite's tables are made anew, their rules have no order of their own."""
    return sorted(line.strip(" ,\t") for line in str(value).splitlines())


@pytest.fixture(scope="module")
def todays(growing_database: str, request: pytest.FixtureRequest) -> list[tuple[object, ...]]:
    """What an empty database becomes."""
    url = make_url(growing_database)
    template = "sqlite_template" if url.drivername == "sqlite" else "postgresql_template"
    named = url.set(database=str(request.getfixturevalue(template)))
    return _definitions(named.render_as_string(hide_password=False))


def test_the_program_needs_the_newest_migration() -> None:
    assert SCRIPTS.get_heads() == [SCHEMA_VERSION] == REVISIONS[-1:]


def test_migrations_are_a_line_of_four_digit_numbers() -> None:
    """An older program knows by the number that a schema is newer than itself."""
    numbers = [f"{number:04}" for number in range(1, len(REVISIONS) + 1)]
    line = [(script.revision, script.down_revision) for script in SCRIPTS.walk_revisions()]

    assert line[::-1] == list(zip(numbers, [None, *numbers[:-1]], strict=True))


@pytest.mark.parametrize("start", REVISIONS)
def test_every_earlier_schema_becomes_todays(
    growing_database: str,
    todays: list[tuple[object, ...]],
    start: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    _upgrade_to(growing_database, start)
    assert schema_status(growing_database).current == start
    found = copied(growing_database, request, tmp_path)

    assert upgrade(found) == CURRENT

    assert _definitions(found) == todays


def test_an_index_of_the_first_schema_has_to_be_run_again(
    empty_database: str, content: ContentStore
) -> None:
    """Which platforms it gave its children was not kept."""
    run = index_run()
    _upgrade_to(empty_database, "0001")
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        for kind, digest, system in (
            ("index", run.subject.digest, None),
            ("manifest", run.platforms[0].subject.digest, "linux"),
        ):
            row = {**_IMAGE, "kind": kind, "digest": digest}
            row |= {"os": system, "architecture": system}
            connection.execute(insert(images), row)
        connection.execute(text("INSERT INTO index_children VALUES (1, 1, 2, 0)"))
    engine.dispose()

    upgrade(empty_database)

    with Record.open(empty_database, content) as record:
        for expected in ((), run.platforms):
            dossier = record.dossier(run.subject.digest, at=AT)
            assert dossier
            found = [(p.subject.digest, p.platform) for p in dossier.platforms]
            assert found == [(p.subject.digest, p.platform) for p in expected]
            record.save_run(run, at=AT)


def _dossier(database: str, content: ContentStore) -> Dossier | None:
    """What is known, where rows name documents that nobody ever wrote."""
    with Record(open_engine(database), content) as record:
        return record.dossier(SUBJECT.digest, at=AT)


def test_a_signature_of_the_second_schema_is_still_one_by_a_key(
    empty_database: str, content: ContentStore
) -> None:
    _upgrade_to(empty_database, "0002")
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        linux = {"kind": "manifest", "os": "linux", "architecture": "amd64"}
        connection.execute(insert(images), {**_IMAGE, **linux})
        connection.execute(insert(evidence), _EVIDENCE)
        connection.execute(
            text(
                "INSERT INTO attestations (evidence_id, predicate_type, payload_digest,"
                " key_fingerprint, verified_at, predicate_digest)"
                " VALUES (1, :type, :payload, 'sha256:0', :at, :payload)"
            ).bindparams(bindparam("at", type_=Instant())),
            {"type": SIGNATURE_PREDICATE, "payload": str(SUBJECT.digest), "at": AT},
        )
    engine.dispose()

    upgrade(empty_database)

    dossier = _dossier(empty_database, content)
    assert dossier
    assert dossier.attestations == (
        VerifiedAttestation(
            subject=Subject("n", SUBJECT.digest),
            predicate_type=SIGNATURE_PREDICATE,
            payload=SUBJECT.digest,
            envelope=SUBJECT.digest,
            key_fingerprint="sha256:0",
            verified_at=AT,
            predicate_digest=SUBJECT.digest,
        ),
    )


def test_decisions_that_were_made_before_there_was_a_chain_are_in_it(
    empty_database: str, content: ContentStore
) -> None:
    _upgrade_to(empty_database, "0006")
    engine = open_engine(empty_database)
    made = [make_decision(decided_at=AT + timedelta(hours=hour)) for hour in range(3)]
    with writing(engine) as connection:
        for decision in made:
            connection.execute(
                insert(decisions),
                {
                    "project_id": 1,
                    "digest": content.put(to_document(decision)),
                    "subject_digest": SUBJECT.digest,
                    "subject_name": SUBJECT.name,
                    "environment": "prod",
                    "verdict": decision.verdict,
                    "decided_at": decision.decided_at,
                    "holds_until": decision.holds_until,
                },
            )
    engine.dispose()

    upgrade(empty_database)

    with Record.open(empty_database, content) as record:
        found = record.ledger.verify()
        assert (found.count, found.breaks) == (3, ())
        with pytest.raises(NotFoundError, match="without what it was made from"):
            record.ledger.replayable(Digest.of(to_document(made[0])))
        record.ledger.append(DecisionRecord(to_document(decision), decision))
        assert record.ledger.verify().count == 3


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression")
def test_migrating_makes_what_the_program_declares(empty_database: str) -> None:
    """Alembic's own comparison knows nothing of checks, for one."""
    engine = open_engine(empty_database)
    metadata.create_all(engine)
    declared = _shape(engine)
    metadata.drop_all(engine)

    upgrade(empty_database)

    assert _shape(engine) == declared
    assert len(declared) == len(metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_new_database_is_empty_then_current(empty_database: str) -> None:
    assert schema_status(empty_database) == EMPTY
    assert upgrade(empty_database) == CURRENT
    assert schema_status(empty_database) == CURRENT
    assert upgrade(empty_database) == CURRENT


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert schema_status(f"sqlite:///{tmp_path / 'absent.db'}") == EMPTY
    assert list(tmp_path.iterdir()) == []


def test_two_upgrades_at_once_are_one(empty_database: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(upgrade, [empty_database] * 2, timeout=60))

    assert found == [CURRENT, CURRENT]
    engine = open_engine(empty_database)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM projects")) == 1
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    engine.dispose()


def test_two_processes_upgrading_at_once_are_one(empty_database: str) -> None:
    code = "import sys; from supplychain.records.migrating import upgrade; upgrade(sys.argv[1])"
    upgrades = [subprocess.Popen([sys.executable, "-c", code, empty_database]) for _ in range(3)]

    assert [process.wait(60) for process in upgrades] == [0, 0, 0]
    assert schema_status(empty_database) == CURRENT


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(empty_database: str) -> None:
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        # In the way of a table that the migration makes late.
        connection.execute(text("CREATE TABLE scans (mine INTEGER)"))

    with pytest.raises(StoreError) as caught:
        upgrade(empty_database)

    assert "scans" in (caught.value.because or "")
    assert inspect(engine).get_table_names() == ["scans"]
    assert status(engine) == EMPTY
    engine.dispose()


@pytest.mark.parametrize(
    ("revision", "state", "message", "hint"),
    [
        ("0000", SchemaState.OLDER, "made by an older supplychain", "supplychain db upgrade"),
        ("9999", SchemaState.NEWER, "made by a newer supplychain", "install that version"),
        ("b1f2c3", SchemaState.UNKNOWN, "no supplychain made", "name another database"),
        ("", SchemaState.UNKNOWN, "no supplychain made", "name another database"),
    ],
)
def test_another_schema_stops_the_program(
    database: str,
    content: ContentStore,
    revision: str,
    state: SchemaState,
    message: str,
    hint: str,
) -> None:
    _pretend(database, revision)

    assert schema_status(database).state is state
    with pytest.raises(SchemaVersionError, match=message) as caught:
        Record.open(database, content, create=True)
    assert hint in (caught.value.hint or "")
    assert f"this program needs {SCHEMA_VERSION}" in (caught.value.because or "")


@pytest.mark.parametrize("revision", ["9999", "b1f2c3"])
def test_an_upgrade_refuses_what_is_newer_or_not_ours(database: str, revision: str) -> None:
    _pretend(database, revision)

    with pytest.raises(SchemaVersionError):
        upgrade(database)
    assert schema_status(database).current == revision


def test_an_empty_database_says_what_to_type(empty_database: str) -> None:
    engine = open_engine(empty_database)

    with pytest.raises(SchemaVersionError, match="is empty") as caught:
        require_current(engine)
    made_by_run = engine.dialect.name == "sqlite"
    assert caught.value.hint is not None
    assert ("supplychain run" if made_by_run else "supplychain db upgrade") in caught.value.hint
    engine.dispose()


def test_only_a_file_is_made_without_being_asked(
    empty_database: str, content: ContentStore
) -> None:
    if empty_database.startswith("sqlite"):
        with Record.open(empty_database, content, create=True) as record:
            record.save_run(manifest_run(), at=AT)
            assert record.dossier(SUBJECT.digest, at=AT) is not None
    else:
        with pytest.raises(SchemaVersionError, match="is empty"):
            Record.open(empty_database, content, create=True)
        assert schema_status(empty_database) == EMPTY


def test_there_is_no_way_back(database: str) -> None:
    engine = open_engine(database)
    config = alembic_config()
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError, match="never taken back"):
            command.downgrade(config, "base")
    engine.dispose()
    assert schema_status(database) == CURRENT


_IMAGE = {
    "project_id": 1,
    "digest": SUBJECT.digest,
    "media_type": "m",
    "kind": "index",
    "recorded_at": AT,
}
_EVIDENCE = {
    "project_id": 1,
    "image_id": 1,
    "kind": "signature",
    "digest": SUBJECT.digest,
    "media_type": "m",
    "subject_name": "n",
    "produced_at": AT,
    "verified_by": "key:sha256:0",
    "recorded_at": AT,
}
_SIGNED = {
    "evidence_id": 1,
    "predicate_type": "t",
    "payload_digest": SUBJECT.digest,
    "key_fingerprint": "sha256:0",
    "verified_at": AT,
}
_SIGNER = {
    "identity_name": "a@b.c",
    "identity_kind": "email",
    "identity_issuer": "https://i",
    "claims": "[]",
}
_DECISION = {
    "project_id": 1,
    "digest": SUBJECT.digest,
    "subject_digest": SUBJECT.digest,
    "subject_name": "n",
    "environment": "prod",
    "verdict": "deny",
    "decided_at": AT,
}


@pytest.mark.parametrize(
    ("table", "row", "change", "message"),
    [
        (images, _IMAGE, {"kind": "manifest"}, "ck_images_platform"),
        (images, _IMAGE, {"kind": "layer"}, "ck_images_kind"),
        (images, _IMAGE, {"project_id": 9}, "foreign key"),
        (evidence, _EVIDENCE, {"verified_by": ""}, "ck_evidence_verified_by"),
        (evidence, _EVIDENCE, {"kind": "scan"}, "ck_evidence_producer"),
        (evidence, _EVIDENCE, {"project_id": 2}, "foreign key"),
        (attestations, _SIGNED, {"identity_name": "a@b.c"}, "ck_attestations_identity"),
        (attestations, _SIGNED, {"identity_issuer": "https://i"}, "ck_attestations_identity"),
        (attestations, _SIGNED, _SIGNER | {"claims": None}, "ck_attestations_identity"),
        (attestations, _SIGNED, _SIGNER | {"identity_kind": "dns"}, "ck_attestations_identity"),
        (attestations, _SIGNED, {"times": None}, "null"),
        (attestations, _SIGNED, {"key_fingerprint": ""}, "ck_attestations_key_fingerprint"),
        (attestations, _SIGNED, {"builder": "https://ci"}, "ck_attestations_build"),
        (attestations, _SIGNED, {"build_type": "https://t"}, "ck_attestations_build"),
        (decisions, _DECISION, {"verdict": "perhaps"}, "ck_decisions_verdict"),
        (decisions, _DECISION, {"environment": None}, "null"),
    ],
)
def test_the_database_itself_refuses_what_makes_no_sense(
    database: str, table: Table, row: dict[str, object], change: dict[str, object], message: str
) -> None:
    engine = open_engine(database)
    with engine.begin() as connection:
        connection.execute(insert(projects).values(name="other", organisation_id=1))
        connection.execute(insert(images).values(_IMAGE))
        if table is attestations:
            connection.execute(insert(evidence).values(_EVIDENCE))

    with pytest.raises(DBAPIError, match=f"(?i){message}"), engine.begin() as connection:
        connection.execute(insert(table).values(row | change))
    if table is not images:
        with engine.begin() as connection:
            connection.execute(insert(table).values(row))
    engine.dispose()


def test_the_fixes_that_a_fourth_schema_knew_are_known_since_then(
    empty_database: str, content: ContentStore
) -> None:
    """And nobody kept who rated what was found: it stays without."""
    _upgrade_to(empty_database, "0004")
    engine = open_engine(empty_database)
    with writing(engine) as connection:
        linux = {"kind": "manifest", "os": "linux", "architecture": "amd64"}
        connection.execute(insert(images), {**_IMAGE, **linux})
        made = {"kind": "scan", "producer_name": "trivy", "producer_version": "0.76.0"}
        connection.execute(insert(evidence), {**_EVIDENCE, **made})
        for statement in _A_SCAN_OF_THE_FOURTH_SCHEMA:
            values = {"digest": str(SUBJECT.digest), "at": AT, "one": b"1", "two": b"2"}
            used = {n: v for n, v in values.items() if f":{n}" in statement}
            typed = [bindparam("at", type_=Instant())] if "at" in used else []
            connection.execute(text(statement).bindparams(*typed), used)
    engine.dispose()

    upgrade(empty_database)

    dossier = _dossier(empty_database, content)
    assert dossier
    [fixable, other] = dossier.platforms[0].findings
    assert (fixable.fixable_at, other.fixable_at) == (AT, None)
    assert (fixable.finding.ratings, fixable.finding.scores) == ((), ())


_A_SCAN_OF_THE_FOURTH_SCHEMA = (
    "INSERT INTO inventories (image_id, identity, component_count) VALUES (1, :one, 0)",
    (
        "INSERT INTO assessments (image_id, identity, negligible, low, medium, high, critical,"
        " unknown) VALUES (1, :one, 0, 0, 0, 2, 0, 0)"
    ),
    (
        "INSERT INTO scans (evidence_id, database_digest, database_updated_at, operating_system,"
        " inventory_id, assessment_id) VALUES (1, :digest, :at, '', 1, 1)"
    ),
    "INSERT INTO vulnerabilities (name) VALUES ('CVE-1')",
    "INSERT INTO vulnerabilities (name) VALUES ('CVE-2')",
    *(
        "INSERT INTO findings (identity, vulnerability_id, package_identity, purl, package,"
        " installed_version, fixed_version, severity, severity_source, status, title, url)"
        f" VALUES (:{identity}, {number}, 'p', '', 'p', '1', '{fix}', 3, '', '', '', '')"
        for identity, number, fix in (("one", 1, "2"), ("two", 2, ""))
    ),
    *(
        "INSERT INTO assessed_findings (assessment_id, position, finding_id, path, component_key)"
        f" VALUES (1, {number}, {number}, '', 'k')"
        for number in (1, 2)
    ),
)
