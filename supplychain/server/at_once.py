"""The gate's answers that hold still, given without judging; everything else goes on as ever.

What is asked plainly, with a token, of an environment that has a policy, is looked up among the
answers that are kept. Whatever is unusual in a request, whatever is refused, and whatever has no
answer that holds, is left to the routes, which know what to say.

Requests that come while others are being looked up wait for one another: one question to the
database serves them all. It is asked after the last of them has come, so each of them sees what
was acknowledged before it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from functools import cache, lru_cache
from types import SimpleNamespace

from starlette.types import ASGIApp, Receive, Scope, Send

from supplychain.access.roles import require
from supplychain.errors import RateError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.images.reference import Reference
from supplychain.model.access import Permission, Principal
from supplychain.model.decision import Verdict
from supplychain.records.kept import Asked, Images
from supplychain.records.kept import Found as Answers
from supplychain.server.metrics import DECISIONS
from supplychain.server.routes.gates import MOST, together
from supplychain.server.service import Service

_LOG = logging.getLogger("supplychain.server")
_PROJECT = "default"
_PATH = re.compile(r"/v1/gates/([A-Za-z0-9][A-Za-z0-9._-]{0,62})/decide(-batch)?")
_IMAGES = re.compile(r"([^@\s]{1,900}@sha256:[0-9a-f]{64}( |\Z))+")
_TOKEN = re.compile(r"[Bb]earer (sct_[A-Za-z0-9_-]{10,200})")
_ROUTES = {
    many: SimpleNamespace(path=f"/v1/gates/{{environment}}/decide{'-batch' * many}")
    for many in (False, True)
}
_ALLOWED, _DENIED = DECISIONS.labels(Verdict.ALLOW.value), DECISIONS.labels(Verdict.DENY.value)
# The most that is looked up by one question.
_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class _Question:
    """What somebody asks: with which token, of which environment, about what."""

    token: str = field(repr=False)
    environment: str
    images: Images


@dataclass(frozen=True, slots=True)
class _Found:
    """Every answer to a question, and who asked."""

    principal: Principal
    answers: Answers


class AtOnce:
    """Answers what was answered before, where that holds.

    Args:
        app: What answers all else.
        service: What the server has; its database has to keep answers.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._waiting: list[tuple[_Question, asyncio.Future[_Found | None]]] = []
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whose body was read and looked at."""
        path = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        question = _question(scope, path[1]) if path is not None else None
        found = await self._found(question) if question is not None else None
        if path is None or found is None:
            await self._app(scope, receive, send)
            return
        many = path[2] is not None
        scope["route"] = _ROUTES[many]
        scope["state"]["principal"] = found.principal.name
        answers = found.answers
        for counter, number in (
            (_ALLOWED, answers.allowed),
            (_DENIED, answers.number - answers.allowed),
        ):
            if number:  # to count nothing takes as long
                counter.inc(number)
        told = answers.bodies.encode()
        await _send(together([told]) if many else told, send)

    async def _found(self, question: _Question) -> _Found | None:
        future: asyncio.Future[_Found | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await future

    async def _look(self) -> None:
        """Look for what is asked until nobody waits; who gets nothing is answered by the routes."""
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                found: Sequence[_Found | None] = [None] * len(some)
                try:
                    asked = [question for question, _ in some]
                    found = await asyncio.to_thread(_look_up, self._service, asked)
                except SupplyChainError:
                    pass  # the routes meet it, too, and tell
                except Exception:  # noqa: BLE001  # whoever waits must not wait for ever
                    _LOG.exception("nobody foresaw this of answers that are kept")
                finally:
                    for (_, future), one in zip(some, found, strict=True):
                        if not future.done():
                            future.set_result(one)
        finally:
            self._looking = None


def _question(scope: Scope, environment: str) -> _Question | None:
    """What is asked, where it is asked plainly."""
    if scope["method"] != "POST" or scope["query_string"]:
        return None
    headers = dict(scope["headers"])
    # A browser's session is somebody, too.
    if len(headers) != len(scope["headers"]) or b"cookie" in headers:
        return None
    token = _TOKEN.fullmatch(headers.get(b"authorization", b"").decode("latin-1"))
    if token is None or headers.get(b"content-type") != b"application/json":
        return None
    images = _images(scope["state"]["said"], many=scope["path"].endswith("-batch"))
    return _Question(token[1], environment, images) if images is not None else None


def _images(said: object, *, many: bool) -> Images | None:
    """The images that a body names; None where it is another kind of body."""
    name = "images" if many else "image"
    if not isinstance(said, dict) or said.keys() != {name}:
        return None
    named = said[name] if many else [said[name]]
    if not isinstance(named, list) or not 0 < len(named) <= MOST:
        return None
    if not all(isinstance(one, str) for one in named):
        return None
    text = " ".join(named)
    # As many spaces as there are between them: in none of them is another one.
    if _IMAGES.fullmatch(text) is None or text.count(" ") >= len(named):
        return None
    parts = [one.partition("@") for one in named]
    names = {before: _name(before) for before in {before for before, _, _ in parts}}
    if None in names.values():
        return None
    return Images(
        " ".join([names[before] or "" for before, _, _ in parts]),
        " ".join([digest for _, _, digest in parts]),
    )


@lru_cache(maxsize=4096)
def _name(text: str) -> str | None:
    """The whole name of what is before the `@`; None where it is none."""
    try:
        return Reference.parse(f"{text}@sha256:{'0' * 64}").name
    except SupplyChainError:
        return None


class _Callers:
    """Who comes with which token, at one instant.

    Attributes:
        versions: Whom somebody remembers is not looked up, for the question does it with the rest:
            their tokens, by identifier, and the version in which each was read.
    """

    def __init__(self, service: Service, at: datetime) -> None:
        self.versions: dict[str, str] = {}
        self._authenticator = service.authenticator
        self._at = at
        self._found: dict[str, Principal | None] = {}

    def of(self, token: str) -> Principal | None:
        """Who comes with a token and may ask; None for anybody else."""
        if token not in self._found:
            try:
                self._found[token] = self._allowed(token)
            except SupplyChainError:
                self._found[token] = None  # as everywhere here: the routes tell why
        return self._found[token]

    def _allowed(self, token: str) -> Principal:
        known = self._authenticator.known(token, at=self._at)
        if known is None:
            principal = self._authenticator.principal(token, at=self._at)
        else:
            principal = known.principal
            self.versions[known.token] = known.version
        require(principal, Permission.DECIDE, _PROJECT)
        return principal


def _look_up(service: Service, questions: Sequence[_Question]) -> list[_Found | None]:
    """The answers that hold to each question; None where not all of them do, or none may be given.

    Raises:
        StoreError: The database failed.
    """
    at = service.clock()

    @cache
    def place_of(organisation: str, environment: str) -> Asked | None:
        try:
            record = service.store.record(_PROJECT, organisation=organisation)
            policy = service.owns.of(organisation).policies.of(environment)
        except SupplyChainError:
            return None
        return Asked(record.number, environment, policy.digest) if policy is not None else None

    # What is asked at one place is looked for together.
    asked: dict[Asked, list[int]] = {}
    principals: list[Principal | None] = []
    callers = _Callers(service, at)
    with service.store.asking_often():
        for number, question in enumerate(questions):
            principal = callers.of(question.token)
            place = place_of(principal.organisation, question.environment) if principal else None
            principals.append(principal)
            if place is not None:
                asked.setdefault(place, []).append(number)
        found: list[_Found | None] = [None] * len(questions)
        for place, numbers in asked.items():
            images = [questions[number].images for number in numbers]
            answers = service.store.kept.find(place, images, at=at, tokens=callers.versions)
            for number, answer in zip(numbers, answers, strict=True):
                found[number] = _whole(service, principals[number], answer)
                if answer is None:
                    service.authenticator.forget(questions[number].token)
    return found


def _whole(service: Service, principal: Principal | None, answers: Answers | None) -> _Found | None:
    """The answers, unless there are none or they ask too often."""
    if principal is None or answers is None:
        return None
    try:
        service.rates.take(f"{principal.organisation}/{principal.name}")
    except RateError:
        return None
    return _Found(principal, answers)


async def _send(body: bytes, send: Send) -> None:
    length = b"%d" % len(body)
    headers = [(b"content-length", length), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
