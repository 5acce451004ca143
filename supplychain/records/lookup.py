"""From what a person types to one recorded digest: whole, shortened, or by name."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, exists, select, type_coerce

from supplychain.errors import ConflictError, NotFoundError
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.subject import Subject
from supplychain.records.prepared import Prepared
from supplychain.records.schema import (
    evidence,
    image_names,
    images,
    index_children,
    tag_resolutions,
)

# Shorter than this a prefix is more likely a name.
_PREFIX = re.compile(r"(sha(?:256|384|512):)?([0-9a-f]{6,128})")
_SHOWN = 5
_HINT = "type `supplychain images list` to see what is recorded"


def find_image(connection: Connection, project: int, text: str) -> Digest:
    """The recorded image that `text` means.

    Args:
        connection: The database.
        project: The project's number.
        text: A digest (`sha256:…`), at least six of its first hex digits, `name`, `name:tag` as
            it was last resolved, or `name@digest`.

    Raises:
        NotFoundError: Nothing recorded fits.
        ConflictError: More than one image fits.
    """
    wanted = text.rpartition("@")[2] if "@" in text else text
    candidates = _by_prefix(connection, project, wanted)
    if not candidates and "@" not in text:
        candidates = _by_name(connection, project, text)
    if not candidates:
        raise NotFoundError(f"no recorded image is called {text!r}", hint=_HINT)
    if len(candidates) > 1:
        shown = ", ".join(f"sha256:{digest.short}" for digest in candidates[:_SHOWN])
        raise ConflictError(
            f"{text!r} means more than one recorded image",
            because=f"{shown}{', …' if len(candidates) > _SHOWN else ''}",
            hint="give more of the digest",
        )
    return candidates[0]


def unknown(digest: Digest) -> NotFoundError:
    """The error about an image that nothing is recorded about."""
    return NotFoundError(
        f"nothing is recorded about {digest}", hint=f"type `supplychain run IMAGE@{digest}`"
    )


def is_recorded(connection: Connection, project: int, digest: Digest) -> bool:
    """Whether anything is recorded about an image."""
    return _RECORDED.first(connection, project=project, digest=digest) is not None


def number_of(connection: Connection, project: int, digest: Digest) -> int:
    """The number of an image, by which rows name it.

    Raises:
        NotFoundError: Nothing is recorded about it.
    """
    row = _RECORDED.first(connection, project=project, digest=digest)
    if row is None:
        raise unknown(digest)
    number: int = row.id
    return number


def _recorded(project: Any, digest: Any) -> Select[Any]:
    return select(images.c.id).where(images.c.project_id == project, images.c.digest == digest)


_RECORDED = Prepared(_recorded)


def recorded_subjects(connection: Connection, project: int, at: datetime) -> tuple[Subject, ...]:
    """Every image on record that no index contains, under the name it last had, sorted."""
    contained = exists().where(index_children.c.child_id == images.c.id)
    rows = connection.execute(
        select(images.c.digest, image_names.c.name)
        .join(image_names, image_names.c.image_id == images.c.id)
        .where(
            images.c.project_id == project,
            images.c.recorded_at <= at,
            image_names.c.recorded_at <= at,
            ~contained,
        )
        .order_by(image_names.c.recorded_at, image_names.c.name.desc())
    )
    latest = {row.digest: Subject(row.name, row.digest) for row in rows}
    return tuple(sorted(latest.values()))


def last_resolution(connection: Connection, project: int, name: str, tag: str) -> Digest | None:
    """The digest that a tag pointed at when it was last resolved; None where it never was."""
    column = tag_resolutions.c
    chosen = (
        select(images.c.digest)
        .join(tag_resolutions, column.image_id == images.c.id)
        .where(column.project_id == project, column.name == name, column.tag == tag)
        .order_by(column.resolved_at.desc())
        .limit(1)
    )
    digest: Digest | None = connection.scalar(chosen)
    return digest


def latest_document(
    connection: Connection, project: int, image: Digest, kind: EvidenceKind
) -> Digest | None:
    """The latest document of a kind about a platform manifest; None where there is none."""
    found: Digest | None = connection.scalar(
        select(evidence.c.digest)
        .join(images, images.c.id == evidence.c.image_id)
        .where(images.c.project_id == project, images.c.digest == image, evidence.c.kind == kind)
        .order_by(evidence.c.produced_at.desc(), evidence.c.id.desc())
        .limit(1)
    )
    return found


def _by_prefix(connection: Connection, project: int, text: str) -> list[Digest]:
    match = _PREFIX.fullmatch(text)
    if not match:
        return []
    begins = type_coerce(images.c.digest, String).startswith((match[1] or "sha256:") + match[2])
    chosen = select(images.c.digest).where(images.c.project_id == project, begins)
    return list(connection.scalars(chosen.order_by(images.c.digest).limit(_SHOWN + 1)))


def _by_name(connection: Connection, project: int, text: str) -> list[Digest]:
    name, colon, tag = text.rpartition(":")
    if colon:
        digest = last_resolution(connection, project, name, tag)
        if digest is not None:
            return [digest]
    contained = exists().where(index_children.c.child_id == images.c.id)
    chosen = (
        select(images.c.digest)
        .join(image_names, image_names.c.image_id == images.c.id)
        .where(image_names.c.project_id == project, image_names.c.name == text, ~contained)
        .order_by(images.c.recorded_at.desc())
        .limit(_SHOWN + 1)
    )
    return list(connection.scalars(chosen))
