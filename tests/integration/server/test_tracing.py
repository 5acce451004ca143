"""What a collector of OpenTelemetry is told, over its own protocol."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from supplychain.bootstrap.tracing import tracing
from supplychain.model.spans import span, traced
from supplychain.pipeline.progress import NoProgress, stage
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.scan.process import Command, run
from tests.kit.failings import in_order
from tests.kit.runs import manifest_run
from tests.kit.scans import AT, SUBJECT
from tests.kit.serving import serving
from tests.kit.typist import Typist

TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Collector:
    """Somebody who listens for traces."""

    url: str
    spans: list[Any] = field(default_factory=list)

    def named(self, name: str) -> list[Any]:
        return [one for one in self.spans if one.name == name]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            asked = ExportTraceServiceRequest.FromString(data)
            for resource in asked.resource_spans:
                for scope in resource.scope_spans:
                    found.spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def _attributes(one: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in one.attributes}


def test_a_request_is_part_of_what_its_caller_traces(typist: Typist, collector: Collector) -> None:
    in_order(typist)
    with tracing(), serving(typist) as served:
        parent = f"00-{TRACE}-b7ad6b7169203331-01"
        answer = served.client.post(
            "/v1/gates/prod/decide",
            json={"image": str(SUBJECT)},
            headers={"traceparent": parent},
        )
        assert answer.status_code == 200
    (request,) = [one for one in collector.named("request") if one.trace_id.hex() == TRACE]
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    inner = [one for one in collector.spans if one.trace_id.hex() == TRACE and one != request]
    statements = [
        _attributes(one)["db.statement"] for one in inner if one.name.startswith("database")
    ]
    assert any("FROM" in one for one in statements)
    # Text alone: not the digest that was asked for.
    assert not any(SUBJECT.digest.hex in one for one in statements)
    assert SUBJECT.digest.hex not in str(collector.spans)
    assert {one.parent_span_id for one in inner if one.name.startswith("database")}


def test_stages_tools_and_statements_are_nested(tmp_path: Path, collector: Collector) -> None:
    with tracing():
        url = f"sqlite:///{tmp_path / 'record.db'}"
        with Path(sys.executable).open("rb") as descriptor, stage(NoProgress(), "scan", "an image"):
            command = Command(
                executable=descriptor.fileno(),
                arguments=("/usr/bin/tool", "-c", "pass", "secret-argument"),
                folder=tmp_path,
                environment={},
            )
            assert run(command, timeout=60, grace=1).status == 0
            with Record.open(url, FolderStore(tmp_path / "content"), create=True) as record:
                record.save_run(manifest_run(), at=AT)
    (whole,) = collector.named("stage scan")
    (tool,) = collector.named("tool")
    assert tool.parent_span_id == whole.span_id
    assert _attributes(tool) == {"program": "tool"}
    inserts = collector.named("database INSERT")
    assert inserts
    assert {one.trace_id for one in inserts} == {whole.trace_id}
    assert "secret-argument" not in str(collector.spans)


def test_what_fails_is_told_by_its_kind_alone(collector: Collector) -> None:
    with tracing(), pytest.raises(ValueError, match="secret"), span("work"):
        raise ValueError("the secret")
    (told,) = collector.named("work")
    assert told.status.code == 2
    assert list(told.events) == []
    assert "the secret" not in str(told)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_it_can_be_off(environ: dict[str, str]) -> None:
    with tracing(environ):
        assert not traced()
