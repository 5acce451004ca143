"""Options that several commands share: one name, one meaning, one help text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from supplychain.cli.context import Context, OutputFormat, context

_RESULT = "Result"
_REGISTRY = "Registry"
_PLACES = "Where things are"

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="registry reference, oci:DIR, oci-archive:FILE, docker-archive:FILE, "
        "docker-daemon:NAME, or a path",
        show_default=False,
    ),
]
Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="recorded image: a digest, name@digest, a reference, or a SOURCE",
        show_default=False,
    ),
]
Environment = Annotated[
    str | None,
    typer.Option("--environment", "-e", help="where the image wants to run", show_default=False),
]
Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy", help="policy file; else POLICIES/ENVIRONMENT.yaml", show_default=False
    ),
]
Platform = Annotated[
    str | None,
    typer.Option(
        "--platform", help="only this platform of an index: linux/amd64", show_default=False
    ),
]
Layout = Annotated[
    Path | None,
    typer.Option(
        "--layout",
        help="OCI layout for the image and its signatures, where SOURCE cannot hold them "
        "(archives, a daemon); else one in the data folder",
        show_default=False,
    ),
]
Output = Annotated[
    OutputFormat,
    typer.Option("--output", "-o", help="form of the result", rich_help_panel=_RESULT),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output-file",
        help="write the result there instead of to stdout",
        rich_help_panel=_RESULT,
        show_default=False,
    ),
]
Everything = Annotated[
    bool, typer.Option("--all", help="show every violation", rich_help_panel=_RESULT)
]
PublicKeys = Annotated[
    list[Path],
    typer.Option(
        "--key", help="public key, PEM; several may be given, any one suffices", show_default=False
    ),
]

# Flags that are settings: their values go through `Settings`, so that one and the same thing can
# be said by flag, environment or file. Each entry is (setting, annotation).
_Flag = tuple[str, Any]

_TALK: tuple[_Flag, ...] = (
    (
        "verbose",
        Annotated[
            bool,
            typer.Option("--verbose", "-v", help="show what caused an error"),
        ],
    ),
    (
        "quiet",
        Annotated[
            bool,
            typer.Option("--quiet", "-q", "--no-progress", help="no progress on stderr"),
        ],
    ),
)
RECORD: tuple[_Flag, ...] = (
    (
        "data_dir",
        Annotated[
            str | None,
            typer.Option(help="folder of the record", rich_help_panel=_PLACES, show_default=False),
        ],
    ),
)
REGISTRY: tuple[_Flag, ...] = (
    (
        "registry_username",
        Annotated[
            str | None,
            typer.Option(
                help="user name; the password in SUPPLYCHAIN_REGISTRY_PASSWORD[_FILE]",
                rich_help_panel=_REGISTRY,
                show_default=False,
            ),
        ],
    ),
    (
        "registry_cacert",
        Annotated[
            str | None,
            typer.Option(
                help="CA certificates, PEM", rich_help_panel=_REGISTRY, show_default=False
            ),
        ],
    ),
    (
        "insecure_registry",
        Annotated[
            list[str] | None,
            typer.Option(
                help="host to reach without TLS (loopback needs no option)",
                rich_help_panel=_REGISTRY,
                show_default=False,
            ),
        ],
    ),
)
SIGNING: tuple[_Flag, ...] = (
    (
        "key",
        Annotated[
            str | None,
            typer.Option(
                help="private key file, cosign's format; its password in "
                "SUPPLYCHAIN_KEY_PASSWORD[_FILE] or COSIGN_PASSWORD",
                show_default=False,
            ),
        ],
    ),
)
SCANNING: tuple[_Flag, ...] = (
    (
        "trivy",
        Annotated[
            str | None,
            typer.Option(help="Trivy binary; else the one on PATH", show_default=False),
        ],
    ),
    (
        "scan_timeout",
        Annotated[
            str | None, typer.Option("--timeout", help="limit of one scan", show_default="10m")
        ],
    ),
)

_P = ParamSpec("_P")


def command(
    *groups: tuple[_Flag, ...],
) -> Callable[[Callable[Concatenate[Context, _P], None]], Callable[..., None]]:
    """Make a function that takes a `Context` into a command with these groups of flags beside."""
    flags = [flag for group in (*groups, _TALK) for flag in group]

    def decorate(function: Callable[Concatenate[Context, _P], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(**values: Any) -> None:
            given = {name: values.pop(name) for name, _ in flags}
            verbose, quiet = given.pop("verbose"), given.pop("quiet")
            texts = {k: ",".join(v) if isinstance(v, list) else v for k, v in given.items()}
            settings = {k: v or None for k, v in texts.items()}
            shared = context(settings, verbose=verbose, quiet=quiet)
            function(shared, **values)  # type: ignore[call-arg]  # Typer calls by keyword only

        own = inspect.signature(function, eval_str=True)
        parameters = list(own.parameters.values())[1:]  # the first is the context
        parameters += [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default=False if name in {"verbose", "quiet"} else None,
            )
            for name, annotation in flags
        ]
        keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        vars(wrapper)["__signature__"] = inspect.Signature(keyword)
        wrapper.__annotations__ = {p.name: p.annotation for p in keyword}
        del wrapper.__wrapped__
        return wrapper

    return decorate
