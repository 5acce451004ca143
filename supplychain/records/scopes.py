"""Scopes as columns: roles and projects by comma, no projects for all of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from supplychain.model.access import Role, Scope

_ROLES = frozenset(Role)


def scope_columns(scope: Scope) -> dict[str, str | None]:
    """A scope as a row has it."""
    return {
        "roles": ",".join(scope.roles),
        "projects": None if scope.projects is None else ",".join(scope.projects),
    }


def scope_of(row: Row[Any], prefix: str = "") -> Scope:
    """The scope of a row; a role that a newer version knows gives nothing.

    Args:
        row: The row.
        prefix: What its columns' names begin with.
    """
    roles = tuple(Role(n) for n in getattr(row, f"{prefix}roles").split(",") if n in _ROLES)
    projects: str | None = getattr(row, f"{prefix}projects")
    if projects is None:
        return Scope(roles, None)
    return Scope(roles, tuple(name for name in projects.split(",") if name))


def scope_data(scope: Scope) -> dict[str, object]:
    """A scope for the audit log."""
    projects = None if scope.projects is None else list(scope.projects)
    return {"roles": [role.value for role in scope.roles], "projects": projects}
