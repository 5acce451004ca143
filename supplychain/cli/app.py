"""The tree of commands: one line each, in the order in which people need them.

What is typed needs one branch of it, and all the others would take a while to load and to grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from supplychain.cli.context import context as context_of
from supplychain.cli.context import write
from supplychain.frozen import dataclass

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
        sentence: What help says of it there: the first one of its own.
        module: The module of `commands` that has it.
        attribute: Its name there; `app` for groups.
    """

    name: str
    panel: str
    sentence: str
    module: str
    attribute: str = "app"


_BRANCHES = (
    _Branch(
        "doctor",
        _MAIN,
        "Say what is missing on this machine and how to get it; changes nothing.",
        "doctor",
        "doctor",
    ),
    _Branch("vulndb", _MAIN, "Care for the vulnerability databases.", "vulndb"),
    _Branch(
        "run",
        _MAIN,
        "Take an image the whole way: verify, scan, describe, sign, record, judge.",
        "run",
        "run",
    ),
    _Branch(
        "gate",
        _MAIN,
        "Ask whether an image may run in an environment, from the record alone.",
        "gate",
        "gate",
    ),
    _Branch("decisions", _MAIN, "See, compare, replay and verify decisions.", "decisions"),
    _Branch("images", _MAIN, "Show what is on record.", "images"),
    _Branch("search", _MAIN, "Find images by what they contain.", "search"),
    _Branch(
        "scan",
        _STAGES,
        "Verify and scan an image, and record what was found; signs and judges nothing.",
        "stages",
        "scan",
    ),
    _Branch(
        "sbom",
        _STAGES,
        "Verify and scan an image, record its CycloneDX SBOM, and print that.",
        "stages",
        "sbom",
    ),
    _Branch(
        "sign",
        _STAGES,
        "Sign an image, an index with each of its platforms, as cosign does with a key.",
        "stages",
        "sign",
    ),
    _Branch(
        "attest",
        _STAGES,
        "Sign a statement about an image and attach it, as cosign does with a key.",
        "stages",
        "attest",
    ),
    _Branch(
        "verify",
        _STAGES,
        "Verify what is attached to an image; exits with 1 unless a signature holds.",
        "stages",
        "verify",
    ),
    _Branch(
        "sign-blob",
        _STAGES,
        "Sign a file, or state something about it, as cosign does; prints a Sigstore bundle.",
        "blobs",
        "sign_blob",
    ),
    _Branch(
        "verify-blob",
        _STAGES,
        "Verify a file with a Sigstore bundle, whoever made that; uses no network.",
        "blobs",
        "verify_blob",
    ),
    _Branch(
        "attestations", _STAGES, "See, fetch and record what is attached to images.", "attestations"
    ),
    _Branch(
        "copy",
        _STAGES,
        "Copy an image and everything attached to it, by digest, and check the copy.",
        "copy",
        "copy",
    ),
    _Branch("approvals", _PEOPLE, "Approve images for environments.", "approvals"),
    _Branch("deployments", _PEOPLE, "Report and see what runs where.", "deployments"),
    _Branch("waivers", _PEOPLE, "Accept risks for a while, by the word of others.", "waivers"),
    _Branch("serve", _CARE, "Answer over HTTP what `gate` answers here.", "serve", "serve"),
    _Branch("members", _PEOPLE, "Say who the people are, and what they may do.", "members"),
    _Branch("tokens", _PEOPLE, "Make and revoke tokens for the service.", "tokens"),
    _Branch("trust", _PEOPLE, "Trust CI jobs by their own OIDC tokens.", "trust"),
    _Branch(
        "organisations",
        _PEOPLE,
        "Keep organisations apart that share a service.",
        "tenants",
        "organisations",
    ),
    _Branch(
        "projects", _PEOPLE, "Keep the projects of an organisation apart.", "tenants", "projects"
    ),
    _Branch("audit", _CARE, "See who did what, and that nobody changed it.", "audit"),
    _Branch("runs", _SERVICE, "Ask workers for runs, and see what became of them.", "runs"),
    _Branch(
        "worker",
        _SERVICE,
        "Do what `runs submit` asks for: fetch, scan, describe, sign, record, judge.",
        "worker",
        "worker",
    ),
    _Branch("evidence", _CARE, "See and fetch what is on record about an image.", "evidence"),
    _Branch("export", _CARE, "Take evidence out of the record.", "export"),
    _Branch("feeds", _CARE, "Care for the feeds about exploits: EPSS, KEV.", "feeds"),
    _Branch("vex", _CARE, "Care for claims about vulnerabilities (VEX).", "vex"),
    _Branch("policy", _CARE, "Begin, check, show and test policies.", "policy"),
    _Branch("keys", _CARE, "Make and keep signing keys.", "keys"),
    _Branch("db", _CARE, "Care for the database of the record.", "db"),
    _Branch(
        "backup",
        _CARE,
        "Back up the whole record, as of one moment, while others go on writing.",
        "keeping",
        "backup",
    ),
    _Branch(
        "restore",
        _CARE,
        "Restore a backup into an empty database of either kind: all of it, or nothing.",
        "keeping",
        "restore",
    ),
    _Branch(
        "verify-store",
        _CARE,
        "Look at the whole record: every document hashed again, every chain, every row's document.",
        "keeping",
        "verify_store",
    ),
    _Branch("retention", _CARE, "Remove what is replaced or no longer used, by rule.", "retention"),
    _Branch("config", _CARE, "Show the settings in force.", "config"),
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


def tree(arguments: Sequence[str] | None = None) -> typer.Typer:
    """The branch that is called, with the root that it hangs on.

    Where none is called there is what help and hints say of all: no branch is loaded for that.

    Args:
        arguments: What was typed after the program's name; None for the whole tree.
    """
    root = typer.Typer(
        name="supplychain",
        help="May this digest run there, and why?",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback(invoke_without_command=True)(_root)
    called = [] if arguments is None else _behind_options(arguments)[:1]
    found = [branch for branch in _BRANCHES if branch.name in called]
    if arguments is not None and not found:
        for branch in _BRANCHES:
            listed = root.command(branch.name, help=branch.sentence, rich_help_panel=branch.panel)
            listed(_elsewhere)
        return root
    for branch in found or _BRANCHES:
        module = import_module(f"supplychain.cli.commands.{branch.module}")
        does = getattr(module, branch.attribute)
        if isinstance(does, typer.Typer):
            root.add_typer(does, name=branch.name, rich_help_panel=branch.panel)
        else:
            root.command(branch.name, rich_help_panel=branch.panel)(does)
    return root


def _elsewhere() -> None:
    """Stands for a command that was not called."""


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
