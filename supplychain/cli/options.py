"""Options that several commands share: one name, one meaning, one help text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer
from typer.models import OptionInfo

from supplychain.cli.context import Context, OutputFormat, context
from supplychain.cli.place import Works, require_place
from supplychain.errors import ToolError

# The panels of `--help`.
RESULT_PANEL = "Result"
SIGNING_PANEL = "Signing"
_SCANNER = "Scanner"
_REGISTRY = "Registry"
_PLACES = "Where things are"
_RULES = "Rules"


def _option(*names: str, metavar: str, says: str, panel: str | None = None) -> OptionInfo:
    option: OptionInfo = typer.Option(
        *names, metavar=metavar, help=says, rich_help_panel=panel, show_default=False
    )
    return option


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
    _option("--environment", "-e", metavar="NAME", says="where the image wants to run"),
]
Policy = Annotated[
    Path | None,
    _option("--policy", metavar="FILE", says="its policy; else POLICIES/ENVIRONMENT.yaml"),
]
Platform = Annotated[
    str | None,
    _option("--platform", metavar="OS/ARCH", says="of an index, only this one: linux/amd64"),
]
Layout = Annotated[
    Path | None,
    _option(
        "--layout",
        metavar="FOLDER",
        says="OCI layout for the image and its signatures, where SOURCE cannot hold them "
        "(archives, a daemon); else one in the data folder",
        panel=SIGNING_PANEL,
    ),
]
Output = Annotated[
    OutputFormat,
    typer.Option("--output", "-o", help="form of the result", rich_help_panel=RESULT_PANEL),
]
OutputFile = Annotated[
    Path | None,
    _option(
        "--output-file", metavar="FILE", says="write it there and not to stdout", panel=RESULT_PANEL
    ),
]
Everything = Annotated[
    bool, typer.Option("--all", help="show every violation", rich_help_panel=RESULT_PANEL)
]
Reason = Annotated[str, _option("--reason", metavar="WHY", says="why, for whoever reads it later")]
# Flags that are settings: their values go through `Settings`, so that one and the same thing can
# be said by flag, environment or file. Each entry is (setting, annotation).
_Flag = tuple[str, Any]


def _setting(name: str, *names: str, metavar: str, says: str, panel: str) -> _Flag:
    option = _option(*names, metavar=metavar, says=says, panel=panel)
    return name, Annotated[str | None, option]


_TALK: tuple[_Flag, ...] = (
    (
        "verbose",
        Annotated[bool, typer.Option("--verbose", "-v", help="show what caused an error")],
    ),
    (
        "quiet",
        Annotated[
            bool, typer.Option("--quiet", "-q", "--no-progress", help="no progress on stderr")
        ],
    ),
)
CACHE: tuple[_Flag, ...] = (
    _setting("cache_dir", metavar="FOLDER", says="blobs and scanner caches", panel=_PLACES),
)
RECORD: tuple[_Flag, ...] = (
    _setting(
        "data_dir", metavar="FOLDER", says="the record, vulnerability databases", panel=_PLACES
    ),
    *CACHE,
)
RETENTION: tuple[_Flag, ...] = (
    _setting(
        "keep_superseded",
        metavar="DURATION",
        says="keep scans and SBOMs that later ones replaced for so long; else 90d",
        panel=_RULES,
    ),
    _setting(
        "keep_unused",
        metavar="DURATION",
        says="keep those of images that nobody uses for so long; else the latest stay for good",
        panel=_RULES,
    ),
)
ACTOR: tuple[_Flag, ...] = (
    _setting("actor", "--as", metavar="NAME", says="who says so; else you", panel=_PLACES),
)
REGISTRY: tuple[_Flag, ...] = (
    _setting(
        "registry_username",
        metavar="NAME",
        says="user name; the password comes from SUPPLYCHAIN_REGISTRY_PASSWORD[_FILE]",
        panel=_REGISTRY,
    ),
    _setting("registry_cacert", metavar="FILE", says="CA certificates, PEM", panel=_REGISTRY),
    (
        "insecure_registry",
        Annotated[
            list[str] | None,
            _option(
                metavar="HOST",
                says="reach it without TLS (loopback needs no option)",
                panel=_REGISTRY,
            ),
        ],
    ),
)
TRUSTED_ROOT: tuple[_Flag, ...] = (
    _setting(
        "trusted_root",
        metavar="FILE",
        says="by what certificates, logs and timestamps are believed: a private Sigstore's; else "
        "what the public one had when this version was made",
        panel=SIGNING_PANEL,
    ),
)
KEY: tuple[_Flag, ...] = (
    _setting(
        "key",
        metavar="KEY",
        says="private key: a file in cosign's format, or a reference: env://VAR, "
        "k8s://NAMESPACE/NAME, hashivault://KEY, openbao://KEY, awskms://…, gcpkms://…, "
        "azurekms://…, pkcs11:…; a password comes from SUPPLYCHAIN_KEY_PASSWORD[_FILE] or "
        "COSIGN_PASSWORD",
        panel=SIGNING_PANEL,
    ),
)
SIGNING: tuple[_Flag, ...] = (
    *KEY,
    (
        "keyless",
        Annotated[
            bool | None,
            typer.Option(
                "--keyless",
                help="sign as an identity, with a certificate for minutes and no key: who that is "
                "says CI, --identity-token, or a browser",
                rich_help_panel=SIGNING_PANEL,
                show_default=False,
            ),
        ],
    ),
    (
        "logged",
        Annotated[
            bool | None,
            typer.Option(
                "--logged",
                help="enter what the key signs in the log of --signing-config, with timestamps",
                rich_help_panel=SIGNING_PANEL,
                show_default=False,
            ),
        ],
    ),
    _setting(
        "identity_token",
        metavar="FILE",
        says="OIDC token that says who signs; else SUPPLYCHAIN_IDENTITY_TOKEN[_FILE], "
        "SIGSTORE_ID_TOKEN, or what CI gives",
        panel=SIGNING_PANEL,
    ),
    _setting(
        "signing_config",
        metavar="FILE",
        says="the services for --keyless and --logged: a private Sigstore's, or the word public",
        panel=SIGNING_PANEL,
    ),
    *TRUSTED_ROOT,
)
WORKING: tuple[_Flag, ...] = (
    _setting(
        "worker_concurrency",
        "--concurrency",
        metavar="N",
        says="runs that it does at once; else 2",
        panel=_PLACES,
    ),
)
SCANNING: tuple[_Flag, ...] = (
    _setting("trivy", metavar="FILE", says="Trivy binary; else the one on PATH", panel=_SCANNER),
    _setting(
        "scan_timeout",
        "--timeout",
        metavar="DURATION",
        says="limit of one scan: 90s, 15m; else 10m",
        panel=_SCANNER,
    ),
)

_P = ParamSpec("_P")


def _text(value: Any) -> str | None:
    """What a flag says, as the setting would have it; None where it is not there."""
    if isinstance(value, list):
        return ",".join(value) or None
    return "yes" if value is True else value or None


def command(
    *groups: tuple[_Flag, ...], works: Works | None = None
) -> Callable[[Callable[Concatenate[Context, _P], None]], Callable[..., None]]:
    """Make a function that takes a `Context` into a command with these groups of flags beside.

    Args:
        groups: The groups.
        works: With what it works; None for the record here where it is told where that is, else
            for neither that nor a server.
    """
    bound = works or (Works.HERE if RECORD in groups else Works.ALONE)
    flags = [flag for group in (*groups, _TALK) for flag in group]

    def decorate(function: Callable[Concatenate[Context, _P], None]) -> Callable[..., None]:
        @functools.wraps(function)
        def wrapper(called: typer.Context, **values: Any) -> None:
            given = {name: values.pop(name) for name, _ in flags}
            verbose, quiet = given.pop("verbose"), given.pop("quiet")
            settings = {name: _text(value) for name, value in given.items()}
            # An empty one is said, too: it means the record here, whatever the environment names.
            settings["server"] = server = called.find_root().params.get("server")
            shared = context(settings, verbose=verbose, quiet=quiet)
            require_place(shared, called, bound, named=bool(server))
            try:
                function(shared, **values)  # type: ignore[call-arg]  # Typer calls by keyword only
            except SystemExit as ended:
                # A library's: it is no verdict, and least of all may its 0 be one.
                raise ToolError(
                    "a library ended the program before it was done",
                    because=f"it wanted to exit with {str(ended.code)[:100]}",
                ) from ended

        own = inspect.signature(function, eval_str=True)
        typed = inspect.Parameter(
            "called", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
        )
        parameters = [typed, *list(own.parameters.values())[1:]]  # the first is our context
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
        vars(wrapper)["works"] = bound
        del wrapper.__wrapped__
        return wrapper

    return decorate
