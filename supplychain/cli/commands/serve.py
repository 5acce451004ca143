"""`serve`: the gate over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context
from supplychain.errors import ConfigurationError, ToolMissingError
from supplychain.settings import Settings


@options.command(options.RECORD)
def serve(
    shared: Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="where to listen")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="where to listen")
    ] = 8080,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            "--tls-cert", metavar="FILE", help="certificate chain, PEM; read again when it changes"
        ),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="its private key, PEM")
    ] = None,
    embedded: Annotated[
        bool,
        typer.Option(
            "--embedded",
            help="on one machine: makes the record, and a token in the data folder, if need be",
        ),
    ] = False,
    worker: Annotated[
        bool,
        typer.Option(
            "--worker",
            help="do the runs that are submitted, too; without a key only the part that needs none",
        ),
    ] = False,
) -> None:
    """Answer over HTTP what `gate` answers here.

    Ends when it is told to (SIGTERM, Ctrl-C), once everything that has come in is
    answered.

    \b
    Examples:
      supplychain serve --embedded
      supplychain serve --embedded --worker
      SUPPLYCHAIN_DATABASE=postgresql://db.example/records supplychain serve
      supplychain serve --embedded --tls-cert tls.crt --tls-key tls.key
    """
    if (tls_cert is None) != (tls_key is None):
        raise ConfigurationError("TLS takes both --tls-cert and --tls-key", hint="name the other")
    if not embedded and not shared.settings.text("database"):
        raise ConfigurationError(
            "nothing says where the record is that is served",
            because="without --embedded a server makes none",
            hint="set SUPPLYCHAIN_DATABASE, or type supplychain serve --embedded",
        )
    try:
        from supplychain.bootstrap.logs import log_to_stderr
        from supplychain.bootstrap.tracing import tracing
        from supplychain.bootstrap.waiting import await_database
        from supplychain.server import opening
        from supplychain.server.app import create
        from supplychain.server.certificate import Certificate
        from supplychain.server.running import Listening
    except ImportError as error:
        raise ToolMissingError(
            "serving needs packages that are not installed",
            because=str(error),
            hint="pip install 'supplychain[server]'",
        ) from error
    certificate = Certificate(tls_cert, tls_key) if tls_cert and tls_key else None
    log_to_stderr(shared.settings)
    # Traced from the start, for what is opened now tells of itself from now on. And others say
    # what is asked for from here on.
    settings = shared.settings.to_serve()
    opened = opening.embedded if embedded else opening.shared
    await_database(settings, say)
    with tracing(), opened(settings) as service, _worker(settings, wanted=worker):
        listening = Listening(create(service), host, port, certificate)

        def ready() -> None:
            say(f"serve     {listening.url}")
            if embedded:
                say(f"token     {opening.token_file(shared.settings)}")

        listening.serve(ready)


@contextmanager
def _worker(settings: Settings, *, wanted: bool) -> Iterator[None]:
    """A worker in this process; one that scans alone, where there is no key."""
    if not wanted:
        yield
        return
    from supplychain.bootstrap.keyless import wants_keyless
    from supplychain.model.runs import Duty
    from supplychain.worker.service import working

    has_key = bool(settings.text("key")) or wants_keyless(settings)
    duties = Duty if has_key else (Duty.SCAN,)
    with working(settings, tuple(duties)) as found:
        say(f"worker    {found.name}: {', '.join(sorted(duties))}")
        yield
