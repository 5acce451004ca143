"""Organisations and their projects: whose everything is."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from sqlalchemy import Connection, Engine, insert, select

from supplychain.errors import ConflictError, InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.gate.options import IDENTIFIER
from supplychain.model.access import Acting, Scope
from supplychain.records.access_tables import organisations, projects
from supplychain.records.audit import Notes
from supplychain.records.audit_tables import audit_heads
from supplychain.records.database import reading, writing

# What a new organisation begins with, and never loses.
FIRST_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation.

    Attributes:
        name: Its name.
        projects: The names of its projects, sorted.
    """

    name: str
    projects: tuple[str, ...]


class Organisations:
    """Every organisation of a database: for its operator alone.

    Args:
        engine: The record's database.
        acting: Who acts.
    """

    def __init__(self, engine: Engine, acting: Acting) -> None:
        self._engine = engine
        self._acting = acting

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def create(self, name: str, *, at: datetime) -> Organisation:
        """Make an organisation, with a project `default` and an audit log of its own.

        Raises:
            InputError: It cannot be called so.
            ConflictError: There is one of this name.
        """
        _require_name(name)
        with writing(self._engine) as connection:
            if _organisation(connection, name) is not None:
                raise ConflictError(f"there is an organisation {name!r} already")
            made = insert(organisations).values(name=name).returning(organisations.c.id)
            number: int = connection.execute(made).scalar_one()
            connection.execute(insert(projects).values(name=FIRST_PROJECT, organisation_id=number))
            connection.execute(insert(audit_heads).values(organisation_id=number, sequence=0))
            notes = Notes(number, name, "", self._acting)
            notes.note(connection, "organisation.created", name, at=at)
        return Organisation(name, (FIRST_PROJECT,))

    def all(self) -> tuple[Organisation, ...]:
        """Every organisation with its projects, by name."""
        found: dict[str, list[str]] = {}
        chosen = select(organisations.c.name, projects.c.name.label("project")).outerjoin(
            projects, projects.c.organisation_id == organisations.c.id
        )
        with reading(self._engine) as connection:
            for row in connection.execute(chosen):
                found.setdefault(row.name, []).extend([row.project] if row.project else [])
        return tuple(Organisation(name, tuple(sorted(own))) for name, own in sorted(found.items()))


class Projects:
    """The projects of one organisation; `Access.projects` gives it.

    Args:
        engine: The record's database.
        notes: Whose, and who acts.
    """

    def __init__(self, engine: Engine, notes: Notes) -> None:
        self._engine = engine
        self._notes = notes

    def create(self, name: str, *, at: datetime) -> None:
        """Make a project.

        Raises:
            InputError: It cannot be called so.
            ConflictError: There is one of this name.
        """
        _require_name(name)
        with writing(self._engine) as connection:
            if name in _projects(connection, self._notes.organisation):
                raise ConflictError(
                    f"there is a project {name!r} already", hint="supplychain projects list"
                )
            connection.execute(
                insert(projects).values(name=name, organisation_id=self._notes.organisation)
            )
            self._notes.note(connection, "project.created", name, at=at)

    def all(self) -> tuple[str, ...]:
        """The names of the projects, sorted."""
        with reading(self._engine) as connection:
            return tuple(sorted(_projects(connection, self._notes.organisation)))


def find_organisation(connection: Connection, name: str) -> int:
    """The number of an organisation.

    Raises:
        NotFoundError: There is no such organisation.
    """
    number = _organisation(connection, name)
    if number is None:
        raise NotFoundError(
            f"there is no organisation {name!r} in the database",
            hint="supplychain organisations list",
        )
    return number


def find_project(connection: Connection, organisation: str, project: str) -> tuple[int, int]:
    """The numbers of an organisation and of one of its projects.

    Raises:
        NotFoundError: There is no such organisation or project.
    """
    owner = find_organisation(connection, organisation)
    number = connection.scalar(
        select(projects.c.id).where(projects.c.organisation_id == owner, projects.c.name == project)
    )
    if number is None:
        raise NotFoundError(
            f"there is no project {project!r} in the database",
            because=f"organisation {organisation!r} has none of this name",
            hint="supplychain projects list",
        )
    return owner, number


def whose(connection: Connection, project: int) -> tuple[int, str, str]:
    """The number and name of the organisation that has a project, and the project's name."""
    row = connection.execute(
        select(organisations.c.id, organisations.c.name, projects.c.name.label("project"))
        .join(projects, projects.c.organisation_id == organisations.c.id)
        .where(projects.c.id == project)
    ).one()
    return row.id, row.name, row.project


def require_projects(connection: Connection, organisation: int, scope: Scope) -> None:
    """Refuse a scope that names projects which are not there.

    Raises:
        NotFoundError: One is not.
    """
    missing = sorted(set(scope.projects or ()) - _projects(connection, organisation))
    if missing:
        raise NotFoundError(f"there is no project {missing[0]!r}", hint="supplychain projects list")


def _organisation(connection: Connection, name: str) -> int | None:
    number: int | None = connection.scalar(
        select(organisations.c.id).where(organisations.c.name == name)
    )
    return number


def _projects(connection: Connection, organisation: int) -> set[str]:
    chosen = select(projects.c.name).where(projects.c.organisation_id == organisation)
    return set(connection.scalars(chosen))


def _require_name(name: str) -> None:
    try:
        IDENTIFIER.parse(name)
    except InputError as error:
        raise InputError(
            f"{name[:80]!r} cannot be such a name", hint="letters, digits, dots, _ and -: shop-eu"
        ) from error
