"""Waivers and claims at a server."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from supplychain.client import reading
from supplychain.client.connection import Connection
from supplychain.client.refusals import understood
from supplychain.errors import InputError
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.model.waiver import (
        EndsWithFix,
        Waiver,
        WaiverChanges,
        WaiverEvent,
        WaiverScope,
    )

_WAIVERS, _VEX = "/v1/waivers", "/v1/vex"
_LARGEST = 32 * 1024 * 1024
_NUMBER = re.compile(r"(?P<document>[^#]+)(?:#(?P<number>[0-9]{1,7}))?")


class Waivers:
    """Risks accepted for a while; see `bootstrap.risks`, also for what is asked.

    Args:
        connection: To the server.
        by_digest: What somebody typed, with its digest.
    """

    def __init__(self, connection: Connection, by_digest: Callable[[str], str]) -> None:
        self._connection = connection
        self._by_digest = by_digest

    def request(
        self,
        scope: WaiverScope,
        *,
        image: str | None,
        expires: str,
        reason: str,
        owner: str | None,
        ticket: str,
        ends_with_fix: EndsWithFix,
        at: datetime,
    ) -> Waiver:
        """Ask that a risk be accepted."""
        del at
        body = {
            "vulnerability": scope.vulnerability,
            "rule": scope.rule,
            "package": scope.package,
            "versions": scope.versions,
            "image": self._by_digest(image).rpartition("@")[2] if image else None,
            "repository": scope.repository,
            "environments": list(scope.environments),
            "expires": expires,
            "reason": reason,
            "owner": owner or "",
            "ticket": ticket,
            "ends_with_fix": ends_with_fix.value,
        }
        return self._read(self._connection.post(_WAIVERS, body))

    def extend(self, waiver: str, *, expires: str, reason: str, at: datetime) -> Waiver:
        """Ask for more time."""
        del at
        body = {"expires": expires, "reason": reason}
        return self._read(self._connection.post(f"{_of(waiver)}/extend", body))

    def change(self, waiver: str, changes: WaiverChanges, *, expires: str, at: datetime) -> Waiver:
        """Ask for other terms."""
        del at
        fix = changes.ends_with_fix
        body = {
            "versions": changes.versions,
            "environments": list(changes.environments),
            "expires": expires,
            "reason": changes.reason,
            "owner": changes.owner,
            "ticket": changes.ticket,
            "ends_with_fix": fix.value if fix else None,
        }
        return self._read(self._connection.post(f"{_of(waiver)}/change", body))

    def approve(
        self, waiver: str, *, reason: str, request: Digest | None, at: datetime
    ) -> tuple[Waiver, Sequence[str]]:
        """Accept the risk; the waiver, and where the approval counts."""
        del at
        body = {"reason": reason, "request": str(request) if request else None}
        said = self._connection.post(f"{_of(waiver)}/approve", body)
        with understood(self._connection.where):
            return reading.waiver(said), tuple(map(str, said["counts_in"]))

    def reject(self, waiver: str, *, reason: str, at: datetime) -> Waiver:
        """Turn down what is asked for."""
        del at
        return self._read(self._connection.post(f"{_of(waiver)}/reject", {"reason": reason}))

    def revoke(self, waiver: str, *, reason: str, at: datetime) -> Waiver:
        """End a waiver at once."""
        del at
        return self._read(self._connection.post(f"{_of(waiver)}/revoke", {"reason": reason}))

    def all(self, *, at: datetime) -> Sequence[Waiver]:
        """Every waiver, and the changes that are asked for beside them."""
        del at
        return [self._read(one) for one in self._connection.pages(_WAIVERS, "waivers")]

    def get(
        self, waiver: str, *, at: datetime
    ) -> tuple[Sequence[Waiver], Sequence[WaiverEvent], Sequence[Digest]]:
        """A waiver, what was done to it, and the decisions that rest on it."""
        del at
        said = self._connection.get(_of(waiver))
        with understood(self._connection.where):
            found = [reading.waiver(one) for one in said["waivers"]]
            number = int(waiver.removeprefix("WV-"))
            steps = [reading.step(number, n, one) for n, one in enumerate(said["history"])]
            return found, steps, [Digest.parse(one) for one in said["decisions"]]

    def _read(self, said: Any) -> Waiver:
        with understood(self._connection.where):
            return reading.waiver(said)


class Vex:
    """Claims of fact; see `bootstrap.risks`.

    Args:
        connection: To the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def documents(self, *, at: datetime) -> Sequence[Mapping[str, Any]]:
        """Documents, the newest first."""
        del at
        return self._connection.pages(_VEX, "documents", most=100)

    def claims(self, document: str, *, at: datetime) -> Sequence[Mapping[str, Any]]:
        """What a document claims."""
        del at
        return self._claims(self._connection.get(_document(document)))

    def accept(
        self, claim: str, *, reason: str, withdraw: bool, at: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Accept a claim, or all of a document, or take that back."""
        del at
        named = _NUMBER.fullmatch(claim)
        if named is None:
            raise InputError(f"{claim[:80]!r} names no claim", hint="DOCUMENT, or DOCUMENT#NUMBER")
        number = int(named["number"]) if named["number"] else None
        body = {"number": number, "reason": reason, "withdraw": withdraw}
        path = f"{_document(named['document'])}/review"
        return self._claims(self._connection.post(path, body))

    def take_in(
        self,
        file: Path,
        bundle: Path | None,
        *,
        whom: object,
        environment: str | None,
        policy: Path | None,
        image: str | None,
        ask: object,
        at: datetime,
    ) -> Sequence[Mapping[str, Any]]:
        """Hand in a signed document; whose word counts is for the policy there to say."""
        del whom, ask, at
        if policy is not None or image is not None:
            raise InputError(
                "a server believes whom its own policies name",
                hint="leave --policy and --image out, or --server",
            )
        if bundle is None or not environment:
            raise InputError(
                "a server takes signed documents, by the policy of an environment",
                hint="--bundle FILE and --environment prod",
            )
        body = {
            "document": _base64(file),
            "bundle": _base64(bundle),
            "environment": environment,
        }
        return self._claims(self._connection.post(_VEX, body))

    def _claims(self, said: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        with understood(self._connection.where):
            return [dict(one) for one in said["claims"]]


def _of(waiver: str) -> str:
    return f"{_WAIVERS}/{quote(waiver, safe='')}"


def _document(text: str) -> str:
    return f"{_VEX}/{quote(text, safe=':')}"


def _base64(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read", because=error.strerror) from error
    if len(data) > _LARGEST:
        raise InputError(f"{file} is too large", because=f"at most {_LARGEST:,} bytes are sent")
    return base64.b64encode(data).decode()
