"""The options by which people say whose word counts, in every command that verifies."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from supplychain.bootstrap.believed import Believed
from supplychain.errors import InputError

_PANEL = "Whom to believe"
# Apart, for the longest name leaves no room for long words beside it.
_EXPRESSIONS = "Whom to believe, by regular expression"


def _value(name: str, metavar: str, says: str, panel: str = _PANEL) -> Any:
    return Annotated[
        str | None,
        typer.Option(name, metavar=metavar, help=says, rich_help_panel=panel, show_default=False),
    ]


def _switch(name: str, says: str) -> Any:
    return Annotated[bool, typer.Option(name, help=says, rich_help_panel=_PANEL)]


def _workflow(name: str, metavar: str, says: str) -> Any:
    # In no panel, which would cut such a name; the text of the help names them.
    return Annotated[
        str | None,
        typer.Option(
            f"--certificate-github-workflow-{name}",
            metavar=metavar,
            help=f"of a certificate for a workflow of GitHub's: {says}",
            hidden=True,
        ),
    ]


# By the claims that they demand.
_WORKFLOW: dict[str, Any] = {
    "github_workflow_trigger": _workflow("trigger", "EVENT", "what started it"),
    "github_workflow_sha": _workflow("sha", "SHA", "its commit"),
    "github_workflow_name": _workflow("name", "NAME", "its name"),
    "github_workflow_repository": _workflow("repository", "OWNER/NAME", "its repository"),
    "github_workflow_ref": _workflow("ref", "REF", "its branch or tag"),
}
# By the fields of `Believed`.
_OPTIONS: dict[str, Any] = {
    "keys": Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="public key: a PEM file or a key reference; of several any one suffices",
            rich_help_panel=_PANEL,
            show_default=False,
        ),
    ],
    "name": _value("--certificate-identity", "NAME", "whom the certificate is issued to"),
    "name_regexp": _value(
        "--certificate-identity-regexp", "RE", "matches the whole name", _EXPRESSIONS
    ),
    "issuer": _value("--certificate-oidc-issuer", "URL", "the OIDC issuer that vouched for it"),
    "issuer_regexp": _value(
        "--certificate-oidc-issuer-regexp", "RE", "matches the whole issuer", _EXPRESSIONS
    ),
    "timestamp": _switch("--use-signed-timestamps", "demand a timestamp of an authority"),
    "ignore_tlog": _switch(
        "--insecure-ignore-tlog", "demand and look at no transparency log entry"
    ),
    "ignore_sct": _switch("--insecure-ignore-sct", "take certificates that no log lists"),
}
_SWITCHES = {"timestamp", "ignore_tlog", "ignore_sct"}


def require_published(whom: Believed) -> None:
    """Refuse to record by certificates that no log lists: what is recorded counts for every gate.

    Raises:
        InputError: That is what was asked for.
    """
    if whom.ignore_sct:
        raise InputError(
            "--insecure-ignore-sct was given, and what is recorded counts for every gate",
            because="a gate could not tell that a certificate was never published",
            hint="leave it out; `attestations list` and `verify` take it",
        )


def asked(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in place of its parameter `whom`; goes below `command`."""

    @functools.wraps(function)
    def wrapper(*arguments: Any, **values: Any) -> None:
        said = {name: values.pop(name) for name in _OPTIONS}
        said["keys"] = tuple(said["keys"] or ())
        claims = {name: values.pop(name) for name in _WORKFLOW}
        said["claims"] = tuple((n, value) for n, value in claims.items() if value is not None)
        function(*arguments, whom=Believed(**said), **values)

    own = inspect.signature(function, eval_str=True)
    parameters = [p for p in own.parameters.values() if p.name != "whom"]
    parameters += [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=False if name in _SWITCHES else None,
        )
        for name, annotation in (_OPTIONS | _WORKFLOW).items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters[1:]]
    vars(wrapper)["__signature__"] = inspect.Signature([parameters[0], *keyword])
    return wrapper
