"""`serve`: the gate over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from socket import socket
from threading import Event
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context
from supplychain.cli.failures import exit_of_error, lines_of
from supplychain.cli.numbers import number
from supplychain.errors import ConfigurationError, SupplyChainError, ToolMissingError
from supplychain.frozen import dataclass
from supplychain.settings import Settings


@options.command(options.RECORD)
def serve(
    shared: Context,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="where to listen")
    ] = "127.0.0.1",
    port: Annotated[
        int, number(metavar="PORT", least=0, most=65535, says="where to listen")
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
    processes: Annotated[
        int,
        number(
            most=256,
            says="how many answer, each with one processor; more than one takes PostgreSQL",
        ),
    ] = 1,
) -> None:
    """Answer over HTTP what `gate` answers here.

    Ends when it is told to (SIGTERM, Ctrl-C), once everything that has come in is
    answered.

    \b
    Examples:
      supplychain serve --embedded
      supplychain serve --embedded --worker
      SUPPLYCHAIN_DATABASE=postgresql://db.example/records supplychain serve
      supplychain serve --host 0.0.0.0 --processes 4
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
    if processes > 1:
        _require_shared(shared.settings, alone=embedded or worker)
    certificate = (tls_cert, tls_key) if tls_cert and tls_key else None
    place = _Place(host, port, certificate, processes)
    try:
        code = _serve(shared, place, embedded=embedded, worker=worker)
    except ImportError as error:
        raise ToolMissingError(
            "serving needs packages that are not installed",
            because=str(error),
            hint="pip install 'supplychain[server]'",
        ) from error
    raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where to listen, with which certificate and key, and in how many processes."""

    host: str
    port: int
    certificate: tuple[Path, Path] | None
    processes: int


def _serve(shared: Context, place: _Place, *, embedded: bool, worker: bool) -> int:
    from supplychain.server.processes import Processes, counting_together

    # Before anything is counted.
    with counting_together() if place.processes > 1 else nullcontext():
        from supplychain.bootstrap.logs import log_to_stderr
        from supplychain.bootstrap.tracing import tracing
        from supplychain.bootstrap.waiting import await_database
        from supplychain.server import opening, running
        from supplychain.server.app import create
        from supplychain.server.certificate import Certificate

        certificate = Certificate(*place.certificate) if place.certificate else None
        log_to_stderr(shared.settings)
        # Traced from the start, for what is opened now tells of itself from now on. And others
        # say what is asked for from here on.
        settings = shared.settings.to_serve()
        opened = opening.embedded if embedded else opening.shared
        await_database(settings, say)

        def answer(where: socket, ready: Callable[[], None]) -> None:
            with tracing(), opened(settings) as service, ExitStack() as beside:
                if worker:
                    beside.enter_context(_worker(settings, service.ending))
                running.Listening(create(service), where, certificate).serve(ready)

        def ready() -> None:
            say(f"serve     {running.url_of(where, tls=certificate is not None)}")
            if embedded:
                say(f"token     {opening.token_file(shared.settings)}")

        if place.processes == 1:
            with running.bound(place.host, place.port) as where:
                answer(where, ready)
            return 0
        with running.reserved(place.host, place.port) as where:

            def answer_beside(ready: Callable[[], None]) -> None:
                answer(running.bound_beside(where), ready)

            return Processes(place.processes, answer_beside, _refused).run(ready)


def _require_shared(settings: Settings, *, alone: bool) -> None:
    """Refuse several processes where one alone may work.

    Raises:
        ConfigurationError: The record is a SQLite file, or the server is one of one machine.
    """
    if alone or not settings.database_url.startswith("postgres"):
        raise ConfigurationError(
            "several processes serve a record on PostgreSQL, and only that",
            hint="leave out --processes, or set SUPPLYCHAIN_DATABASE to a PostgreSQL database, "
            "without --embedded, and with `supplychain worker` in place of --worker",
        )


def _refused(error: SupplyChainError) -> int:
    for line in lines_of(error, verbose=False):
        say(line)
    return exit_of_error(error)


@contextmanager
def _worker(settings: Settings, ending: Event) -> Iterator[None]:
    """A worker in this process, which takes up nothing more once the server is told to end.

    Where there is no key, it scans alone.
    """
    from supplychain.bootstrap.keyless import wants_keyless
    from supplychain.model.runs import Duty
    from supplychain.worker.service import working

    has_key = bool(settings.text("key")) or wants_keyless(settings)
    duties = Duty if has_key else (Duty.SCAN,)
    with working(settings, tuple(duties), ending=ending) as found:
        say(f"worker    {found.name}: {', '.join(sorted(duties))}")
        yield
