"""The tree of commands: one line each, in the order in which people need them.

What is typed needs one branch of it, and all the others would take a while to load and to grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer

from supplychain.cli.context import context as context_of
from supplychain.cli.context import write

_MAIN = "First steps"
_STAGES = "Single stages"
_PEOPLE = "Environments and people"
_SERVICE = "Service"
_CARE = "Care"


@dataclass(frozen=True, slots=True)
class _Branch:
    """A command, or a group of some.

    Attributes:
        name: What is typed.
        panel: Under which heading help lists it.
        module: The module of `commands` that has it.
        attribute: Its name there; `app` for groups.
    """

    name: str
    panel: str
    module: str
    attribute: str = "app"


_BRANCHES = (
    _Branch("doctor", _MAIN, "doctor", "doctor"),
    _Branch("vulndb", _MAIN, "vulndb"),
    _Branch("run", _MAIN, "run", "run"),
    _Branch("gate", _MAIN, "gate", "gate"),
    _Branch("decisions", _MAIN, "decisions"),
    _Branch("images", _MAIN, "images"),
    _Branch("search", _MAIN, "search"),
    _Branch("scan", _STAGES, "stages", "scan"),
    _Branch("sbom", _STAGES, "stages", "sbom"),
    _Branch("sign", _STAGES, "stages", "sign"),
    _Branch("attest", _STAGES, "stages", "attest"),
    _Branch("verify", _STAGES, "stages", "verify"),
    _Branch("sign-blob", _STAGES, "blobs", "sign_blob"),
    _Branch("verify-blob", _STAGES, "blobs", "verify_blob"),
    _Branch("attestations", _STAGES, "attestations"),
    _Branch("copy", _STAGES, "copy", "copy"),
    _Branch("approvals", _PEOPLE, "approvals"),
    _Branch("deployments", _PEOPLE, "deployments"),
    _Branch("waivers", _PEOPLE, "waivers"),
    _Branch("serve", _CARE, "serve", "serve"),
    _Branch("members", _PEOPLE, "members"),
    _Branch("tokens", _PEOPLE, "tokens"),
    _Branch("trust", _PEOPLE, "trust"),
    _Branch("organisations", _PEOPLE, "tenants", "organisations"),
    _Branch("projects", _PEOPLE, "tenants", "projects"),
    _Branch("audit", _CARE, "audit"),
    _Branch("runs", _SERVICE, "runs"),
    _Branch("worker", _SERVICE, "worker", "worker"),
    _Branch("evidence", _CARE, "evidence"),
    _Branch("export", _CARE, "export"),
    _Branch("feeds", _CARE, "feeds"),
    _Branch("vex", _CARE, "vex"),
    _Branch("policy", _CARE, "policy"),
    _Branch("keys", _CARE, "keys"),
    _Branch("db", _CARE, "db"),
    _Branch("backup", _CARE, "keeping", "backup"),
    _Branch("restore", _CARE, "keeping", "restore"),
    _Branch("verify-store", _CARE, "keeping", "verify_store"),
    _Branch("retention", _CARE, "retention"),
    _Branch("config", _CARE, "config"),
)

_WELCOME = """\
May this digest run there, and why?

  supplychain doctor                      what is missing on this machine, and how to get it
  supplychain vulndb pull                 fetch a vulnerability database and prove it
  supplychain keys generate               make a key to sign with
  supplychain run IMAGE -e prod --key K   verify, scan, describe, sign, record and judge
  supplychain gate IMAGE -e prod          ask the record: may it run there, and why?

supplychain --help lists every command; supplychain COMMAND --help has examples.
"""


def tree(arguments: Sequence[str] = ()) -> typer.Typer:
    """The branch that is called, with the root that it hangs on.

    It is the whole tree where the first argument names no branch: help and hints show all of it.

    Args:
        arguments: What was typed after the program's name.
    """
    root = typer.Typer(
        name="supplychain",
        help="May this digest run there, and why?",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback(invoke_without_command=True)(_root)
    called = [branch for branch in _BRANCHES if branch.name in _behind_options(arguments)[:1]]
    for branch in called or _BRANCHES:
        module = import_module(f"supplychain.cli.commands.{branch.module}")
        found = getattr(module, branch.attribute)
        if isinstance(found, typer.Typer):
            root.add_typer(found, name=branch.name, rich_help_panel=branch.panel)
        else:
            root.command(branch.name, rich_help_panel=branch.panel)(found)
    return root


def _behind_options(arguments: Sequence[str]) -> Sequence[str]:
    """What was typed behind the options that come before every command."""
    first = arguments[0] if arguments else ""
    if first == "--server":
        return arguments[2:]
    return arguments[1:] if first.startswith("--server=") else arguments


def _root(
    context: typer.Context,
    server: Annotated[  # noqa: ARG001  # commands look it up, `options.command`
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="ask this server in place of a record here; the token comes from "
            "SUPPLYCHAIN_TOKEN[_FILE]",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="show the versions of everything involved")
    ] = False,
) -> None:
    """May this digest run there, and why?"""
    if version:
        from supplychain.cli.versions import version_lines

        write("".join(f"{line}\n" for line in version_lines(context_of({}))))
    elif context.invoked_subcommand is None:
        write(_WELCOME)
