"""What a server tells of itself: metrics, readiness and logs, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from supplychain.bootstrap.logs import log_to
from supplychain.errors import ConfigurationError
from supplychain.model.runs import RunRequest
from supplychain.model.spans import span, traced
from supplychain.records.content import PROBE, key_of
from supplychain.records.schema import SCHEMA_VERSION
from supplychain.settings import Settings
from tests.kit.failings import in_order
from tests.kit.logged import logged_as_before
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, problem

TOKEN = "a token for monitors alone"


@pytest.fixture
def monitored(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("SUPPLYCHAIN_METRICS_TOKEN", TOKEN)
    return served


def scraped(served: Served, token: str = TOKEN) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample, by its name and the values of its labels."""
    answer = served.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_are_for_monitors_alone(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not even for somebody who may ask everything else.
    problem(served.get("/metrics"), 403, "forbidden")
    monkeypatch.setenv("SUPPLYCHAIN_METRICS_TOKEN", TOKEN)
    problem(served.get("/metrics"), 401, "unauthenticated")
    del served.client.headers["Authorization"]
    problem(served.get("/metrics"), 401, "unauthenticated")


def test_a_secret_that_is_mounted_anew_counts_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("SUPPLYCHAIN_METRICS_TOKEN_FILE", str(file))
    assert scraped(served)
    # As an orchestrator does it: another file in its place.
    (tmp_path / "next").write_text("rotated\n")
    (tmp_path / "next").replace(file)
    assert scraped(served, "rotated")
    answer = served.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    problem(answer, 401, "unauthenticated")
    file.unlink()
    assert served.get("/metrics", headers={"Authorization": "Bearer rotated"}).status_code == 503


def test_requests_and_verdicts_are_counted(monitored: Served) -> None:
    in_order(monitored.typist)
    route = "/v1/gates/{environment}/decide"
    before = scraped(monitored)
    assert monitored.decide().json()["decision"] == "allow"
    assert monitored.decide(f"n@sha256:{'0' * 64}").json()["decision"] == "deny"
    monitored.get("/v1/nobody/knows/this")
    now = scraped(monitored)

    def rise(name: str, *labels: str) -> float:
        return now[name, labels] - before.get((name, labels), 0)

    assert rise("supplychain_http_requests_total", "POST", route, "200") == 2
    assert rise("supplychain_http_requests_total", "GET", "(none)", "404") == 1
    assert rise("supplychain_http_request_seconds_count", "POST", route) == 2
    assert rise("supplychain_decisions_total", "allow") == 1
    assert rise("supplychain_decisions_total", "deny") == 1
    assert ("supplychain_decisions_total", ("pending",)) in now
    # No caller can make series of their own.
    assert not any("nobody" in label for _, labels in now for label in labels)


def test_the_state_of_the_service_is_told(monitored: Served) -> None:
    now = scraped(monitored)
    assert now["supplychain_schema", (SCHEMA_VERSION,)] == 1
    assert now["supplychain_up_database", ()] == 1
    assert ("supplychain_database_connections", ("in_use",)) in now
    assert now["supplychain_queue_depth", ()] == now["supplychain_queue_oldest_seconds", ()] == 0


def test_runs_are_told_by_how_they_stand(monitored: Served) -> None:
    with monitored.typist.record() as record:
        for number in range(3):
            asked = RunRequest(f"registry.test/shop/web:{number}", environment="prod")
            at = monitored.typist.now - timedelta(hours=number)
            record.runs.submit(asked, registry="registry.test", requested_by="ada", at=at)
        queued = record.runs.list()
        record.runs.cancel(queued[0].id, by="ada", at=monitored.typist.now)
    now = scraped(monitored)
    assert now["supplychain_runs", ("queued",)] == now["supplychain_queue_depth", ()] == 2
    assert 2 * 3600 <= now["supplychain_queue_oldest_seconds", ()] < 2 * 3600 + 600
    assert now["supplychain_runs", ("cancelled",)] == 1
    assert now["supplychain_runs", ("dead",)] == 0


def test_metrics_go_on_without_the_database(
    monitored: Served, caplog: pytest.LogCaptureFixture
) -> None:
    database = monitored.typist.data / "supplychain.db"
    database.rename(database.with_suffix(".gone"))
    database.mkdir()
    monitored.service.store.close()  # connections that are open would still see the old file
    now = scraped(monitored)
    assert now["supplychain_up_database", ()] == 0
    assert any(name == "supplychain_http_requests_total" for name, _ in now)
    with caplog.at_level(logging.WARNING, "supplychain.server"):
        told = problem(monitored.get("/readyz"), 503, "store")
    assert told["retryable"] is not None
    # Where it is, is for those who run it, and stands in their log.
    assert str(monitored.typist.data) not in json.dumps(told)
    assert str(database) in caplog.text
    assert told["request_id"] in caplog.text


def test_processes_that_share_a_folder_answer_for_each_other(tmp_path: Path) -> None:
    """Real processes: the library decides when it is imported."""
    count = (
        "import sys; from supplychain.server.metrics import DECISIONS;"
        "DECISIONS.labels('allow').inc(int(sys.argv[1]))"
    )
    tell = (
        "from prometheus_client import CollectorRegistry, generate_latest, multiprocess;"
        "import supplychain.server.metrics;"
        "r = CollectorRegistry(); multiprocess.MultiProcessCollector(r);"
        "print(generate_latest(r).decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for number in ("2", "3"):
        subprocess.run([sys.executable, "-c", count, number], env=environment, check=True)
    told = subprocess.run(
        [sys.executable, "-c", tell], env=environment, check=True, capture_output=True, text=True
    )
    assert 'supplychain_decisions_total{verdict="allow"} 5.0' in told.stdout


def test_it_is_not_ready_without_its_content_store(served: Served) -> None:
    content = served.typist.data / "content"
    assert served.get("/readyz").status_code == 200
    content.rename(content.with_name("elsewhere"))
    told = problem(served.get("/readyz"), 503, "store")
    assert "not the one that it was" in told["detail"]
    # Looking makes no store where there should be one.
    assert not content.exists()
    content.with_name("elsewhere").rename(content)
    assert served.get("/readyz").status_code == 200


def test_it_is_not_ready_where_the_content_store_gives_other_bytes(served: Served) -> None:
    path = served.typist.data / "content" / key_of(PROBE)
    path.chmod(0o644)
    path.write_bytes(b"other")
    problem(served.get("/readyz"), 503, "digest_mismatch")
    assert served.get("/livez").status_code == 200


def test_what_readiness_looks_for_is_no_orphan(served: Served) -> None:
    told = served.typist.type("verify-store", "-o", "json")
    assert json.loads(told.stdout)["orphans"] == []


@pytest.fixture
def said(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the server says, asked to tell of every request."""
    stream = io.StringIO()
    with logged_as_before():
        log_to(stream, Settings({"log": "requests"}, os.environ, served.typist.folder))
        yield stream


def lines(said: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_name(served: Served, said: io.StringIO) -> None:
    served.get("/v1/gates/a%0Ab/decide", headers={"X-Request-Id": "ci-17"})
    in_order(served.typist)
    served.client.post(DECIDE, json={"image": str(SUBJECT)}, headers={"X-Request-Id": "ci-18"})
    first, second = [line for line in lines(said) if line["logger"] == "supplychain.requests"]
    assert (first["request_id"], first["status"]) == ("ci-17", 405)
    assert (second["request_id"], second["principal"]) == ("ci-18", "ada")
    assert second["route"] == "/v1/gates/{environment}/decide"
    assert (second["level"], second["status"]) == ("info", 200)
    assert isinstance(second["milliseconds"], float)


def test_what_nobody_foresaw_is_told_with_its_cause(served: Served, said: io.StringIO) -> None:
    @served.app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("by zero")

    served.get("/broken", headers={"X-Request-Id": "ci-19"})
    (told,) = [line for line in lines(said) if "exception" in line]
    assert told["request_id"] == "ci-19"
    assert "ZeroDivisionError: by zero" in str(told["exception"])


PLANTED = {
    "token": "sct_planted-token-0123456789abcdefghijklmnop",
    "jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmVk",
    "password": "planted-db-password",
    "key": "planted-key-password",
    "mounted": "planted-in-a-file",
    "pem": "-----BEGIN PRIVATE KEY-----\nplantedplanted\n-----END PRIVATE KEY-----",
}


def test_no_secret_is_ever_told(
    served: Served, said: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mounted").write_text(PLANTED["mounted"])
    monkeypatch.setenv("SUPPLYCHAIN_KEY_PASSWORD", PLANTED["key"])
    monkeypatch.setenv("SUPPLYCHAIN_REGISTRY_TOKEN_FILE", str(tmp_path / "mounted"))
    url = f"postgresql://records:{PLANTED['password']}@db.example/records"
    monkeypatch.setenv("SUPPLYCHAIN_DATABASE", url)

    @served.app.get("/leaks")
    def leaks() -> None:
        every = " ".join(PLANTED.values())
        raise ZeroDivisionError(f"{every} {url} Authorization: Bearer {PLANTED['token']}")

    for text in PLANTED.values():
        one = text.replace("\n", "")
        served.get(f"/v1/{one}", params={"token": one}, headers={"X-Request-Id": "ci"})
        served.client.post(DECIDE, json={"image": one}, headers={"Authorization": f"Bearer {one}"})
    served.get("/leaks")
    logging.getLogger("supplychain.server").error("opened %s with %s", url, PLANTED["key"])
    logging.getLogger("some.library").warning("Authorization: Bearer %s", PLANTED["token"])

    assert len(lines(said)) > 10
    for name, text in PLANTED.items():
        assert text not in said.getvalue(), name
    assert "plantedplanted" not in said.getvalue()


@pytest.mark.parametrize("mounted", [None, "", "postgresql://[half"])
def test_a_secret_that_cannot_be_read_keeps_nothing_from_the_log(
    said: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    mounted: str | None,
) -> None:
    """While it is replaced, or gone: that is when somebody reads the log."""
    file = tmp_path / "database"
    if mounted is not None:
        file.write_text(mounted)
    monkeypatch.setenv("SUPPLYCHAIN_DATABASE_FILE", str(file))
    monkeypatch.setenv("SUPPLYCHAIN_KEY_PASSWORD", PLANTED["key"])
    logging.getLogger("supplychain.server").error("it was %s", PLANTED["key"])
    assert [line["message"] for line in lines(said)] == ["it was ********"]
    # Where a line cannot be made, `logging` tells all of it on standard error.
    assert capsys.readouterr().err == ""


def test_a_password_is_hidden_as_it_is_and_as_a_url_has_it(
    said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPLYCHAIN_DATABASE", "postgresql://records:p%40ss%2Fword@db/records")
    logging.getLogger("supplychain.server").error("p@ss/word is p%40ss%2Fword")
    assert "p%40ss" not in said.getvalue()
    assert "p@ss/word" not in said.getvalue()


def test_another_word_than_there_is_for_logs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="log = 'everything'"):
        log_to(io.StringIO(), Settings({"log": "everything"}, {}, tmp_path))


def test_nothing_is_traced_unless_somebody_hears() -> None:
    assert not traced()
    assert span("a", {"b": 1}) is span("c")
