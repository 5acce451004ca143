"""A small registry in memory that has the referrers API, which Debian's has not."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from supplychain.images.reference import Reference
from supplychain.model.artifact import OCI_INDEX
from supplychain.model.digest import Digest

_MANIFEST = re.compile(r"/v2/(.+)/manifests/(.+)")
_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_UPLOADS = re.compile(r"/v2/(.+)/blobs/uploads/")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([0-9a-f]+)")
_REFERRERS = re.compile(r"/v2/(.+)/referrers/(.+)")


@dataclass(slots=True)
class _Content:
    """What one registry holds; keys are (repository, reference or digest)."""

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


class ReferrersRegistry:
    """The registry: its address, what it holds, and what it was asked.

    Args:
        page: Entries on one page of referrers.
    """

    def __init__(self, page: int = 2) -> None:
        self.content = _Content()
        self.page = page
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.registry = self

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._server.server_port}"

    def fresh(self) -> Reference:
        """A repository that nobody has used yet."""
        return Reference(self.address, f"test/{uuid.uuid4().hex[:12]}")

    def tags(self, repository: str) -> set[str]:
        """The tags of a repository."""
        return {
            key
            for name, key in self.content.manifests
            if name == repository and not key.startswith("sha256:")
        }

    def serve(self) -> None:
        """Answer until `close`."""
        self._server.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: ReferrersRegistry

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up when it has what it wants."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        content = self._noted()
        path = urlsplit(self.path).path
        if match := _REFERRERS.fullmatch(path):
            self._referrers(match[1], match[2])
        elif match := _MANIFEST.fullmatch(path):
            self._found(*content.manifests.get((match[1], match[2]), ("", None)))
        elif match := _BLOB.fullmatch(path):
            self._found("application/octet-stream", content.blobs.get((match[1], match[2])))
        else:
            self._say(404)

    def do_HEAD(self) -> None:
        content = self._noted()
        match = _BLOB.fullmatch(self.path)
        self._say(200 if match and (match[1], match[2]) in content.blobs else 404)

    def do_POST(self) -> None:
        self._noted()
        match = _UPLOADS.fullmatch(self.path)
        location = f"/v2/{match[1]}/blobs/uploads/{uuid.uuid4().hex}?state=1" if match else ""
        self._say(202 if match else 404, {"Location": location})

    def do_PUT(self) -> None:
        content = self._noted()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        address = urlsplit(self.path)
        if match := _UPLOAD.fullmatch(address.path):
            digest = parse_qs(address.query)["digest"][0]
            if digest != str(Digest.of(data)):
                self._say(400)
                return
            content.blobs[match[1], digest] = data
            self._say(201)
        elif match := _MANIFEST.fullmatch(address.path):
            self._put_manifest(match[1], match[2], data)

    def _put_manifest(self, repository: str, reference: str, data: bytes) -> None:
        digest = str(Digest.of(data))
        stored = (self.headers["Content-Type"], data)
        content = self.server.registry.content
        content.manifests[repository, reference] = content.manifests[repository, digest] = stored
        headers = {"Docker-Content-Digest": digest}
        subject = json.loads(data).get("subject")
        if subject:
            headers["OCI-Subject"] = subject["digest"]
        self._say(201, headers)

    def _referrers(self, repository: str, subject: str) -> None:
        entries = [
            _entry(kind, data)
            for (name, key), (kind, data) in self.server.registry.content.manifests.items()
            if name == repository
            and key.startswith("sha256:")
            and (json.loads(data).get("subject") or {}).get("digest") == subject
        ]
        start = int(parse_qs(urlsplit(self.path).query).get("start", ["0"])[0])
        end = start + self.server.registry.page
        body = json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start:end]}
        ).encode()
        headers = {"Content-Type": OCI_INDEX}
        if end < len(entries):
            path = f"/v2/{repository}/referrers/{subject}?start={end}"
            headers["Link"] = f'<{path}>; rel="next"'
        self._say(200, headers, body)

    def _noted(self) -> _Content:
        content = self.server.registry.content
        content.asked.append(f"{self.command} {self.path}")
        return content

    def _found(self, kind: str, data: bytes | None) -> None:
        if data is None:
            self._say(404)
        else:
            self._say(200, {"Content-Type": kind}, data)

    def _say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _entry(kind: str, data: bytes) -> dict[str, object]:
    value = json.loads(data)
    return {
        "mediaType": kind,
        "digest": str(Digest.of(data)),
        "size": len(data),
        "artifactType": value.get("artifactType") or value.get("config", {}).get("mediaType", ""),
        "annotations": value.get("annotations") or {},
    }


@pytest.fixture(scope="session")
def referrers_registry() -> Iterator[ReferrersRegistry]:
    """A registry with the referrers API, two entries on a page."""
    registry = ReferrersRegistry()
    thread = threading.Thread(target=registry.serve, daemon=True)
    thread.start()
    yield registry
    registry.close()
    thread.join(5)
