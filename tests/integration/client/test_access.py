"""Who may what, said through a server: as at the record, once, and never something else."""

from __future__ import annotations

import json

import pytest
import requests

from supplychain.client.connection import Connection
from supplychain.model.access import Role
from tests.kit.listening import Remote
from tests.kit.misbehaving import Answer, cut, redirect, reply, scripted_server
from tests.kit.typist import Typist
from tests.kit.visitors import make

JSON = "application/json"
EVERYWHERE = ("--role", "submitter", "--all-projects")
LOGIN = ("--issuer", "https://login.example")


def same(remote: Remote, *words: str) -> str:
    """What a command shows through the server and at the record."""
    there = remote.type(*words).ended(0)
    assert there.ageless == remote.here(*words).ended(0).ageless
    return there.stdout


def come(remote: Remote, *roles: Role, owner: str = "bob") -> None:
    """Come with another token from now on."""
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN_FILE", raising=False)
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", make(remote.served, roles, owner=owner).text)


def test_a_token_is_made_shown_once_listed_and_revoked(remote: Remote) -> None:
    create = ("tokens", "create", "ci-shop", "--role", "submitter", "--owner", "machine:jenkins")
    there = remote.type(*create, "--expires", "30d").ended(0)
    text = there.stdout.strip()
    assert text.startswith("sct_")
    assert "machine:jenkins: submitter in default; it ends in " in there.stderr
    assert "is not shown again" in there.stderr
    made = json.loads(remote.type(*create, "-o", "json").ended(0).stdout)
    assert (made["token"][4:16], made["projects"]) == (made["id"], ["default"])
    for words in (("list",), ("list", "--owner", "machine:jenkins"), ("list", "--owner", "x")):
        for form in ("text", "json"):
            assert text not in same(remote, "tokens", *words, "-o", form)
    assert made["id"] in same(remote, "tokens", "list")
    assert same(remote, "tokens", "list", "--owner", "x") == ""
    remote.typist.patch.setenv("SUPPLYCHAIN_TOKEN", text)
    remote.typist.patch.delenv("SUPPLYCHAIN_TOKEN_FILE")
    remote.type("images", "list").ended(0)
    come(remote, Role.ADMIN, owner="root")
    revoked = remote.type("tokens", "revoke", made["id"]).ended(0).stdout
    assert revoked == f"{made['id']} of machine:jenkins opens nothing any more\n"
    remote.type("tokens", "revoke", made["id"]).refused(1, "revoked already")
    remote.type("tokens", "revoke", "a" * 12).refused(1, "no token")
    remote.type("tokens", "revoke", "..").refused(1, "nothing called")
    assert made["id"] not in same(remote, "tokens", "list")
    assert made["id"] in same(remote, "tokens", "list", "--ended")


def test_everybody_sees_and_makes_what_is_theirs_and_no_more(remote: Remote) -> None:
    come(remote, Role.VIEWER)
    remote.type("tokens", "list").refused(1, "may not see everybody's tokens")
    remote.type("tokens", "list", "--owner", "ada").refused(1, "may not see everybody's tokens")
    assert same(remote, "tokens", "list", "--owner", "bob").count("bob") == 1
    make_one = ("tokens", "create", "mine", "--role", "viewer")
    assert remote.type(*make_one).ended(0).stdout.startswith("sct_")
    assert same(remote, "tokens", "list", "--owner", "bob").count("mine") == 1
    remote.type("tokens", "create", "more", "--role", "admin").refused(1, "no more than")
    remote.type(*make_one, "--owner", "ada").refused(1)
    remote.type(*make_one, "--as", "ada").refused(2, "by your token")
    remote.type(*make_one, "--expires", "400d").refused(2)
    remote.type("tokens", "create", "x", "--role", "king").refused(2, "is no role")
    for words in (
        ("trust", "list"), ("members", "list"), ("members", "remove", "ada"),
        ("trust", "remove", "shop"), ("projects", "create", "ledger"),
        ("members", "change", "ada", *EVERYWHERE),
    ):  # fmt: skip
        remote.type(*words).refused(1, "bob may not ")
    assert same(remote, "projects", "list") == "default\n"


def test_rules_of_trust_are_added_listed_and_removed(remote: Remote) -> None:
    add = (
        "trust", "add", "shop", "--issuer", "https://gitlab.example", "--claim", "project_id=42",
        "--claim", "ref_protected=true", "--claim", "project_id=43", "--lifetime", "20m",
        "--jwks-url", "https://gitlab.example/keys", "--audience", "us",
    )  # fmt: skip
    there = remote.type(*add, *EVERYWHERE).ended(0).stdout
    assert "project_id = 42 or 43" in there
    assert there == same(remote, "trust", "list")
    [rule] = json.loads(same(remote, "trust", "list", "-o", "json"))["rules"]
    assert (rule["created_by"], rule["lifetime_seconds"]) == ("ada", 1200)
    remote.type(*add, *EVERYWHERE).refused(1)
    remote.type(*add[:4], "https://gitlab.com", "--claim", "a=b", *EVERYWHERE).refused(2)
    remote.type("trust", "remove", "other").refused(1)
    assert remote.type("trust", "remove", "shop").ended(0).stdout == "shop is trusted no longer\n"
    assert same(remote, "trust", "list") == ""


def test_members_are_added_changed_listed_and_removed(remote: Remote) -> None:
    add = ("members", "add", "alice@example.com", *LOGIN, "--email", "Alice@example.com")
    there = remote.type(*add, *EVERYWHERE, "-o", "json").ended(0)
    member = json.loads(there.stdout)
    assert (member["email"], member["created_by"]) == ("alice@example.com", "ada")
    assert (member["roles"], member["projects"]) == (["submitter"], None)
    remote.type(*add, *EVERYWHERE).refused(1)
    change = ("members", "change", "alice@example.com", "--role", "auditor", "--role", "viewer")
    changed = remote.type(*change).ended(0).stdout
    assert changed.startswith("alice@example.com  auditor, viewer in default  ")
    for form in ("text", "json"):
        assert "auditor" in same(remote, "members", "list", "-o", form)
    remote.type("members", "change", "nobody", *EVERYWHERE).refused(1)
    remote.type("members", "remove", "nobody").refused(1)
    gone = remote.type("members", "remove", "alice@example.com").ended(0).stdout
    assert gone == "alice@example.com is no member any more\n"
    assert same(remote, "members", "list") == ""


def test_projects_are_made_and_listed(remote: Remote) -> None:
    assert remote.type("projects", "create", "ledger").ended(0).stdout == "ledger\n"
    for form in ("text", "json"):
        assert "ledger" in same(remote, "projects", "list", "-o", form)
    remote.type("projects", "create", "ledger").refused(1, "already")
    remote.type("projects", "create", "../x").refused(2)
    remote.type("organisations", "list").refused(2, "does not work through a server")
    remote.typist.patch.setenv("SUPPLYCHAIN_PROJECT", "ledger")
    made = remote.type("tokens", "create", "x", "--role", "viewer", "-o", "json").ended(0)
    assert json.loads(made.stdout)["projects"] == ["ledger"]


ID = "k3v9x2m4q7ab"
TEXT = f"sct_{ID}_{'a' * 43}"
SCOPE: dict[str, object] = {"roles": ["submitter"], "projects": None}
BY: dict[str, object] = {"created_at": "2026-11-24T09:00:00Z", "created_by": "ada"}
TOKEN: dict[str, object] = {
    "id": ID, "name": "ci", "owner": "machine:ci", **SCOPE, **BY, "state": "valid", "rule": None,
    "expires_at": "2027-01-24T09:00:00Z", "last_used_at": None, "revoked_at": None,
    "revoked_by": None,
}  # fmt: skip
REVOKED = {**TOKEN, "revoked_at": "2026-11-24T09:00:00Z", "revoked_by": "ada"}
RULE: dict[str, object] = {
    "name": "shop", "issuer": "https://gitlab.example", "jwks_url": None,
    "audience": "supplychain", "claims": {"project_id": ["42"]}, **SCOPE,
    "lifetime_seconds": 900, **BY,
}  # fmt: skip
MEMBER: dict[str, object] = {
    "name": "bob", "issuer": "https://login.example", "subject": "s", "email": None, **SCOPE, **BY,
}  # fmt: skip
BEYOND: dict[str, object] = {"roles": ["submitter", "admin"]}
PROJECT: dict[str, object] = {"name": "ledger"}
OTHER: dict[str, object] = {"name": "other"}
CREATE = ("tokens", "create", "ci", "--owner", "machine:ci", *EVERYWHERE)
ADD_RULE = (
    "trust", "add", "shop", "--issuer", "https://gitlab.example", "--claim", "project_id=42",
    *EVERYWHERE,
)  # fmt: skip
ADD = ("members", "add", "bob", *LOGIN, "--subject", "s", *EVERYWHERE)
CHANGE = ("members", "change", "bob", *EVERYWHERE)
# What is typed, what is asked, what an honest server says, and what liars say in its place.
Said = dict[str, object]
COMMANDS: dict[str, tuple[tuple[str, ...], str, str, Said, tuple[Said, ...]]] = {
    "tokens create": (
        CREATE, "POST", "/v1/tokens", {**TOKEN, "token": TEXT},
        (
            BEYOND, {"owner": "ada"}, OTHER, {"projects": ["default"]}, {"token": "sct_x"},
            {"token": TEXT.replace(ID, "a" * 12)}, {"token": f"{TEXT}\n\x1b[31m"}, {"id": "a" * 12},
            {"expires_at": None}, {"roles": ["king"]},
        ),
    ),
    "tokens revoke": (
        ("tokens", "revoke", ID), "DELETE", f"/v1/tokens/{ID}", REVOKED,
        ({"id": "a" * 12}, {"revoked_at": None}, {"revoked_at": "now"}),
    ),
    "trust add": (
        ADD_RULE, "POST", "/v1/trust", RULE,
        (
            BEYOND, OTHER, {"issuer": "https://evil.example"}, {"claims": {"project_id": ["43"]}},
            {"claims": []}, {"lifetime_seconds": 90_000}, {"jwks_url": "https://evil.example"},
            {"audience": "others"}, {"created_at": "now"},
        ),
    ),
    "trust remove": (("trust", "remove", "shop"), "DELETE", "/v1/trust/shop", RULE, (OTHER,)),
    "members add": (
        ADD, "POST", "/v1/members", MEMBER,
        (BEYOND, OTHER, {"subject": "t"}, {"email": "e@example.com"}, {"projects": []}),
    ),
    "members change": (CHANGE, "PUT", "/v1/members/bob", MEMBER, (BEYOND, OTHER)),
    "members remove": (("members", "remove", "bob"), "DELETE", "/v1/members/bob", MEMBER, (OTHER,)),
    "projects create": (
        ("projects", "create", "ledger"), "POST", "/v1/projects", PROJECT, (OTHER, {"name": None})
    ),
    "tokens list": (
        ("tokens", "list"), "GET", "/v1/tokens", {"tokens": [TOKEN]},
        ({"tokens": [{}]}, {"tokens": {}}, {"tokens": [{**TOKEN, "roles": ["king"]}]}),
    ),
    "trust list": (
        ("trust", "list"), "GET", "/v1/trust", {"rules": [RULE]},
        ({"rules": ["shop"]}, {"rules": [{**RULE, "lifetime_seconds": "long"}]}),
    ),
    "members list": (
        ("members", "list"), "GET", "/v1/members", {"members": [MEMBER]},
        ({"members": None}, {"members": [{**MEMBER, "roles": None}]}),
    ),
    "projects list": (
        ("projects", "list"), "GET", "/v1/projects", {"projects": [PROJECT]},
        ({"projects": [[]]}, {"projects": ["ledger"]}),
    ),
}  # fmt: skip


def says(document: Said) -> Answer:
    return reply(200, json.dumps(document).encode(), kind=JSON)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_server_did_is_believed_where_it_is_what_was_asked(
    typist: Typist, name: str
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TEXT)
    words, method, path, honest, lies = COMMANDS[name]
    with scripted_server() as server:
        server.on(method, path, says(honest))
        assert typist.type("--server", server.url, *words).ended(0).stdout
        for lie in lies:
            server.on(method, path, says({**honest, **lie}))
            typist.type("--server", server.url, *words).refused(1, "answers what no server")


BAD: dict[str, tuple[Answer, str]] = {
    "a page": (reply(200, b"<html>", kind="text/html"), "is text/html"),
    "a list": (reply(200, b"[]", kind=JSON), "no JSON object"),
    "nothing": (reply(204), "of no type"),
    "nothing in it": (reply(200, b"{}", kind=JSON), "answers what no server"),
    "sent on": (redirect("https://evil.example/"), "nobody is followed"),
    "not ours": (reply(404, b"<html>", kind="text/html"), "without a problem document"),
    "cut off": (cut(b'{"name": "ledger"}', 9, JSON), "cut off"),
    "a proxy": (reply(502, b"<html>", kind="text/html"), "cannot be reached"),
}
KEYED = {"tokens create", "trust add", "members add", "projects create"}
SENT_ONCE = {"tokens revoke", "trust remove", "members remove"}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_broken_answer_is_an_error_and_what_removes_something_is_sent_once(
    typist: Typist, name: str, bad: str
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TEXT)
    words, method, path, _, _ = COMMANDS[name]
    answer, said = BAD[bad]
    with scripted_server() as server:
        server.on(method, path, answer)
        there = typist.type("--server", server.url, *words)
        there.refused(1, said)
        passing = bad in {"cut off", "a proxy"}
        asked = server.asked(method, path)
        assert len(asked) == (3 if passing and name not in SENT_ONCE else 1)
        keys = {one.headers.get("Idempotency-Key") for one in asked}
        assert (len(keys), None in keys) == (1, name not in KEYED)
        if passing and name in KEYED:
            assert f"look first: supplychain {name.partition(' ')[0]} list" in there.stderr
        assert TEXT not in there.stderr


LOSING = {
    "projects create": (("projects", "create", "ledger"), "projects list", "ledger"),
    "members add": (ADD, "members list", "bob"),
    "trust add": (ADD_RULE, "trust list", "shop"),
}


def lose_answers(patch: pytest.MonkeyPatch, count: int) -> list[str]:
    """Have the server do what it is asked, and the next answers never arrive; which were lost."""
    lost: list[str] = []
    read = Connection._read

    def losing(self: Connection, answer: requests.Response) -> bytes:
        found = read(self, answer)
        if len(lost) < count:
            lost.append(str(answer.status_code))
            raise requests.ConnectionError("reset by peer")
        return found

    patch.setattr(Connection, "_read", losing)
    return lost


@pytest.mark.parametrize("name", LOSING)
def test_what_got_no_answer_is_sent_again_and_done_once(remote: Remote, name: str) -> None:
    words, listing, made = LOSING[name]
    lost = lose_answers(remote.typist.patch, 2)
    remote.type(*words).ended(0)
    assert lost == ["201", "201"]
    assert same(remote, *listing.split()).count(made) == 1


def test_of_a_token_that_got_no_answer_it_is_said_which_one_nobody_has(remote: Remote) -> None:
    lose_answers(remote.typist.patch, 1)
    refused = remote.type(*CREATE)
    refused.refused(1, "a token was made for this Idempotency-Key, and is not shown again")
    [made] = json.loads(
        remote.type("tokens", "list", "--owner", "machine:ci", "-o", "json").stdout
    )["tokens"]
    assert f"it is the token {made['id']}" in refused.stderr
