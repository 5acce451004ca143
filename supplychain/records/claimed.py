"""What unsigned claims say, for dossiers: of every caller the latest of each kind."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from supplychain.errors import StoreError
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need
from supplychain.model.unsigned import Claimed, Told
from supplychain.records.content import ContentStore
from supplychain.records.handed_in_tables import unsigned_claims
from supplychain.records.prepared import Prepared, among
from supplychain.records.question import Question

_VERSION = 1


def reading_document(told: Told) -> bytes:
    """What a claim says, as canonical JSON."""
    document = {"schemaVersion": _VERSION, **msgspec.to_builtins(told)}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def with_claims(
    connection: Connection,
    content: ContentStore,
    dossiers: Mapping[Digest, Dossier],
    asked: Question,
) -> Mapping[Digest, Dossier]:
    """The dossiers with what was claimed of their platforms at an instant, where that is needed."""
    if Need.CLAIMS not in asked.needs:
        return dossiers
    manifests = {p.subject.digest for dossier in dossiers.values() for p in dossier.platforms}
    claimed: dict[Digest, tuple[Claimed, ...]] = {}
    for row in _CLAIMS(connection, project=asked.project, subjects=list(manifests), at=asked.at):
        one = Claimed(row.caller, row.recorded_at, _told(content, row.reading))
        claimed[row.subject_digest] = (*claimed.get(row.subject_digest, ()), one)
    return {digest: _with(dossier, claimed) for digest, dossier in dossiers.items()}


def _with(dossier: Dossier, claimed: Mapping[Digest, tuple[Claimed, ...]]) -> Dossier:
    platforms = tuple(
        replace(one, claims=claimed.get(one.subject.digest, ())) for one in dossier.platforms
    )
    return replace(dossier, platforms=platforms)


def _told(content: ContentStore, digest: Digest) -> Told:
    return _read(digest, content.get(digest))


@lru_cache(maxsize=64)
def _read(digest: Digest, data: bytes) -> Told:
    try:
        document = json.loads(data)
        if document.pop("schemaVersion") == _VERSION:
            return msgspec.convert(document, Told)
        why = "a newer supplychain wrote it"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = str(error)[:300]
    raise StoreError(f"what {digest} says cannot be read", because=why, retryable=False)


def _latest(project: int, subjects: Collection[Digest], at: datetime) -> Select[Any]:
    column = unsigned_claims.c
    place = (column.subject_digest, column.caller, column.kind)
    newest_first = (column.recorded_at.desc(), column.id.desc())
    numbered = (
        select(
            unsigned_claims,
            func.row_number().over(partition_by=place, order_by=newest_first).label("place"),
        )
        .where(
            column.project_id == project,
            among(column.subject_digest, subjects),
            column.recorded_at <= at,
            column.reading.is_not(None),
        )
        .subquery()
    )
    found = numbered.c
    return (
        select(found.subject_digest, found.caller, found.recorded_at, found.reading)
        .where(found.place == 1)
        .order_by(found.subject_digest, found.caller, found.kind)
    )


_CLAIMS = Prepared(_latest)
