"""Where a command gets its answers: from the record here, or from a server; and which can."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from supplychain.errors import InputError

if TYPE_CHECKING:
    import typer

    from supplychain.bootstrap.here import Here
    from supplychain.cli.context import Context
    from supplychain.client.there import There


# Which commands a server answers, for whoever calls another one through it; a test compares.
THROUGH_SERVERS = (
    "gate, run, runs submit|list|show|follow|cancel|again, "
    "decisions list|show|diff|replay|verify, images list|show, "
    "search component|vulnerability|licence, evidence list|download|claims, "
    "waivers request|change|extend|approve|reject|revoke|list|show, "
    "vex import|list|show|accept|export, approvals give|withdraw|list, "
    "deployments report|end|list, export sbom|vsa, audit list|verify, "
    "members add|change|list|remove, tokens create|list|revoke, trust add|list|remove, "
    "projects create|list"
)


class Works(Enum):
    """With what a command works."""

    HERE = "the record on this machine"
    ANYWHERE = "that record, or a server"
    ALONE = "neither"


def require_place(shared: Context, called: typer.Context, works: Works, *, named: bool) -> None:
    """Refuse a command that a server cannot answer.

    Raises:
        InputError: One is named, on the command line or where the command would ask it.
    """
    if works is Works.ANYWHERE or not (named or works is Works.HERE):
        return
    if not shared.settings.text("server"):
        return
    words = called.command_path.removeprefix(called.find_root().command_path).strip()
    origin = shared.settings.value("server").origin
    raise InputError(
        f"`{words}` does not work through a server",
        because=f"it works on this machine; that a server is asked comes from {origin}",
        hint=f"leave --server out, or give an empty one; through a server work: {THROUGH_SERVERS}",
    )


def place(shared: Context, *, create: bool = False) -> Here | There:
    """Where to ask; it is closed by whoever opened it.

    Args:
        shared: What the command was called with.
        create: Here, make a record where there is none yet.

    Raises:
        ConfigurationError: A server is named, and cannot be asked so.
    """
    if shared.settings.text("server"):
        return server(shared)
    from supplychain.bootstrap.here import Here

    return Here(shared.settings, create=create)


def server(shared: Context) -> There:
    """The server that is named; it is closed by whoever opened it.

    Args:
        shared: What the command was called with.

    Raises:
        InputError: None is named, or somebody wants to be taken for somebody else.
        ConfigurationError: It cannot be asked so.
    """
    settings = shared.settings
    if not settings.text("server"):
        raise InputError(
            "no server is named", hint="supplychain --server URL …, or SUPPLYCHAIN_SERVER"
        )
    if settings.value("actor").origin == "flag":
        raise InputError(
            "a server knows who you are by your token",
            hint="leave --as out, or come with the token of whoever it is",
        )
    from supplychain.bootstrap.targets import resolved
    from supplychain.client.there import There

    return There(settings, lambda text: resolved(settings, text))


def require_here(shared: Context, what: str) -> None:
    """Refuse what no server does.

    Args:
        shared: What the command was called with.
        what: What was asked for: `--attest`.

    Raises:
        InputError: A server is named.
    """
    if shared.settings.text("server"):
        raise InputError(
            f"{what} works on a record here, and not through a server",
            hint="leave it out; or do without --server and SUPPLYCHAIN_SERVER",
        )
