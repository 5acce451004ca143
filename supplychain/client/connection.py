"""Requests to a server of ours: within a time and a size, to no other host, sent again where safe.

Nothing is followed: a redirect would take the token along. What is sent to change something goes
under a key of its own, so that it is done once however often it has to be sent.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from supplychain import __version__
from supplychain.client.address import Address
from supplychain.client.exchange import Answer, Asked, Bearer, Body, Query
from supplychain.client.failures import failed, late, moved
from supplychain.client.refusals import as_object, plain, refusal, unreadable
from supplychain.errors import RateError, SupplyChainError
from supplychain.network.addresses import is_loopback

# At debug level urllib3 tells what goes where.
logging.getLogger("urllib3").setLevel(logging.INFO)

JSON, XML = "application/json", "application/xml"
BYTES = "application/octet-stream"
LARGEST = 64 * 1024 * 1024
_BLOCK = 64 * 1024
_ATTEMPTS = 3
_PAUSE = 0.3
_CONNECT = 10.0
# Where a project is a filter, and not whose record is meant.
_OF_ALL_PROJECTS = "/v1/audit"
# A server says something in a stream of events every quarter of a minute.
_SILENCE = 60.0
_HEADERS = {"User-Agent": f"supplychain/{__version__}", "Accept-Encoding": "identity"}


class Connection:
    """A connection to a server.

    Args:
        address: The server.
        sleep: Waits.
    """

    def __init__(self, address: Address, sleep: Callable[[float], None] = time.sleep) -> None:
        self._address = address
        self._sleep = sleep
        self._session = requests.Session()
        self._session.auth = Bearer(address.token)
        self._session.headers.update(_HEADERS)
        host = urlsplit(address.url).hostname or ""
        # Loopback never goes through a proxy, as in every other client of ours.
        if is_loopback(host):
            self._session.trust_env = False

    @property
    def where(self) -> str:
        """The server, for people."""
        return self._address.url

    @property
    def seconds(self) -> float:
        """How long one answer may take as a whole."""
        return self._address.seconds

    def close(self) -> None:
        """Close what is open."""
        self._session.close()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The JSON object at a path.

        Raises:
            SupplyChainError: What the server refuses with.
            ServerError: It does not answer, or with what cannot be used.
        """
        found = self._answered(Asked("GET", path, query))
        return as_object(found.body, found.media_type, self.where)

    def verbatim(self, path: str, kind: str, **query: Any) -> bytes:
        """The bytes of a document at a path; raises as `get`.

        Args:
            path: Where it is.
            kind: Its media type; what is said to be JSON has to be an object.
            query: Which.
        """
        found = self._answered(Asked("GET", path, query))
        if kind == JSON:
            as_object(found.body, found.media_type, self.where)
        elif (named := plain(found.media_type)) != kind:
            raise unreadable(self.where, f"its answer is {named[:60] or 'of no type'}")
        return found.body

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        key: str | None = None,
    ) -> dict[str, Any]:
        """What comes of sending something; raises as `get`.

        Args:
            path: Where to.
            body: What.
            key: What to call it, so that it is done once; else a new name.
        """
        headers = {"Content-Type": JSON, "Idempotency-Key": key or str(uuid4())}
        data = json.dumps(body).encode()
        found = self._answered(Asked("POST", path, headers=headers, body=lambda: data))
        return as_object(found.body, found.media_type, self.where)

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What comes of having something be so; raises as `get`."""
        data = json.dumps(body).encode()
        asked = Asked("PUT", path, headers={"Content-Type": JSON}, body=lambda: data)
        found = self._answered(asked)
        return as_object(found.body, found.media_type, self.where)

    def stream_in(self, path: str, body: Body, **query: Any) -> dict[str, Any]:
        """What comes of handing in a document; raises as `get`."""
        headers = {"Content-Type": BYTES}
        found = self._answered(Asked("POST", path, query, headers, body))
        return as_object(found.body, found.media_type, self.where)

    def delete(self, path: str) -> dict[str, Any]:
        """What comes of taking something away; raises as `get`."""
        found = self._answered(Asked("DELETE", path), again=False)
        return as_object(found.body, found.media_type, self.where)

    def pages(
        self, path: str, name: str, query: Query | None = None, most: int | None = None
    ) -> list[Any]:
        """What is on the pages of a list; raises as `get`.

        Args:
            path: The list.
            name: What is on it.
            query: Which.
            most: At most so many; None for all.
        """
        found: list[Any] = []
        cursor: str | None = None
        while True:
            wanted = 1000 if most is None else min(1000, most - len(found))
            page = self.get(path, limit=wanted, cursor=cursor, **(query or {}))
            part, cursor = page.get(name), page.get("next_cursor")
            if not isinstance(part, list) or not (cursor is None or isinstance(cursor, str)):
                raise unreadable(self.where, f"its answer has no {name}")
            found += part
            if cursor is None or not part or (most is not None and len(found) >= most):
                return found[:most]

    def events(self, path: str, after: int) -> Iterator[Mapping[str, str]]:
        """Server-sent events until the stream ends: each with its fields; raises as `get`.

        Args:
            path: Where they come from.
            after: The number of the last one that was seen.
        """
        headers = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}
        try:
            with self._open(Asked("GET", path, headers=headers), _SILENCE) as answer:
                if answer.status_code == requests.codes.no_content:
                    return
                if answer.status_code != requests.codes.ok:
                    raise self._refused(answer, self._read(answer))
                if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                    raise unreadable(self.where, "its answer is no stream of events")
                yield from self._events(answer)
        except (requests.RequestException, OSError) as error:
            raise failed(error, self.where, self._address.seconds) from None

    def _answered(self, asked: Asked, *, again: bool = True) -> Answer:
        """An answer that is none of refusal, asked for again where that helps and harms nobody."""
        begun, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                return self._once(asked)
            except SupplyChainError as error:
                wait = error.retry_after if isinstance(error, RateError) else _PAUSE * attempt
                spent = time.monotonic() - begun + wait
                given_up = attempt == _ATTEMPTS or spent > self._address.seconds
                if given_up or not (again and error.retryable):
                    raise
            self._sleep(wait)

    def _once(self, asked: Asked) -> Answer:
        """One exchange, as a whole within the time that it may take, however slowly bytes come."""
        done: SimpleQueue[Answer | BaseException] = SimpleQueue()

        def work() -> None:
            try:
                with self._open(asked) as answer:
                    read = self._read(answer)
                    kind = answer.headers.get("Content-Type", "")
                    fine = 200 <= answer.status_code < 300
                    done.put(Answer(kind, read) if fine else self._refused(answer, read))
            except (requests.RequestException, OSError) as error:
                done.put(failed(error, self.where, self._address.seconds))
            except BaseException as error:  # noqa: BLE001  # whoever waits has to hear of it
                done.put(error)

        threading.Thread(target=work, daemon=True).start()
        try:
            found = done.get(timeout=self._address.seconds)
        except Empty:
            raise late(self.where, self._address.seconds) from None
        if isinstance(found, BaseException):
            raise found
        return found

    def _open(self, asked: Asked, silence: float | None = None) -> requests.Response:
        seconds = self._address.seconds
        query = {name: value for name, value in asked.query.items() if value is not None}
        if self._address.project != "default" and not asked.path.startswith(_OF_ALL_PROJECTS):
            query["project"] = self._address.project
        return self._session.request(
            asked.method,
            self._address.url + asked.path,
            params=query,
            data=None if asked.body is None else asked.body(),
            headers=dict(asked.headers),
            timeout=(min(_CONNECT, seconds), silence or seconds),
            allow_redirects=False,
            stream=True,
            verify=str(self._address.cacert) if self._address.cacert else True,
        )

    def _read(self, answer: requests.Response) -> bytes:
        found = bytearray()
        for block in answer.iter_content(_BLOCK):
            found += block
            if len(found) > LARGEST:
                raise unreadable(self.where, f"its answer has more than {LARGEST} bytes")
        return bytes(found)

    def _events(self, answer: requests.Response) -> Iterator[Mapping[str, str]]:
        """Events of a stream (HTML, section 9.2): each of ours has a field on each of its lines."""
        rest, fields = b"", dict[str, str]()
        for block in answer.iter_content(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            if len(rest) > LARGEST:
                raise unreadable(self.where, "a line of its events has no end")
            for line in lines:
                name, _, value = line.decode("utf-8", "replace").rstrip("\r").partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif not value and fields:
                    yield fields
                    fields = {}

    def _refused(self, answer: requests.Response, body: bytes) -> SupplyChainError:
        if 300 <= answer.status_code < 400:
            location = answer.headers.get("Location", "")
            return moved(self.where, location.replace(self._address.token, "********"))
        wait = answer.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 9 else 1.0
        # Whoever gives back what it was sent shall not make us print it.
        said = body.replace(self._address.token.encode(), b"********")
        return refusal(answer.status_code, said, seconds, self.where)
