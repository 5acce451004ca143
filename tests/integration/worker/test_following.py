"""A run as logs and traces tell of it, from the request that asked for it to the last statement."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from supplychain.bootstrap.logs import log_to
from supplychain.bootstrap.tracing import Spans
from supplychain.errors import ToolError
from supplychain.model.runs import Duty, RunState
from supplychain.model.spans import trace_with
from supplychain.pipeline.progress import NoProgress, stage
from supplychain.scan.process import Command, run
from supplychain.settings import Settings
from supplychain.worker.engine import Json, Step
from supplychain.worker.held import Held, Performer
from supplychain.worker.service import working
from tests.kit.logged import logged_as_before
from tests.kit.serving import Served

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
TOKEN = "sct_planted-token-0123456789abcdefghijklmnop"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Everything that is traced, kept here."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(Spans(provider))
    yield exporter
    trace_with(None)
    provider.shutdown()


@dataclass(frozen=True, slots=True)
class _Tools:
    """In place of Trivy, which takes long: a stage with a real tool, that may give up."""

    folder: Path
    fails: bool = False

    def perform(self, held: Held, step: Step) -> None:
        step("scan", self._scan)
        held.queue.end(held.claim, RunState.SUCCEEDED, at=held.clock())

    def _scan(self) -> Json:
        with Path(sys.executable).open("rb") as tool, stage(NoProgress(), "scan", "an image"):
            command = Command(
                executable=tool.fileno(),
                arguments=("/usr/bin/tool", "-c", "pass"),
                folder=self.folder,
                environment={},
            )
            assert run(command, timeout=60, grace=1).status == 0
            if self.fails:
                raise ToolError(f"it was refused with Bearer {TOKEN}", retryable=False)
        return None


def submitted(served: Served) -> str:
    answer = served.post(
        "/v1/runs",
        {"reference": "registry.test/shop:1.4"},
        headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "ci-17"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def worked(served: Served, tools: Performer, name: str) -> RunState:
    """Let a worker do the run."""
    settings = Settings({}, os.environ, served.typist.folder).to_serve()
    with working(settings, [Duty.SCAN], around=lambda _: tools), served.typist.record() as record:
        until = time.monotonic() + 60
        while not (state := record.runs.get(name).state).over:
            assert time.monotonic() < until
            time.sleep(0.05)
    return state


def lines(said: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_what_a_worker_does_is_part_of_what_the_submitter_traces(
    served: Served, spans: InMemorySpanExporter
) -> None:
    name = submitted(served)
    assert worked(served, _Tools(served.typist.folder), name) is RunState.SUCCEEDED

    def named(what: str) -> list[ReadableSpan]:
        return [
            one
            for one in spans.get_finished_spans()
            if one.name.startswith(what) and one.context and f"{one.context.trace_id:032x}" == TRACE
        ]

    def parent(one: ReadableSpan) -> int | None:
        return one.parent.span_id if one.parent else None

    [request] = named("request")
    [done] = named("run")
    [scanned] = named("stage scan")
    [tool] = named("tool")
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == CALLER
    assert request.context
    assert done.context
    assert scanned.context
    assert parent(done) == request.context.span_id
    assert parent(scanned) == done.context.span_id
    assert parent(tool) == scanned.context.span_id
    assert done.attributes == {"run.id": name, "run.duty": "scan"}
    statements = [one for one in named("database") if parent(one) == done.context.span_id]
    assert any("UPDATE runs" in str(one.attributes) for one in statements)


def test_a_worker_tells_of_a_run_with_the_request_that_asked_for_it(served: Served) -> None:
    said = io.StringIO()
    with logged_as_before():
        log_to(said, Settings({"log": "requests"}, os.environ, served.typist.folder))
        name = submitted(served)
        worked(served, _Tools(served.typist.folder), name)

    [told] = [line for line in lines(said) if line["logger"] == "supplychain.runs"]
    assert (told["run_id"], told["request_id"], told["outcome"]) == (name, "ci-17", "done")
    assert (told["level"], told["duty"]) == ("info", "scan")
    assert told["milliseconds"] > 0
    # Who only asks is told of without.
    assert not any("run_id" in one for one in lines(said) if one["message"] == "request")


def test_a_run_that_fails_is_told_without_its_secrets(served: Served) -> None:
    said = io.StringIO()
    with logged_as_before():
        log_to(said, Settings({}, os.environ, served.typist.folder))
        name = submitted(served)
        assert worked(served, _Tools(served.typist.folder, fails=True), name) is RunState.FAILED

    [told] = [line for line in lines(said) if line["logger"] == "supplychain.runs"]
    assert (told["run_id"], told["outcome"], told["code"]) == (name, "failed", "tool_failed")
    assert told["level"] == "warning"
    assert "it was refused with Bearer ********" in told["error"]
    assert TOKEN not in said.getvalue()


def test_a_run_asked_for_again_is_of_who_asked_again(served: Served) -> None:
    name = submitted(served)
    assert served.post(f"/v1/runs/{name}/cancel", {}).status_code == 202
    headers = {"X-Request-Id": "ci-18"}
    again = served.post(f"/v1/runs/{name}/again", {}, headers=headers).json()["id"]
    with served.typist.record() as record:
        assert record.runs.get(name).origin.request_id == "ci-17"
        assert record.runs.get(again).origin.request_id == "ci-18"
        # Nobody traces: what a caller sends is kept nowhere.
        assert record.runs.get(name).origin.traceparent == ""
