"""Configurations of images into rows, and back as of an instant."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, EvidenceKind, Producer
from supplychain.model.image_config import ImageConfig, Secret, Variable, chain_ids
from supplychain.model.subject import Subject
from supplychain.records.bulk import Filing
from supplychain.records.prepared import Prepared, among
from supplychain.records.run import ConfigRecord
from supplychain.records.schema import configurations

MEDIA_TYPE = "application/json"
# Whose name stands at its head, since no other program takes the values out.
_PRODUCER = "supplychain"


def file_configuration(filing: Filing, image: int, record: ConfigRecord) -> None:
    """File a configuration; the same document again changes nothing."""
    document, diff_ids = record.config.document(), record.config.diff_ids
    filing.insert(
        configurations,
        image_id=image,
        digest=Digest.of(document),
        document=document.decode(),
        chain_id=str(chain_ids(diff_ids)[-1]) if diff_ids else "",
        layer_count=len(diff_ids),
        producer_version=record.producer_version,
        produced_at=record.produced_at,
    )


def read_configurations(
    connection: Connection, of: Collection[int], at: datetime
) -> dict[int, Row[Any]]:
    """The row of the latest configuration of each image that has one, by the image's number."""
    # Hardly any image has more than one, so the later ones simply replace those before.
    return {row.image_id: row for row in _CONFIGURATIONS(connection, of=list(of), at=at)}


def _configurations(of: Collection[int], at: datetime) -> Select[Any]:
    column = configurations.c
    return (
        select(configurations)
        .where(among(column.image_id, of), column.recorded_at <= at, column.produced_at <= at)
        .order_by(column.recorded_at, column.id)
    )


def secrets_text(secrets: tuple[Secret, ...] | None) -> str | None:
    """What the column `secrets` of a scan has: a JSON array, or NULL where nobody looked."""
    if secrets is None:
        return None
    rows = [
        [s.rule, s.category, s.severity, s.title, s.path, s.line, s.layer and str(s.layer)]
        for s in secrets
    ]
    return json.dumps(rows, separators=(",", ":"))


def secrets_of(stored: str | None) -> tuple[Secret, ...] | None:
    """What `secrets_text` stored."""
    if stored is None:
        return None
    return tuple(map(_secret, json.loads(stored)))


def _secret(row: list[Any]) -> Secret:
    rule, category, severity, title, path, line, layer = row
    found = Digest.parse(layer) if layer else None
    return Secret(rule, category, severity, title, path, line, found)


# Thousands of images are read in a row when a policy is tried, and again for the next policy.
@lru_cache(maxsize=1024)
def config_of(document: str) -> ImageConfig:
    """What `ImageConfig.document` wrote."""
    said = json.loads(document)
    created = said["created"]
    return ImageConfig(
        digest=Digest.parse(said["config"]),
        created_at=datetime.fromisoformat(created) if created else None,
        user=said["user"],
        ports=tuple(said["ports"]),
        volumes=tuple(said["volumes"]),
        environment=tuple(Variable(*pair) for pair in said["environment"]),
        labels=tuple((name, value) for name, value in said["labels"]),
        healthcheck=said["healthcheck"],
        entrypoint=tuple(said["entrypoint"]),
        command=tuple(said["command"]),
        diff_ids=tuple(Digest.parse(diff_id) for diff_id in said["diffIDs"]),
        annotations=tuple((name, value) for name, value in said["annotations"]),
    )


def config_evidence(row: Row[Any], subject: Subject) -> Evidence:
    """How a configuration is known."""
    return Evidence(
        subject=subject,
        kind=EvidenceKind.CONFIG,
        digest=row.digest,
        media_type=MEDIA_TYPE,
        producer=Producer(_PRODUCER, row.producer_version),
        produced_at=row.produced_at,
        verified_by="first-hand",
    )


_CONFIGURATIONS = Prepared(_configurations)
