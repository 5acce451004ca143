"""What every command shares: settings, how to print, and what the user wants to see."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from supplychain.cli.console import Paint, progress_for, wants_colour
from supplychain.errors import InputError, StoreError
from supplychain.frozen import dataclass
from supplychain.pipeline.progress import Progress
from supplychain.settings import Settings


class OutputFormat(StrEnum):
    """The forms in which a command's result can be had."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Context:
    """One call of the command line."""

    settings: Settings
    verbose: bool
    quiet: bool

    @staticmethod
    def now() -> datetime:
        """The one reading of the clock that a command judges by (aware, UTC)."""
        return datetime.now(UTC)

    @staticmethod
    def ask(question: str) -> str | None:
        """A secret from a person, unseen; None where nobody is there to answer."""
        if not sys.stdin.isatty():
            return None
        import typer

        return str(typer.prompt(question, hide_input=True))

    @property
    def paint(self) -> Paint:
        """Colours for what goes to stdout."""
        return Paint(enabled=wants_colour(sys.stdout, os.environ))

    def progress(self, output: OutputFormat) -> AbstractContextManager[Progress]:
        """Progress for long work; none beside machine-readable output."""
        silent = self.quiet or output is OutputFormat.JSON
        return progress_for(silent=silent, environ=os.environ)


def context(
    flags: Mapping[str, str | None], *, verbose: bool = False, quiet: bool = False
) -> Context:
    """The context for these flags."""
    return Context(Settings(flags, os.environ, Path.cwd()), verbose=verbose, quiet=quiet)


def write(data: bytes | str, output_file: Path | None = None) -> None:
    """The result, to stdout or whole into a file; a failed write leaves no half file.

    Raises:
        StoreError: The file cannot be written.
        InputError: The folder of the file does not exist.
    """
    if output_file is None:
        _write_out(data)
        return
    raw = data if isinstance(data, bytes) else data.encode()
    if not output_file.absolute().parent.is_dir():
        folder = output_file.absolute().parent
        raise InputError(f"there is no folder {folder}", hint=f"mkdir -p {folder}")
    try:
        _write_file(raw, output_file)
    except OSError as error:
        raise StoreError(
            f"{output_file} cannot be written", because=error.strerror, retryable=False
        ) from error


def _write_out(data: bytes | str) -> None:
    try:
        if isinstance(data, str):
            sys.stdout.write(data)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError("the result cannot be written", because=error.strerror) from error


def _write_file(raw: bytes, path: Path) -> None:
    if path.exists() and not path.is_file():
        path.write_bytes(raw)  # a pipe or a device, which must not be replaced by a file
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(raw)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def write_json(document: Mapping[str, object], output_file: Path | None = None) -> None:
    """A command's own result as JSON, under the version of its form."""
    text = json.dumps({"schemaVersion": 1, **document}, indent=2, ensure_ascii=False)
    # Data is UTF-8, whatever letters a terminal has.
    write(f"{text}\n".encode(), output_file)


def rfc3339(moment: datetime) -> str:
    """An instant as data: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
