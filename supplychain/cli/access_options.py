"""The options of commands about who may what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from supplychain.cli.context import Context
    from supplychain.model.access import Scope

Roles = Annotated[
    list[str],
    typer.Option(
        "--role",
        metavar="ROLE",
        help="viewer, submitter, policy-author, waiver-approver, auditor, operator or admin; "
        "several times for several",
        show_default=False,
    ),
]
Projects = Annotated[
    list[str] | None,
    typer.Option(
        "--project",
        metavar="NAME",
        help="in this project alone; several times for several; else in the one of the settings",
        show_default=False,
    ),
]
AllProjects = Annotated[
    bool, typer.Option("--all-projects", help="in every project, those to come too")
]
Issuer = Annotated[
    str,
    typer.Option("--issuer", metavar="URL", help="who vouches, by OIDC", show_default=False),
]


def scope_of(
    shared: Context, roles: list[str], projects: list[str] | None, *, everywhere: bool
) -> Scope:
    """What these options say.

    Raises:
        InputError: A role is none, or projects are named beside all of them.
    """
    from supplychain.bootstrap.access import scope_from

    if not projects and not everywhere:
        projects = [shared.settings.text("project") or "default"]
    return scope_from(roles, projects or (), everywhere=everywhere)
