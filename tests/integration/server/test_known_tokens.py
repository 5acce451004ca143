"""Tokens that are remembered: for whom answers are given at once, and from when no longer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.bootstrap.access import add_member
from supplychain.errors import UnauthenticatedError
from supplychain.model.access import Acting, MadeToken, Member, Role, Scope
from supplychain.records.access import Access
from supplychain.records.entry import Entry
from supplychain.records.kept import Images
from supplychain.server.at_once import _look_up, _Question
from tests.integration.server.test_at_once import ASKED, here, judged, verdict
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, problem
from tests.kit.visitors import ISSUER, Visitor, make

__all__ = ["here", "judged"]  # fixtures
IMAGES = Images(SUBJECT.name, str(SUBJECT.digest))


@pytest.fixture
def access(here: Served) -> Access:
    """Who may what, as an operator changes it."""
    acting = Acting("root", "a test", "a test")
    return here.service.store.entry.access("default", acting)


@pytest.fixture
def alice(access: Access) -> Member:
    """A member, whose tokens may do no more than she."""
    at = datetime.now(UTC)
    member = Member("alice", ISSUER, "s-alice", "", Scope((Role.VIEWER,), None), at, "root")
    add_member(access, member)
    return member


@pytest.fixture
def made(here: Served, alice: Member) -> MadeToken:
    """A token of hers that is remembered."""
    token = make(here, [Role.VIEWER], owner=alice.name)
    for _ in range(3):  # the first time it is noted that it is used
        assert verdict(Visitor(here, token.text).post(DECIDE, ASKED)) == "allow"
    assert here.service.authenticator.known(token.text, at=here.service.clock())
    return token


def _answered(here: Served, *tokens: str) -> list[bool]:
    found = _look_up(here.service, [_Question(token, "prod", IMAGES) for token in tokens])
    return [one is not None for one in found]


def test_who_is_remembered_is_looked_up_with_the_answer(
    here: Served, made: MadeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    token = Entry.token

    def counting(entry: Entry, identifier: str) -> object:
        looked_up.append(identifier)
        return token(entry, identifier)

    monkeypatch.setattr(Entry, "token", counting)
    assert _answered(here, made.text) == [True]
    assert looked_up == []
    here.service.authenticator.forget(made.text)
    assert _answered(here, made.text) == [True]
    assert looked_up == [made.token.identifier]


def _revoke(access: Access, made: MadeToken) -> None:
    access.tokens.revoke(made.token.identifier, by="ada", at=datetime.now(UTC))


def _remove(access: Access, _made: MadeToken) -> None:
    access.members.remove("alice", by="ada", at=datetime.now(UTC))


@pytest.mark.parametrize("change", [_revoke, _remove])
def test_what_closes_a_token_closes_it_at_once(
    here: Served, access: Access, made: MadeToken, change: Callable[[Access, MadeToken], None]
) -> None:
    change(access, made)
    assert _answered(here, made.text) == [False]
    problem(Visitor(here, made.text).post(DECIDE, ASKED), 401, "unauthenticated")
    assert here.service.authenticator.known(made.text, at=here.service.clock()) is None


def test_who_may_ask_in_another_project_alone_is_refused_at_once(
    here: Served, access: Access, alice: Member, made: MadeToken
) -> None:
    access.projects.create("shop", at=datetime.now(UTC))
    elsewhere = Scope((Role.VIEWER,), ("shop",))
    access.members.change(alice.name, elsewhere, by="ada", at=datetime.now(UTC))
    assert _answered(here, made.text) == [False]
    problem(Visitor(here, made.text).post(DECIDE, ASKED), 403, "forbidden")


def test_a_token_that_changed_costs_others_no_more_than_an_answer_by_the_routes(
    here: Served, access: Access, made: MadeToken
) -> None:
    other = make(here, [Role.VIEWER], owner="machine:other")
    assert _answered(here, other.text) == [True]
    assert _answered(here, other.text, made.text) == [True, True]
    _revoke(access, made)
    assert _answered(here, other.text, made.text) == [False, False]
    assert _answered(here, other.text, made.text) == [True, False]


def test_nobody_is_remembered_for_longer_than_a_minute_or_than_they_are_let_in(
    here: Served, made: MadeToken
) -> None:
    authenticator, now = here.service.authenticator, here.service.clock()
    short = make(here, [Role.VIEWER], lasts=timedelta(minutes=10))
    almost = short.token.expires_at - timedelta(seconds=1)
    for _ in range(2):  # the first time it is noted that it is used
        authenticator.principal(short.text, at=almost)
    assert authenticator.known(short.text, at=almost)
    assert authenticator.known(short.text, at=short.token.expires_at) is None
    known = authenticator.known(made.text, at=now)
    assert known is not None
    assert authenticator.known(made.text, at=known.since + timedelta(seconds=60)) is None
    assert authenticator.known(made.text, at=known.since - timedelta(microseconds=1)) is None


def test_what_is_to_be_revoked_later_is_looked_up_each_time(
    here: Served, access: Access, made: MadeToken
) -> None:
    authenticator, now = here.service.authenticator, here.service.clock()
    later = now + timedelta(seconds=30)
    access.tokens.revoke(made.token.identifier, by="ada", at=later)
    authenticator.forget(made.text)
    assert authenticator.principal(made.text, at=now).name == "alice"
    assert authenticator.known(made.text, at=now) is None
    with pytest.raises(UnauthenticatedError):
        authenticator.principal(made.text, at=later)


def test_of_another_secret_nothing_is_remembered(here: Served, made: MadeToken) -> None:
    other = made.text[:-1] + ("A" if made.text[-1] != "A" else "B")
    assert here.service.authenticator.known(other, at=here.service.clock()) is None
    assert _answered(here, other) == [False]


def test_who_is_remembered_is_asked_about_and_not_read_anew_wherever_they_go(
    here: Served, access: Access, made: MadeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(entry: Entry, identifier: str) -> object:
        raise AssertionError(f"{identifier} is read")

    visitor = Visitor(here, made.text)
    with monkeypatch.context() as patch:
        patch.setattr(Entry, "token", read)
        assert visitor.get("/v1/images").status_code == 200
    _revoke(access, made)
    problem(visitor.get("/v1/images"), 401, "unauthenticated")
