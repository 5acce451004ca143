"""Tokens, rules of trust, members, organisations and projects on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from supplychain.access.tokens import read_token
from supplychain.bootstrap.access import add_member, add_rule, change_member, create_token
from supplychain.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from supplychain.model.access import Acting, MadeToken, Member, Role, Scope, TokenState, TrustRule
from supplychain.records.content import ContentStore
from supplychain.records.database import open_engine
from supplychain.records.entry import Entry
from supplychain.records.record import Record
from supplychain.records.tenants import Organisations
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT

DAY = timedelta(days=1)
HERE = Scope((Role.SUBMITTER,), ("default",))
ISSUER = "https://login.example"
RULE = TrustRule(
    name="shop",
    issuer="https://gitlab.example",
    audience="supplychain",
    claims=(("project_id", ("42", "43")), ("ref_protected", ("true",))),
    scope=HERE,
    lifetime=timedelta(minutes=15),
    jwks_url="",
    created_at=AT,
    created_by="root",
)
ALICE = Member("alice", ISSUER, "", "alice@example.com", HERE, AT, "root")


def token(
    record: Record, *, owner: str = "alice", scope: Scope = HERE, rule: str = ""
) -> MadeToken:
    return create_token(
        record.access, name="ci", owner=owner, scope=scope, lasts=DAY, by="root", at=AT, rule=rule
    )


@pytest.fixture
def entry(database: str) -> Iterator[Entry]:
    engine = open_engine(database)
    yield Entry(engine)
    engine.dispose()


def test_a_token_is_found_by_its_public_part_and_opens_by_its_secret(
    record: Record, entry: Entry
) -> None:
    made = token(record)
    presented = read_token(made.text)

    kept = entry.token(presented.identifier)

    assert kept
    assert presented.is_of(kept.digest)
    assert (kept.token, kept.organisation, kept.member) == (made.token, "default", None)
    assert entry.token("nosuchtoken0") is None


def test_nothing_on_record_opens_the_door(record: Record, database: str) -> None:
    made = token(record)
    secret = made.text.rpartition("_")[2] if "_" not in made.text[17:] else made.text[17:]
    engine = open_engine(database)
    with engine.connect() as connection:
        for table in ("api_tokens", "audit_events"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall()
            assert rows
            assert secret not in str(rows)
    engine.dispose()


def test_a_token_ends_by_itself_or_when_it_is_revoked(record: Record) -> None:
    one, other = token(record), token(record)
    assert [t.state(AT) for t in record.access.tokens.all(at=AT)] == [TokenState.VALID] * 2

    ended = record.access.tokens.revoke(one.token.identifier, by="root", at=AT)

    assert (ended.state(AT), ended.revoked_by) == (TokenState.REVOKED, "root")
    assert record.access.tokens.all(at=AT) == (other.token,)
    assert record.access.tokens.all(at=AT + DAY) == ()
    assert len(record.access.tokens.all(at=AT + DAY, ended=True)) == 2
    assert other.token.state(AT + DAY) is TokenState.EXPIRED
    with pytest.raises(ConflictError, match="revoked already"):
        record.access.tokens.revoke(one.token.identifier, by="root", at=AT)
    with pytest.raises(NotFoundError, match="no token"):
        record.access.tokens.revoke(other.token.identifier, by="bob", at=AT, owner="bob")
    assert [e.what for e in record.audit.list()] == [
        "token.revoked",
        "token.created",
        "token.created",
    ]


def test_when_it_was_last_used_is_noted_now_and_then(record: Record, entry: Entry) -> None:
    made = token(record)

    def used() -> object:
        return record.access.tokens.all(at=AT)[0].last_used_at

    entry.used(made.token, at=AT)
    assert used() == AT
    again = record.access.tokens.all(at=AT)[0]
    entry.used(again, at=AT + timedelta(minutes=1))
    assert used() == AT
    entry.used(again, at=AT + timedelta(minutes=6))
    assert used() == AT + timedelta(minutes=6)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, InputError),
        ({"name": "two\nlines"}, InputError),
        ({"owner": "a b"}, InputError),
        ({"owner": "machine:ci", "scope": Scope((Role.ADMIN,), None)}, InputError),
        ({"scope": Scope((), None)}, InputError),
        ({"scope": Scope((Role.VIEWER,), ())}, InputError),
        ({"scope": Scope((Role.VIEWER,), ("absent",))}, NotFoundError),
        ({"lasts": timedelta(0)}, InputError),
        ({"lasts": timedelta(days=367)}, InputError),
        ({"own": Scope((Role.VIEWER,), None)}, ForbiddenError),
    ],
)
def test_a_token_that_nobody_should_have_is_not_made(
    record: Record, changes: dict[str, object], error: type[Exception]
) -> None:
    said = {"name": "ci", "owner": "alice", "scope": HERE, "lasts": DAY, "by": "root", "at": AT}
    with pytest.raises(error):
        create_token(record.access, **{**said, **changes})  # type: ignore[arg-type]
    assert record.access.tokens.all(at=AT, ended=True) == ()
    assert record.audit.list() == ()


def test_a_rule_comes_out_as_it_went_in_and_takes_its_tokens_with_it(record: Record) -> None:
    add_rule(record.access, RULE)
    assert record.access.trust.all() == record.access.trust.all(issuer=RULE.issuer) == (RULE,)
    assert record.access.trust.all(issuer="https://other.example") == ()
    with pytest.raises(ConflictError, match="already"):
        add_rule(record.access, RULE)
    given, other = token(record, owner="machine:shop", rule="shop"), token(record)

    assert record.access.trust.remove("shop", by="root", at=AT) == RULE

    assert record.access.trust.all() == ()
    assert [t.identifier for t in record.access.tokens.all(at=AT)] == [other.token.identifier]
    assert given.token.identifier not in {t.identifier for t in record.access.tokens.all(at=AT)}
    with pytest.raises(NotFoundError):
        record.access.trust.remove("shop", by="root", at=AT)


def test_a_member_is_bound_to_who_logs_in_first_by_their_address(record: Record) -> None:
    add_member(record.access, ALICE)
    members = record.access.members

    assert members.logged_in(ISSUER, "s1", "", at=AT) is None
    assert members.logged_in(ISSUER, "s1", "eve@example.com", at=AT) is None
    assert members.logged_in("https://other.example", "s1", ALICE.email, at=AT) is None
    bound = members.logged_in(ISSUER, "s1", "Alice@Example.com", at=AT)

    assert bound == replace(ALICE, subject="s1")
    # The address may be somebody else's by now, and alice may have another.
    assert members.logged_in(ISSUER, "s2", ALICE.email, at=AT) is None
    assert members.logged_in(ISSUER, "s1", "", at=AT) == bound
    assert [e.what for e in record.audit.list()] == ["member.bound", "member.added"]


def test_a_members_tokens_follow_what_they_are(record: Record, entry: Entry) -> None:
    add_member(record.access, ALICE)
    made = token(record)
    only_looks = Scope((Role.VIEWER,), ("default",))

    change_member(record.access, "alice", only_looks, by="root", at=AT)

    kept = entry.token(made.token.identifier)
    assert kept
    assert kept.member
    assert kept.member.scope == only_looks
    record.access.members.remove("alice", by="root", at=AT)
    kept = entry.token(made.token.identifier)
    assert kept
    assert kept.token.state(AT) is TokenState.REVOKED
    assert record.audit.list(limit=1)[0].after is None


@pytest.mark.parametrize(
    "other",
    [
        replace(ALICE, name="ALICE", email="a2@example.com"),
        replace(ALICE, name="alice2"),
        replace(ALICE, name="alice2", issuer="https://another.example", subject="00u1x9"),
    ],
)
def test_nobody_is_two_people(record: Record, other: Member) -> None:
    """They could approve what they asked for themselves."""
    add_member(record.access, ALICE)
    with pytest.raises(ConflictError, match="already"):
        add_member(record.access, other)


@pytest.mark.parametrize(
    ("there", "other"),
    [
        (replace(ALICE, email="", subject="s1"), replace(ALICE, email="", subject="00u1x9")),
        (replace(ALICE, email="", subject="s1"), replace(ALICE, email="a2@example.com")),
        (ALICE, replace(ALICE, email="", subject="00u1x9")),
    ],
)
def test_who_could_be_somebody_known_by_another_issuer_is_refused(
    record: Record, there: Member, other: Member
) -> None:
    """Asked for under the former provider, approved under the present one."""
    add_member(record.access, there)
    other = replace(other, name="alice.b", issuer="https://another.example")
    with pytest.raises(ConflictError, match=r"nobody could tell alice\.b from alice"):
        add_member(record.access, other)
    record.access.members.remove("alice", by="root", at=AT)
    add_member(record.access, replace(other, name="alice"))
    apart = replace(ALICE, name="bob", email="bob@example.com", issuer=other.issuer)
    add_member(record.access, apart)


def test_an_address_in_other_letters_is_another(record: Record) -> None:
    """The Kelvin sign becomes a small k, and whoever has that address is somebody else."""
    mike = replace(ALICE, name="mike", email="mike@example.com")
    add_member(record.access, mike)
    assert record.access.members.logged_in(ISSUER, "s1", "mi\u212ae@example.com", at=AT) is None
    assert record.access.members.logged_in(ISSUER, "s2", "MIKE@example.com", at=AT)


@pytest.mark.parametrize(
    "member",
    [
        replace(ALICE, name="machine:alice"),
        replace(ALICE, name="al ice"),
        replace(ALICE, name="team/alice"),
        replace(ALICE, name=".."),
        replace(ALICE, email=""),
        replace(ALICE, email="nobody"),
        replace(ALICE, issuer="http://login.example"),
        replace(ALICE, scope=Scope((), None)),
    ],
)
def test_a_member_whom_nobody_could_tell_is_refused(record: Record, member: Member) -> None:
    with pytest.raises(InputError):
        add_member(record.access, member)
    assert record.access.members.all() == ()


def test_organisations_see_nothing_of_one_another(
    record: Record, database: str, content: ContentStore
) -> None:
    record.save_run(manifest_run(), at=AT)
    made = token(record)
    add_rule(record.access, RULE)
    add_member(record.access, ALICE)
    record.access.projects.create("shop", at=AT)
    engine = open_engine(database)
    assert Organisations(engine, Acting("root")).create("bank", at=AT).projects == ("default",)
    engine.dispose()

    with Record.open(database, content, organisation="bank") as bank:
        assert bank.images.list(at=AT) == ()
        assert bank.dossier(SUBJECT.digest, at=AT) is None
        assert bank.access.tokens.all(at=AT, ended=True) == ()
        assert bank.access.trust.all() == ()
        assert bank.access.members.all() == ()
        assert bank.access.projects.all() == ("default",)
        with pytest.raises(NotFoundError):
            bank.access.tokens.revoke(made.token.identifier, by="eve", at=AT)
        with pytest.raises(NotFoundError):
            bank.access.trust.remove("shop", by="eve", at=AT)
        with pytest.raises(NotFoundError):
            bank.access.members.remove("alice", by="eve", at=AT)
        # And everything may be called there as it is here.
        bank.save_run(manifest_run(), at=AT)
        add_rule(bank.access, RULE)
        add_member(bank.access, ALICE)
        bank.access.projects.create("shop", at=AT)
    with pytest.raises(NotFoundError, match="no project 'shop2'"):
        Record.open(database, content, organisation="bank", project="shop2")
    with pytest.raises(NotFoundError, match="no organisation 'absent'"):
        Record.open(database, content, organisation="absent")


@pytest.mark.parametrize("name", ["", "a b", "../x", "a,b", "x" * 64, "-a"])
def test_names_of_organisations_and_projects_are_plain(
    record: Record, database: str, name: str
) -> None:
    engine = open_engine(database)
    with pytest.raises(InputError):
        record.access.projects.create(name, at=AT)
    with pytest.raises(InputError):
        Organisations(engine, Acting()).create(name, at=AT)
    engine.dispose()


def test_there_are_no_two_of_one_name(record: Record, database: str) -> None:
    engine = open_engine(database)
    with pytest.raises(ConflictError):
        record.access.projects.create("default", at=AT)
    with pytest.raises(ConflictError):
        Organisations(engine, Acting()).create("default", at=AT)
    engine.dispose()
