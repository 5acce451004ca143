"""Servers that are down, elsewhere, slow, broken or false: each a plain error, never an allow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.gate.decision_document import to_document
from supplychain.gate.evaluate import evaluate
from supplychain.model.digest import Digest
from tests.kit.cli import Outcome
from tests.kit.misbehaving import (
    Answer,
    ScriptedServer,
    cut,
    dripping,
    dripping_headers,
    endless,
    redirect,
    reply,
    scripted_server,
    silence,
)
from tests.kit.scans import SUBJECT
from tests.kit.tls import Authority
from tests.kit.typist import Typist

TOKEN = "sct_k3v9x2m4q7ab_nobody-but-us-has-this"
DECIDE = "/v1/gates/prod/decide"
ASK = ("gate", str(SUBJECT), "-e", "prod")
JSON = "application/json"
DENIED = evaluate(
    None, None, subject=SUBJECT, environment="prod", at=datetime(2026, 11, 24, tzinfo=UTC)
)


def told(verdict: str = "deny", document: bytes = to_document(DENIED)) -> Answer:
    said = {"decision": verdict, "decision_id": str(Digest.of(document))}
    return reply(200, json.dumps(said).encode(), kind=JSON)


def problem(status: int, code: str, retryable: bool = False, **headers: str) -> Answer:
    said = {"detail": f"it is {code}", "code": code, "retryable": retryable, "hint": "do that"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status, json.dumps(said).encode(), given, kind="application/problem+json")


ALLOWED = b'{"decision": "allow", "decision_id": "sha256:%s"}' % (b"0" * 64)


@dataclass(frozen=True, slots=True)
class Bad:
    """What a server answers, and what is said of it."""

    name: str
    answers: tuple[Answer, ...]
    said: str
    code: int = 1
    asked: int = 1


TABLE = (
    Bad("no token of its own", (problem(401, "unauthenticated"),), "it is unauthenticated"),
    Bad("not allowed", (problem(403, "forbidden"),), "it is forbidden"),
    Bad("not there", (problem(404, "not_found"),), "it is not_found"),
    Bad("changed meanwhile", (problem(409, "conflict"),), "it is conflict"),
    Bad("another state", (problem(412, "conflict"),), "it is conflict"),
    Bad("too large", (problem(413, "limit"),), "it is limit", 2),
    Bad("does not fit", (problem(422, "input"),), "it is input", 2),
    Bad("a broken policy", (problem(503, "policy"),), "it is policy", 2),
    Bad("a bug", (problem(500, "internal"),), "it is internal"),
    Bad("a code of another time", (problem(418, "teapot"),), "it is teapot"),
    Bad("store down", (problem(503, "store", True),), "it is store", asked=3),
    Bad("asked too often", (problem(429, "rate", True, Retry_After="0"),), "it is rate", asked=3),
    Bad("asked too often for long", (problem(429, "rate", True, Retry_After="900"),), "it is rate"),
    Bad("not ours: 404", (reply(404, b"<html>", kind="text/html"),), "no server of supplychain"),
    Bad("not ours: 401", (reply(401, b"", {"WWW-Authenticate": "Basic"}),), "no server of"),
    Bad("a proxy: 502", (reply(502, b"<html>", kind="text/html"),), "cannot be reached", asked=3),
    Bad("a page", (reply(200, b"<html>allow</html>", kind="text/html"),), "and no JSON"),
    Bad("no JSON", (reply(200, b"allow", kind=JSON),), "is no JSON"),
    Bad("not UTF-8", (reply(200, b"\xff\xfe{", kind=JSON),), "is no JSON"),
    Bad("a list", (reply(200, b'["allow"]', kind=JSON),), "no JSON object"),
    Bad("nested without end", (reply(200, b'{"a":' * 100_000, kind=JSON),), "is no JSON"),
    Bad("an empty answer", (reply(204),), "of no type"),
    Bad("nothing in it", (reply(200, b"{}", kind=JSON),), "answers what no server"),
    Bad("no digest", (reply(200, b'{"decision_id": 7}', kind=JSON),), "answers what no server"),
    Bad("sent on", (redirect("https://evil.example/v1"),), "sends on to https://evil.example"),
    Bad("sent on for good", (redirect("/elsewhere", 308),), "nobody is followed"),
    Bad("not modified", (reply(304),), "sends on to nowhere"),
    Bad("cut off", (cut(ALLOWED, 20, JSON),), "was cut off", asked=3),
    Bad("silent", (silence,), "does not answer in time"),
    Bad("drop by drop", (dripping(ALLOWED, 0.2),), "does not answer in time"),
    Bad("headers drop by drop", (dripping_headers(0.2),), "does not answer in time"),
    Bad("without end", (endless(kind=JSON),), "more than 67108864 bytes"),
)


@pytest.fixture
def server(typist: Typist) -> Iterator[ScriptedServer]:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TOKEN)
    with scripted_server() as found:
        yield found


# Whatever is asked, and whether it may be sent again.
EVIDENCE = f"/v1/images/{SUBJECT.digest}/evidence"
ASKED: dict[str, tuple[tuple[str, ...], str, str, bool]] = {
    "a verdict": (ASK, "POST", DECIDE, True),
    "a list": (("evidence", "list", str(SUBJECT.digest)), "GET", EVIDENCE, True),
    "the bytes of a document": (
        ("evidence", "download", str(SUBJECT.digest), str(SUBJECT.digest)),
        "GET", f"{EVIDENCE}/{SUBJECT.digest}", True,
    ),
    "a change": (("members", "change", "bob", "--role", "viewer"), "PUT", "/v1/members/bob", True),
    "a token": (("tokens", "create", "ci", "--role", "viewer"), "POST", "/v1/tokens", True),
    "a removal": (("members", "remove", "bob"), "DELETE", "/v1/members/bob", False),
}  # fmt: skip
# Where bytes are wanted, JSON or none, it is another thing that is wrong with these.
TYPED = {"and no JSON", "is no JSON", "no JSON object", "answers what no server"}


def ask(typist: Typist, url: str, *more: str, words: tuple[str, ...] = ASK) -> Outcome:
    there = typist.type("--server", url, *words, *more)
    assert TOKEN not in there.stdout + there.stderr
    assert not (typist.folder / "nowhere").exists()
    return there


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
@pytest.mark.parametrize("what", ASKED)
def test_it_is_a_plain_error_and_no_result(
    typist: Typist, server: ScriptedServer, bad: Bad, what: str
) -> None:
    words, method, path, again = ASKED[what]
    seconds = "1s" if "in time" in bad.said else "20s"
    typist.patch.setenv("SUPPLYCHAIN_SERVER_TIMEOUT", seconds)
    server.on(method, path, *bad.answers)
    there = ask(typist, server.url, "--verbose", words=words)
    assert there.code == bad.code, there
    assert there.stdout == ""
    is_typed = what == "the bytes of a document" and bad.said in TYPED
    assert ("its answer is " if is_typed else bad.said) in there.stderr
    assert "error: " in there.stderr
    assert len(server.requests) == (bad.asked if again else 1)
    assert {one.authorization for one in server.requests} == {f"Bearer {TOKEN}"}


FALSE: dict[str, tuple[Answer, Answer]] = {
    "another verdict": (told("allow"), reply(200, to_document(DENIED), kind=JSON)),
    "other bytes": (told(), reply(200, to_document(DENIED) + b" ", kind=JSON)),
    "cut off": (told(), cut(to_document(DENIED), 40, JSON)),
    "no decision": (told(document=b"{}"), reply(200, b"{}", kind=JSON)),
    "not there": (told(), problem(404, "not_found")),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_decision_that_is_not_the_one_on_record_is_none(
    typist: Typist, server: ScriptedServer, name: str
) -> None:
    answer, document = FALSE[name]
    server.on("POST", DECIDE, answer)
    identity = Digest.of(b"{}" if name == "no decision" else to_document(DENIED))
    server.on("GET", f"/v1/decisions/{identity}", document)
    there = ask(typist, server.url)
    there.refused(1, "error: ")


@pytest.mark.parametrize("which", ["image", "environment"])
def test_a_decision_about_something_else_is_none(
    typist: Typist, server: ScriptedServer, which: str
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TOKEN)
    server.on("POST", "/v1/gates/staging/decide", told())
    server.on("POST", DECIDE, told())
    document = reply(200, to_document(DENIED), kind=JSON)
    server.on("GET", f"/v1/decisions/{Digest.of(to_document(DENIED))}", document)
    asked = [str(SUBJECT), "-e", "prod"]
    assert typist.type("--server", server.url, "gate", *asked).code == 10
    if which == "image":
        asked[0] = f"{SUBJECT.name}@{Digest.of(b'another')}"
    else:
        asked[2] = "staging"
    typist.type("--server", server.url, "gate", *asked).refused(1, "about something else")


def test_a_batch_that_leaves_one_out_is_none(typist: Typist, server: ScriptedServer) -> None:
    server.on("POST", f"{DECIDE}-batch", reply(200, b'{"decisions": [{}]}', kind=JSON))
    ask(typist, server.url, str(SUBJECT)).refused(1, "about every image")


def test_whoever_gives_the_token_back_does_not_get_it_printed(
    typist: Typist, server: ScriptedServer
) -> None:
    said = {"detail": f"no: {TOKEN}", "code": "input", "because": TOKEN, "hint": TOKEN}
    server.on("POST", DECIDE, reply(422, json.dumps(said).encode(), kind=JSON))
    ask(typist, server.url, "--verbose").refused(2, "********")
    server.on("POST", DECIDE, redirect(f"https://evil.example/?{TOKEN}"))
    ask(typist, server.url, "--verbose").refused(1, "********")


def test_it_comes_back_when_it_was_told_to(typist: Typist, server: ScriptedServer) -> None:
    server.on("POST", DECIDE, problem(429, "rate", True, Retry_After="1"), told())
    document = reply(200, to_document(DENIED), kind=JSON)
    server.on("GET", f"/v1/decisions/{Digest.of(to_document(DENIED))}", document)
    assert ask(typist, server.url).code == 10
    first, second = server.asked("POST", DECIDE)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_login_of_the_machine_takes_not_the_place_of_the_token(
    typist: Typist, server: ScriptedServer
) -> None:
    home = typist.folder / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    server.on("POST", DECIDE, problem(403, "forbidden"))
    ask(typist, server.url).refused(1)
    assert server.requests[0].authorization == f"Bearer {TOKEN}"


NO_SERVER: dict[str, tuple[str, int, str]] = {
    "nobody listens": ("http://127.0.0.1:9", 1, "Connection refused"),
    "no such host": ("https://supplychain.invalid", 1, "cannot be reached"),
    "without TLS": ("http://supplychain.example", 2, "travel for all to read"),
    "no address": ("supplychain.example", 2, "no address of a server"),
    "another scheme": ("ftp://supplychain.example", 2, "no address of a server"),
    "a login in it": ("https://ada:secret@supplychain.example", 2, "no address of a server"),
    "no port": ("https://supplychain.example:x", 2, "no address of a server"),
    "a query": ("https://supplychain.example/?a=1", 2, "no address of a server"),
}


@pytest.mark.parametrize("name", NO_SERVER)
def test_an_address_that_leads_nowhere_is_a_plain_error(typist: Typist, name: str) -> None:
    url, code, said = NO_SERVER[name]
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TOKEN)
    there = ask(typist, url, "--verbose")
    there.refused(code, said)
    assert "secret" not in there.stderr


def test_a_token_that_no_header_takes_is_refused_unseen(typist: Typist) -> None:
    for token in ("sct_a b", "sct_a\nX-Other: 1", "sct_ä"):
        typist.patch.setenv("SUPPLYCHAIN_TOKEN", token)
        there = typist.type("--server", "http://127.0.0.1:9", *ASK, "--verbose")
        there.refused(2, "the token is none")
        assert token not in there.stderr


def test_a_certificate_counts_by_the_authority_that_is_named(
    typist: Typist, tmp_path: Path
) -> None:
    typist.patch.setenv("SUPPLYCHAIN_TOKEN", TOKEN)
    authority = Authority.create(tmp_path)
    with scripted_server(authority.issue(tmp_path, "127.0.0.1")) as server:
        server.on("POST", DECIDE, problem(403, "forbidden"))
        ask(typist, server.url).refused(1, "is not trusted", "SUPPLYCHAIN_SERVER_CACERT")
        typist.patch.setenv("SUPPLYCHAIN_SERVER_CACERT", str(authority.certificate_file))
        ask(typist, server.url).refused(1, "it is forbidden")
        other = server.url.replace("127.0.0.1", "localhost")
        ask(typist, other).refused(1, "is not trusted")
    (tmp_path / "other").mkdir()
    typist.patch.setenv("SUPPLYCHAIN_SERVER_CACERT", str(tmp_path / "none.pem"))
    ask(typist, "https://127.0.0.1:9").refused(2, "there is no file")


def test_a_project_of_somebody_elses_names_no_server(typist: Typist) -> None:
    (typist.folder / "supplychain.toml").write_text('server = "https://evil.example"\n')
    typist.type(*ASK).refused(2, "server")
