"""What the gate judges, put together: a handful of queries, for however many images at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Need, PlatformDossier, Running
from supplychain.model.history import Allowance, Approval, Deployment
from supplychain.model.subject import Subject
from supplychain.model.vex import VexStatement
from supplychain.model.waiver import Waiver
from supplychain.records.ancestry import read_indexes, read_names
from supplychain.records.configurations import config_evidence, config_of
from supplychain.records.happened import (
    read_allowances,
    read_approvals,
    read_attempts,
    read_deployments,
    read_running,
    read_work,
)
from supplychain.records.known import Known, read_known
from supplychain.records.prepared import Prepared, among
from supplychain.records.question import Question
from supplychain.records.reading import platform_in
from supplychain.records.schema import image_names, images, index_children
from supplychain.records.vex import read_statements
from supplychain.records.waiver_reading import about, read_waivers


def read_dossiers(
    connection: Connection, asked: Question, digests: Iterable[Digest]
) -> dict[Digest, Dossier]:
    """What the record held at an instant about digests; nothing of those it held nothing about.

    Of a digest that somebody works on for the first time there is that alone; and of one that
    somebody worked on for nothing, that.
    """
    wanted = list(dict.fromkeys(digests))
    rows = _IMAGES(connection, project=asked.project, digests=wanted, at=asked.at)
    found = _recorded(connection, asked, rows) if rows else {}
    underway = read_work(connection, asked.project, wanted, asked.at)
    new = {digest: Dossier(Subject("", digest), (), ()) for digest in underway.keys() - found}
    unknown = [digest for digest in wanted if digest not in found and digest not in new]
    if unknown:
        tried = read_attempts(connection, asked.project, unknown, asked.at)
        new |= {one: Dossier(Subject("", one), (), (), attempt=tried[one]) for one in tried}
    return {
        digest: replace(dossier, underway=underway.get(digest, ()))
        for digest, dossier in (found | new).items()
    }


def _recorded(
    connection: Connection, asked: Question, rows: Sequence[Row[Any]]
) -> dict[Digest, Dossier]:
    """The dossiers of images on record, without what is under way."""
    manifests = _manifests(connection, rows)
    digests = {row.id: row.digest for row in rows}
    digests |= {row.id: row.digest for members in manifests.values() for row in members}
    known = read_known(connection, asked, digests)
    names = read_names(connection, [row.id for row in rows], asked.at)
    indexes = read_indexes(connection, [row.id for row in rows], asked.at)
    dossiers = [
        Dossier(
            subject=Subject(image.name, image.digest),
            platforms=tuple(
                _platform(row, Subject(image.name, row.digest), known[row.id])
                for row in manifests[image.id]
            ),
            attestations=tuple(known[image.id].attestations),
            names=names[image.id][0],
            repositories=names[image.id][1],
            indexes=indexes[image.id],
        )
        for image in rows
    ]
    happened = _happened(connection, asked, dossiers)
    stated = read_statements(connection, asked.project, dossiers, asked.at)
    return {
        dossier.subject.digest: happened.told(dossier, asked, statements)
        for dossier, statements in zip(dossiers, stated, strict=True)
    }


def _manifests(connection: Connection, rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    """The platform manifests of every image: itself, or those that the index lists."""
    found: dict[int, list[Row[Any]]] = {
        row.id: [] if row.kind == "index" else [row] for row in rows
    }
    listing = [number for number, members in found.items() if not members]
    for row in _CHILDREN(connection, of=listing) if listing else ():
        found[row.index_id].append(row)
    return found


def _images(project: int, digests: Collection[Digest], at: datetime) -> Select[Any]:
    name = (
        select(image_names.c.name)
        .where(image_names.c.image_id == images.c.id, image_names.c.recorded_at <= at)
        .order_by(image_names.c.recorded_at.desc(), image_names.c.name)
        .limit(1)
        .scalar_subquery()
    )
    return select(images, name.label("name")).where(
        images.c.project_id == project,
        among(images.c.digest, digests),
        images.c.recorded_at <= at,
    )


def _children(of: Collection[int]) -> Select[Any]:
    return (
        select(images.c.id, images.c.digest, images.c.recorded_at, index_children)
        .join(index_children, index_children.c.child_id == images.c.id)
        .where(among(index_children.c.index_id, of))
        .order_by(index_children.c.index_id, index_children.c.position)
    )


@dataclass(frozen=True, slots=True)
class _Happened:
    """What happened to images and what is said of them; of many, each with its own."""

    deployments: tuple[Deployment, ...]
    allowances: tuple[Allowance, ...]
    approvals: tuple[Approval, ...]
    waivers: tuple[Waiver, ...]
    running: Mapping[Digest, Running]

    def told(
        self, dossier: Dossier, asked: Question, statements: tuple[VexStatement, ...]
    ) -> Dossier:
        """The dossier with what is its own; deployments of its platforms count as that."""
        subject, digests = dossier.subject, _digests(dossier)
        return replace(
            dossier,
            deployments=tuple(d for d in self.deployments if d.subject.digest in digests),
            allowances=tuple(a for a in self.allowances if a.subject in digests),
            approvals=tuple(a for a in self.approvals if a.subject.digest == subject.digest),
            running=self.running.get(subject.digest),
            statements=statements,
            waivers=about(self.waivers, dossier.called, digests, asked.environment),
        )


def _happened(connection: Connection, asked: Question, dossiers: Sequence[Dossier]) -> _Happened:
    project, at = asked.project, asked.at
    digests = sorted({digest for dossier in dossiers for digest in _digests(dossier)})
    subjects = [dossier.subject.digest for dossier in dossiers]
    return _Happened(
        read_deployments(connection, project, digests, at),
        read_allowances(connection, project, digests, at),
        read_approvals(connection, project, subjects, at),
        read_waivers(connection, project, at),
        _running(connection, asked, dossiers),
    )


def _digests(dossier: Dossier) -> set[Digest]:
    return {dossier.subject.digest, *(p.subject.digest for p in dossier.platforms)}


def _running(
    connection: Connection, asked: Question, dossiers: Sequence[Dossier]
) -> dict[Digest, Running]:
    """What runs of the repositories of each in the environment asked about, with components."""
    if Need.RUNNING not in asked.needs:
        return {}
    # A name that anybody can give it must not be what it is compared with less by.
    names = {d.subject.digest: frozenset(d.repositories or d.called) for d in dossiers}
    every = sorted(frozenset().union(*names.values()))
    there = read_running(connection, asked.project, asked.environment, every, asked.at)
    newest = {
        digest: deployment
        for digest, mine in names.items()
        if (deployment := next((d for d in there if d.subject.name in mine), None))
    }
    question = replace(asked, needs=frozenset({Need.COMPONENTS}))
    found = read_dossiers(connection, question, (d.subject.digest for d in newest.values()))
    return {
        digest: Running(one, _platforms(found.get(one.subject.digest)))
        for digest, one in newest.items()
    }


def _platforms(found: Dossier | None) -> tuple[PlatformDossier, ...]:
    return () if found is None else found.platforms


def _platform(row: Row[Any], subject: Subject, known: Known) -> PlatformDossier:
    return PlatformDossier(
        subject=subject,
        platform=platform_in(row),
        scan=known.scan,
        findings=tuple(known.findings),
        sbom=known.sbom,
        component_count=known.component_count,
        attestations=tuple(known.attestations),
        components=tuple(known.components),
        secrets=known.secrets,
        config=None if known.config is None else config_of(known.config.document),
        config_evidence=None if known.config is None else config_evidence(known.config, subject),
        ancestors=known.ancestors,
        recorded_at=row.recorded_at,
    )


_IMAGES = Prepared(_images)
_CHILDREN = Prepared(_children)
