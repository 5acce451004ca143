"""`worker`: do what was submitted."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from supplychain.cli import options
from supplychain.cli.console import say
from supplychain.cli.context import Context
from supplychain.errors import ConfigurationError
from supplychain.model.runs import Duty


@options.command(
    options.RECORD, options.SIGNING, options.SCANNING, options.REGISTRY, options.WORKING
)
def worker(
    shared: Context,
    duties: Annotated[
        list[Duty] | None,
        typer.Option(
            "--role",
            help="what it does: scan needs no key, sign needs one; both where none is given",
            show_default=False,
        ),
    ] = None,
    *,
    unsafe_any_source: Annotated[
        bool,
        typer.Option(
            "--unsafe-any-source",
            help="fetch from anywhere, this machine's files too, whoever asks for it; else from "
            "the registries of registry_allowed alone",
        ),
    ] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="end once there is nothing to do for a while")
    ] = False,
) -> None:
    """Do what `runs submit` asks for: fetch, scan, describe, sign, record, judge.

    Ends at SIGTERM: what is under way gets some time to finish, what does not is
    given back to others. As many as wanted may work on one record.

    \b
    Examples:
      supplychain worker --key release.key
      supplychain worker --role scan --concurrency 4
      supplychain worker --role sign --key release.key
    """
    try:
        from supplychain.bootstrap.logs import log_to_stderr
        from supplychain.bootstrap.tracing import tracing
        from supplychain.bootstrap.waiting import await_database
        from supplychain.worker.service import working
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "this installation has no workers",
            because=f"{error.name} is not installed",
            hint="type `pip install 'supplychain[server]'`",
        ) from error
    chosen = frozenset(duties or Duty)
    settings = shared.settings if unsafe_any_source else shared.settings.to_serve()
    log_to_stderr(shared.settings)
    await_database(settings, say)
    with tracing(), working(settings, chosen) as found:
        if not shared.quiet:
            say(f"{found.name} works: {', '.join(sorted(chosen))}")
        idle = 0
        pause = threading.Event()
        while not (until_idle and idle > 3):
            pause.wait(0.5)
            idle = idle + 1 if found.idle() else 0
