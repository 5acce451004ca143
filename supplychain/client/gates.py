"""The gate of a server: its verdicts, each with the very document that is on record there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from supplychain.client.connection import JSON, Connection
from supplychain.client.refusals import refuse_policy, understood, unreadable
from supplychain.gate.decision_document import from_document
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest

_MOST = 1000
Judged = tuple[Decision, bytes, Digest]


class Gates:
    """Asks the gate of a server.

    Args:
        connection: To it.
        by_digest: What somebody typed, with its digest: what has one as it is.
    """

    def __init__(self, connection: Connection, by_digest: Callable[[str], str]) -> None:
        self._connection = connection
        self._by_digest = by_digest

    def judge(
        self, images: Sequence[str], environment: str, policy: Path | None, *, at: datetime
    ) -> list[Judged]:
        """The verdict about each image, in order.

        Args:
            images: As somebody typed them.
            environment: Where they want to run.
            policy: Refused: a server judges by its own.
            at: Not sent: the server has a clock of its own.

        Raises:
            InputError: A policy is named.
            ServerError: It does not say what it was asked, or what is on record there.
        """
        del at
        refuse_policy(policy)
        asked = [self._by_digest(image) for image in images]
        path = f"/v1/gates/{quote(environment, safe='')}/decide"
        told: list[Mapping[str, Any]]
        if len(asked) == 1:
            told = [self._connection.post(path, {"image": asked[0]})]
        else:
            told = [one for part in _parts(asked) for one in self._batch(path, part)]
        return [
            self._judged(one, image, environment) for one, image in zip(told, asked, strict=True)
        ]

    @staticmethod
    def unattended(*, at: datetime) -> bool:
        """Not for whoever asks to know: who runs the server sees to its workers."""
        del at
        return False

    def _batch(self, path: str, images: Sequence[str]) -> list[Mapping[str, Any]]:
        found = self._connection.post(f"{path}-batch", {"images": images}).get("decisions")
        if not isinstance(found, list) or len(found) != len(images):
            raise unreadable(self._connection.where, "it does not answer about every image")
        return found

    def _judged(self, told: Mapping[str, Any], image: str, environment: str) -> Judged:
        """The decision on record, which has to be the one that was told, about what was asked."""
        with understood(self._connection.where):
            identity, verdict = Digest.parse(told["decision_id"]), told["decision"]
        document = self._connection.verbatim(f"/v1/decisions/{identity}", JSON)
        with understood(self._connection.where):
            if Digest.of(document) != identity:
                raise ValueError("the decision is not the one that its digest names")
            decision = from_document(document)
            about = (str(decision.subject.digest), decision.environment, decision.verdict.value)
            if about != (image.rpartition("@")[2], environment, verdict):
                raise ValueError("its decision is about something else, or says something else")
        return decision, document, identity


def _parts(images: Sequence[str]) -> list[Sequence[str]]:
    return [images[begin : begin + _MOST] for begin in range(0, len(images), _MOST)]
