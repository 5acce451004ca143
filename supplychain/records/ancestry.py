"""The images that an image was built upon, as far as the record knows, as of an instant.

By layers that is a fact, and one look-up: each image on record is found by the name of all its
layers together, so those that another begins with are found by the names of its beginnings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship, chain_ids
from supplychain.model.subject import Subject
from supplychain.records.configurations import config_of
from supplychain.records.prepared import Prepared, among
from supplychain.records.schema import configurations, image_names, images, index_children

# How far claims are followed from image to image: nobody builds deeper, and claims may go round.
_DEEPEST = 8


def read_ancestors(
    connection: Connection, project: int, config: ImageConfig, own: Digest, at: datetime
) -> tuple[Ancestor, ...]:
    """What an image was built upon, the nearest first, each under every name that it has here.

    Of images that are the same layer for layer nobody can tell which came first: each counts as
    an ancestor of the others, for it is all that they have in them.
    """
    depths = {str(chain): n for n, chain in enumerate(chain_ids(config.diff_ids), 1)}
    rows = [
        row
        for row in _BY_LAYERS(connection, project=project, chains=list(depths), at=at)
        if row.digest != own
    ]
    found: dict[tuple[Subject, Kinship], Ancestor] = {}
    for row in sorted(rows, key=lambda r: (-r.layer_count, r.name, r.digest)):
        _add(found, _by_name(row, row, at))
    by_image = {row.image_id: row for row in rows}
    for row in _INDEXES(connection, of=list(by_image), at=at) if by_image else ():
        _add(found, _by_name(row, by_image[row.child_id], at))
    known = (config, *(config_of(document) for document in dict.fromkeys(r.document for r in rows)))
    for claimed in _claimed(connection, project, known, at):
        _add(found, Ancestor(claimed, Kinship.LABEL))
    return tuple(sorted(found.values(), key=_nearest_first))


def read_names(
    connection: Connection, of: Sequence[int], at: datetime
) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every name under which images were on record at an instant, and their repositories.

    By the images' numbers. The latter are the names under which a registry was seen to have one
    by then.
    """
    found: dict[int, tuple[list[str], list[str]]] = {number: ([], []) for number in of}
    for row in _NAMES(connection, of=list(of), at=at):
        names, repositories = found[row.image_id]
        names.append(row.name)
        if _is_resolved(row.resolved_at, at):
            repositories.append(row.name)
    return {number: (tuple(names), tuple(seen)) for number, (names, seen) in found.items()}


def read_indexes(
    connection: Connection, of: Sequence[int], at: datetime
) -> dict[int, tuple[Digest, ...]]:
    """The indexes that listed images at an instant, as far as is on record."""
    found: dict[int, tuple[Digest, ...]] = dict.fromkeys(of, ())
    for row in _LISTING(connection, of=list(of), at=at):
        found[row.child_id] += (row.digest,)
    return found


def _is_resolved(resolved_at: datetime | None, at: datetime) -> bool:
    return resolved_at is not None and resolved_at <= at


def _add(found: dict[tuple[Subject, Kinship], Ancestor], ancestor: Ancestor) -> None:
    found.setdefault((ancestor.subject, ancestor.known_by), ancestor)


def _by_name(named: Row[Any], configured: Row[Any], at: datetime) -> Ancestor:
    """An ancestor, or an index of it, under one of its names."""
    return Ancestor(
        subject=Subject(named.name, named.digest),
        known_by=Kinship.LAYERS,
        layers=configured.layer_count,
        local=not _is_resolved(named.resolved_at, at),
        created_at=config_of(configured.document).created_at,
    )


def _nearest_first(ancestor: Ancestor) -> tuple[int, str, str, Digest]:
    subject = ancestor.subject
    return -ancestor.layers, ancestor.known_by, subject.name, subject.digest


def _by_layers(project: int, chains: Collection[str], at: datetime) -> Select[Any]:
    column = configurations.c
    return (
        select(column.image_id, column.layer_count, column.document, images.c.digest)
        .add_columns(image_names.c.name, image_names.c.resolved_at)
        .join(images, images.c.id == column.image_id)
        .join(image_names, image_names.c.image_id == column.image_id)
        .where(
            column.project_id == project,
            among(column.chain_id, chains),
            column.recorded_at <= at,
            image_names.c.recorded_at <= at,
        )
        .distinct()
    )


def _names(of: Collection[int], at: datetime) -> Select[Any]:
    column = image_names.c
    return (
        select(column.image_id, column.name, column.resolved_at)
        .where(among(column.image_id, of), column.recorded_at <= at)
        .order_by(column.name)
    )


def _listing(of: Collection[int], at: datetime) -> Select[Any]:
    return (
        select(index_children.c.child_id, images.c.digest)
        .join(index_children, index_children.c.index_id == images.c.id)
        .where(among(index_children.c.child_id, of), images.c.recorded_at <= at)
        .order_by(images.c.digest)
    )


def _indexes(of: Collection[int], at: datetime) -> Select[Any]:
    """The indexes that list these images, for people know those."""
    return (
        select(index_children.c.child_id, images.c.digest)
        .add_columns(image_names.c.name, image_names.c.resolved_at)
        .join(images, images.c.id == index_children.c.index_id)
        .join(image_names, image_names.c.image_id == index_children.c.index_id)
        .where(
            among(index_children.c.child_id, of),
            images.c.recorded_at <= at,
            image_names.c.recorded_at <= at,
        )
        .distinct()
    )


def _claimed(
    connection: Connection, project: int, known: tuple[ImageConfig, ...], at: datetime
) -> dict[Subject, None]:
    """The bases that images name in labels and annotations, and those that these name in turn."""
    found: dict[Subject, None] = {}
    for _ in range(_DEEPEST):
        named = {subject: None for config in known for subject in _named(config)}
        new = [subject for subject in named if subject not in found]
        if not new:
            break
        found |= dict.fromkeys(new)
        digests = [s.digest for s in new]
        rows = _CONFIGURED(connection, project=project, digests=digests, at=at)
        known = tuple(config_of(row.document) for row in rows)
    return found


def _configured(project: int, digests: Collection[Digest], at: datetime) -> Select[Any]:
    """The configurations of images, and of the platforms of indexes."""
    column = configurations.c
    listed = (
        select(index_children.c.child_id)
        .join(images, images.c.id == index_children.c.index_id)
        .where(images.c.project_id == project, among(images.c.digest, digests))
    )
    itself = select(images.c.id).where(
        images.c.project_id == project, among(images.c.digest, digests)
    )
    return select(column.document).where(
        column.recorded_at <= at, column.image_id.in_(itself.union(listed))
    )


def _named(config: ImageConfig) -> Iterator[Subject]:
    """The base that an image names by digest: a tag alone names nothing that lasts."""
    for base in config.bases:
        try:
            yield Subject(base.name, Digest.parse(base.digest))
        except InputError:
            continue


_BY_LAYERS = Prepared(_by_layers)
_NAMES = Prepared(_names)
_LISTING = Prepared(_listing)
_INDEXES = Prepared(_indexes)
_CONFIGURED = Prepared(_configured)
