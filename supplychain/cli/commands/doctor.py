"""`supplychain doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import typer

from supplychain.cli import options
from supplychain.cli.console import printable
from supplychain.cli.context import Context, OutputFormat, write, write_json
from supplychain.cli.failures import Exit
from supplychain.cli.place import Works
from supplychain.cli.times import ago, size
from supplychain.errors import ConfigurationError, NotFoundError, StoreError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.settings import Settings

# An image has to fit twice: as it is stored, and as Trivy unpacks it.
_LEAST_FREE = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: What was checked.
        ok: Whether it is as it should be.
        needed: Whether `run` cannot do without it.
        says: What was found, one line.
        hint: What to do about it; "" where nothing is to be done.
    """

    name: str
    ok: bool
    needed: bool
    says: str
    hint: str = ""


@options.command(options.RECORD, options.SCANNING, works=Works.ALONE)
def doctor(shared: Context, output: options.Output = OutputFormat.TEXT) -> None:
    """Say what is missing on this machine and how to get it; changes nothing.

    Exits with 1 where something is missing that `run` needs.

    \b
    Examples:
      supplychain doctor
      supplychain doctor --output json
    """
    findings = list(_findings(shared))
    if output is OutputFormat.JSON:
        rows = [
            {"name": f.name, "ok": f.ok, "needed": f.needed, "says": f.says, "hint": f.hint}
            for f in findings
        ]
        write_json({"checks": rows})
    else:
        for finding in findings:
            write(_line(finding, shared))
    if any(f.needed and not f.ok for f in findings):
        raise typer.Exit(Exit.FAULT)


def _line(finding: Finding, shared: Context) -> str:
    mark = (
        shared.paint("green", "\N{CHECK MARK}")
        if finding.ok
        else shared.paint("red", "\N{BALLOT X}")
        if finding.needed
        else shared.paint("yellow", "-")
    )
    hint = f"\n{'':<17}try: {printable(finding.hint)}" if finding.hint and not finding.ok else ""
    return f" {mark} {finding.name:<12}  {printable(finding.says)}{hint}\n"


def _findings(shared: Context) -> Iterator[Finding]:
    settings = shared.settings
    yield Finding("python", ok=True, needed=True, says=sys.version.split()[0])
    yield _tried("trivy", lambda: _trivy(settings))
    yield _tried("database", lambda: _database(shared))
    yield _tried("record", lambda: _record(settings))
    for name, folder in (("data folder", settings.data_dir), ("cache folder", settings.cache_dir)):
        yield _tried(name, partial(_folder, folder))
    yield _tried("signing key", lambda: _key(settings), needed=False)
    yield _tried("policies", lambda: _policies(settings), needed=False)
    yield _tried("docker", _docker, needed=False)


def _tried(name: str, check: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(name, ok=True, needed=needed, says=check())
    except SupplyChainError as error:
        says = f"{error}" + (f": {error.because}" if error.because else "")
        return Finding(name, ok=False, needed=needed, says=says, hint=error.hint or "")


def _trivy(settings: Settings) -> str:
    from supplychain.bootstrap.parts import trivy

    binary = trivy(settings).binary
    return f"{binary.version} at {binary.path}"


def _database(shared: Context) -> str:
    from supplychain.bootstrap.parts import databases

    now = shared.now()
    found = databases(shared.settings).current()
    found.require_fresh(now, timedelta(seconds=shared.settings.duration("db_max_age")))
    return f"built {ago(found.updated_at, now)}, proven for {', '.join(found.proven)}"


def _record(settings: Settings) -> str:
    from supplychain.records.database import open_engine, sqlite_file
    from supplychain.records.version import SchemaState, require_current, status

    engine = open_engine(settings.database_url)
    if sqlite_file(engine.url) and status(engine).state is SchemaState.EMPTY:
        return f"{settings.shown_database}, made by the first run"
    require_current(engine)
    return settings.shown_database


def _folder(folder: Path) -> str:
    """The folder's free space; it, or the nearest one above it, has to be writable."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise StoreError(
            f"{folder} cannot be written", hint="choose others: SUPPLYCHAIN_DATA_DIR, …_CACHE_DIR"
        )
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE:
        raise StoreError(f"{folder} has {size(free)} left", hint="free some space")
    return f"{folder}, {size(free)} free"


def _key(settings: Settings) -> str:
    from supplychain.bootstrap.keyless import described, wants_keyless

    if wants_keyless(settings):
        return described(settings)
    path = settings.path("key")
    if path is None:
        raise ConfigurationError(
            "none is set, so `run` needs --key or --no-sign", hint="supplychain keys generate"
        )
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="supplychain keys generate")
    return str(path)


def _policies(settings: Settings) -> str:
    folder = settings.policy_file("any").parent
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if not names:
        raise NotFoundError(f"there is none in {folder}", hint="docs/policy.md has examples")
    return f"{folder}: {', '.join(names)}"


def _docker() -> str:
    location = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    socket = Path(location.removeprefix("unix://"))
    if location.startswith("unix://") and not socket.exists():
        raise NotFoundError("no daemon here; only docker-daemon: sources need one")
    return location
