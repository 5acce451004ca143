"""The gate over HTTP, with 300,000 decisions on record: one by one, in batches, and held open.

Client, server and PostgreSQL share this machine. Beside it pgbench reads the row that an answer is
in, over as many connections. `python -m benchmarks deciding`
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
import psycopg

from benchmarks.load import Load, Wrk, read_rate
from benchmarks.scene import Unavailable
from benchmarks.served import Prepared, Server, asked, memory_of, prepared
from benchmarks.table import Row, skipped
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import make_component

DECISIONS, CONNECTIONS, BATCH, SECONDS, ROUNDS = 300_000, 16, 100, 5, 2
# As many as there are processors for.
PROCESSES = 2
HELD, WARMING = 1_000, 1_000
# What was promised: of pgbench's rate, in milliseconds, in MB.
SHARE, SLOWEST, IDLE = 0.10, 10, 200
NAME, ENVIRONMENT = "registry.test/shop", "prod"
_FIRST = f"sha256:{1:064x}"
_POLICY = """schemaVersion: 1
environment: prod
rules:
  - freshness: {scan: 24h}
  - vulnerabilities: {severity: high}
"""
# A digest is a number here: so wrk, pgbench and we name the same ones.
_COPIES = f"""
INSERT INTO decisions (project_id, digest, subject_digest, subject_name, environment, verdict,
                       policy_digest, decided_at, holds_until)
SELECT project_id, 'sha256:' || encode(sha256(n::text::bytea), 'hex'),
       'sha256:' || lpad(to_hex(n), 64, '0'), subject_name, environment, verdict, policy_digest,
       decided_at, holds_until
FROM decisions, generate_series(2, {DECISIONS}) n WHERE subject_digest = '{_FIRST}'
AND id = (SELECT max(id) FROM decisions);

INSERT INTO decision_links (project_id, sequence, decision_id, previous, digest, essence, inputs)
SELECT l.project_id, l.sequence + d.id, d.id, l.digest, d.digest, l.essence, l.inputs
FROM decisions d, (SELECT * FROM decision_links ORDER BY sequence LIMIT 1) l
WHERE d.subject_digest <> '{_FIRST}';
"""  # noqa: S608  # of constants
_ANSWERS = f"""
INSERT INTO kept_answers
SELECT project_id, environment, 'sha256:' || lpad(to_hex(n), 64, '0'), subject_name, policy,
       program, place, seen, decided_at, holds_until, verdict,
       replace(body, '{1:064x}', lpad(to_hex(n), 64, '0'))
FROM kept_answers, generate_series(2, {DECISIONS}) n WHERE subject_digest = '{_FIRST}';
"""  # noqa: S608  # of constants
_QUIET = "UPDATE record_changes SET at = at - interval '1 minute'"
_READ = f"""\\set n random(1, {DECISIONS})
SELECT verdict, body FROM kept_answers WHERE project_id = 1 AND environment = '{ENVIRONMENT}'
AND subject_digest = 'sha256:' || lpad(to_hex(:n::int), 64, '0') AND subject_name = '{NAME}';
"""  # noqa: S608  # of constants
_ASK = """
local headers = {["Authorization"] = "Bearer @TOKEN", ["Content-Type"] = "application/json"}
math.randomseed(@SEED)
local function image()
  return string.format('"@NAME@sha256:%064x"', math.random(@DECISIONS))
end
request = function()
  return wrk.format("POST", "@PATH", headers, @BODY)
end
"""
_ONE = "'{\"image\":' .. image() .. '}'"
_MANY = """(function()
  local some = {}
  for n = 1, @BATCH do some[n] = image() end
  return '{"images":[' .. table.concat(some, ",") .. ']}'
end)()"""


@dataclass(frozen=True, slots=True)
class _Round:
    """What was measured one after the other."""

    read: float
    one: Load
    many: Load


def measure() -> list[Row]:
    """All of it, on PostgreSQL."""
    try:
        wrk = Wrk.fetched()
    except Unavailable as why:
        return [skipped(f"decide, {DECISIONS:,} decisions on record", str(why))]
    with prepared("PostgreSQL") as place:
        _recorded(place)
        with place.serving(PROCESSES) as server:
            _filled(place, server)
            idle = _idle(server)
            rounds = [_round(wrk, place, server, seed) for seed in range(ROUNDS + 1)][1:]
            _hold(server)
            return [*_speed(rounds), idle, _held(server)]


def _speed(rounds: list[_Round]) -> Iterator[Row]:
    read = statistics.median(one.read for one in rounds)
    beside = f"pgbench reads its row {read:,.0f} times a second"
    rate = statistics.median(one.one.rate for one in rounds)
    share = statistics.median(one.one.rate / one.read for one in rounds)
    p50, p99 = (statistics.median(getattr(one.one, n) for one in rounds) for n in ("p50", "p99"))
    yield Row(
        f"decide, {DECISIONS:,} decisions on record, {CONNECTIONS} connections, "
        f"{PROCESSES} processes",
        f"{rate:,.0f} a second",
        beside,
        share,
        f"at least {SHARE:.0%} of that",
        share >= SHARE,
    )
    yield Row(
        "the same: how long one takes",
        f"half {p50:.1f} ms, 99 of 100 {p99:.1f} ms",
        target=f"99 of 100 within {SLOWEST} ms",
        met=p99 < SLOWEST,
    )
    many = statistics.median(one.many.rate for one in rounds) * BATCH
    share = statistics.median(one.many.rate * BATCH / one.read for one in rounds)
    yield Row(
        f"decide {BATCH} at once, {CONNECTIONS} connections",
        f"{many:,.0f} decisions a second",
        beside,
        share,
        "more than that",
        share > 1,
    )


def _round(wrk: Wrk, place: Prepared, server: Server, seed: int) -> _Round:
    how = {"connections": CONNECTIONS, "seconds": SECONDS}
    read = read_rate(place.url, _READ, place.folder, **how)
    one = wrk.run(server.url, _script(server, "decide", _ONE, seed), place.folder, **how)
    many = wrk.run(server.url, _script(server, "decide-batch", _MANY, seed), place.folder, **how)
    return _Round(read, one, many)


def _script(server: Server, what: str, body: str, seed: int) -> str:
    given = {
        "BODY": body,
        "PATH": f"/v1/gates/{ENVIRONMENT}/{what}",
        "TOKEN": server.token,
        "SEED": str(seed),
        "DECISIONS": str(DECISIONS),
        "NAME": NAME,
        "BATCH": str(BATCH),
    }
    script = _ASK
    for name, value in given.items():
        script = script.replace(f"@{name}", value)
    return script


def _recorded(place: Prepared) -> None:
    """An image that is allowed, and the policy that allows it."""
    (place.folder / "policies").mkdir()
    (place.folder / "policies" / f"{ENVIRONMENT}.yaml").write_text(_POLICY)
    subject, now = Subject(NAME, Digest.parse(_FIRST)), datetime.now(UTC)
    scan = scan_record(subject=subject, components=[make_component()], findings=[], produced_at=now)
    with place.record() as record:
        record.save_run(manifest_run(subject, scan=scan), at=now)


def _filled(place: Prepared, server: Server) -> None:
    """So many decisions, each with the answer that was given: the first is made, others copied."""
    with psycopg.connect(place.url, autocommit=True) as database:
        first = _decided(server)
        database.execute(_COPIES.encode())
        database.execute(_QUIET.encode())
        if _decided(server) != first:
            raise RuntimeError("the same was decided anew")
        database.execute(_ANSWERS.encode())
        database.execute(b"VACUUM ANALYZE")


def _decided(server: Server, number: int = 1) -> str:
    with contextlib.closing(server.connect()) as on:
        body = orjson.dumps({"image": f"{NAME}@sha256:{number:064x}"})
        answer = orjson.loads(asked(server, on, "POST", _path(), body, kind="application/json"))
    if answer["decision"] != "allow":
        raise RuntimeError(f"this is no allow: {answer}")
    return str(answer["decision_id"])


def _path() -> str:
    return f"/v1/gates/{ENVIRONMENT}/decide"


def _idle(server: Server) -> Row:
    with contextlib.closing(server.connect()) as on:
        for number in range(1, WARMING + 1):
            body = orjson.dumps({"image": f"{NAME}@sha256:{number:064x}"})
            asked(server, on, "POST", _path(), body, kind="application/json")
    used = memory_of(server.process)
    return Row(
        f"memory of a server's process after {WARMING:,} requests",
        f"{used:.0f} MB",
        target=f"under {IDLE} MB",
        met=used < IDLE,
    )


def _hold(server: Server) -> int:
    """Ask once over each of so many open connections; how many were answered."""
    where = urlsplit(server.url)
    with contextlib.ExitStack() as held:
        connections = [
            held.enter_context(socket.create_connection((where.hostname, where.port), 30))
            for _ in range(HELD)
        ]
        for number, connection in enumerate(connections, 1):
            body = orjson.dumps({"image": f"{NAME}@sha256:{number:064x}"})
            connection.sendall(
                f"POST {_path()} HTTP/1.1\r\nHost: {where.netloc}\r\n"
                f"Authorization: Bearer {server.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
        return sum(map(_is_allowed, connections))


def _is_allowed(connection: socket.socket) -> bool:
    """Whether the whole answer is one, and the one that is expected."""
    with http.client.HTTPResponse(connection) as answer:
        answer.begin()
        return answer.status == 200 and orjson.loads(answer.read())["decision"] == "allow"


def _held(server: Server) -> Row:
    answered = _hold(server)
    return Row(
        f"{HELD:,} connections held, each asks once at the same time",
        f"{answered:,} answered, then {memory_of(server.process):.0f} MB",
        target="all of them",
        met=answered == HELD,
    )
