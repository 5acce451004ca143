"""Backups of the record that the settings name, and whether it is as it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from supplychain import __version__
from supplychain.bootstrap.parts import acting
from supplychain.bootstrap.whole_files import new_file
from supplychain.errors import NotFoundError, StoreError

if TYPE_CHECKING:
    from supplychain.model.digest import Digest
    from supplychain.records.backup import Backup
    from supplychain.records.content import ContentStore
    from supplychain.records.retention import Removal
    from supplychain.records.store_check import Rows, StoreReport
    from supplychain.settings import Settings

Moved = Callable[[int], None]


def back_up(settings: Settings, target: Path, *, at: datetime, moved: Moved) -> tuple[Path, Backup]:
    """Write a backup into a new file, or into one named by the time in a folder.

    Args:
        settings: All settings.
        target: A file that is not there yet, or a folder that is.
        at: Now (aware, UTC).
        moved: Told how many bytes were moved.

    Raises:
        ConflictError: There is such a file.
        InputError: There is no such folder.
        StoreError: Something cannot be read or written.
    """
    from supplychain.records.backup import back_up as write_backup
    from supplychain.records.database import open_engine

    path = target
    if target.is_dir():
        path = target / f"supplychain-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"
    engine = open_engine(settings.database_url)
    try:
        with new_file(path) as file:
            by = f"supplychain {__version__}"
            return path, write_backup(engine, _content(settings), file, at=at, by=by, moved=moved)
    finally:
        engine.dispose()


def restore(
    settings: Settings, path: Path, *, expected: Digest | None, accept_breaks: bool, moved: Moved
) -> Backup:
    """Restore a backup into the empty record that the settings name.

    Raises:
        NotFoundError: There is no such file.
        ConflictError: The record is not empty.
        VerificationError: The backup is not whole.
    """
    from supplychain.records.database import open_engine
    from supplychain.records.restore import restore as read_backup

    engine = open_engine(settings.database_url)
    try:
        with _opened(path) as file:
            return read_backup(
                engine,
                _content(settings),
                file,
                expected=expected,
                accept_breaks=accept_breaks,
                moved=moved,
            )
    finally:
        engine.dispose()


def check_rows(settings: Settings) -> Rows:
    """Look at every row and every chain.

    Raises:
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read.
    """
    from supplychain.records import store_check
    from supplychain.records.database import open_engine

    engine = open_engine(settings.database_url)
    try:
        return store_check.check_rows(engine, _content(settings))
    finally:
        engine.dispose()


def check_store(settings: Settings, rows: Rows, *, moved: Moved) -> StoreReport:
    """Look at every document, and at every row's document.

    Raises:
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read.
    """
    from supplychain.records import store_check
    from supplychain.records.database import open_engine

    engine = open_engine(settings.database_url)
    try:
        return store_check.check_store(engine, _content(settings), rows, moved=moved)
    finally:
        engine.dispose()


def retention(settings: Settings, *, at: datetime, remove: bool) -> Removal:
    """What goes by the settings' rules.

    Args:
        settings: All settings.
        at: Now (aware, UTC).
        remove: Whether to remove it; else it is only counted.

    Raises:
        ConfigurationError: The rules do not read as durations.
        SchemaVersionError: The database has another schema.
        StoreError: Something cannot be read or written.
    """
    from supplychain.records import retention as rules
    from supplychain.records.database import open_engine

    unused = settings.text("keep_unused")
    asked = rules.Rules(
        timedelta(seconds=settings.duration("keep_superseded")),
        timedelta(seconds=settings.duration("keep_unused")) if unused else None,
    )
    engine = open_engine(settings.database_url)
    try:
        content = _content(settings)
        if not remove:
            return rules.plan(engine, content, asked, at=at)
        return rules.apply(engine, content, asked, at=at, acting=acting(settings))
    finally:
        engine.dispose()


def _content(settings: Settings) -> ContentStore:
    from supplychain.records.stores import open_content_store

    return open_content_store(settings.content_url)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="ls -l its folder") from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read", because=error.strerror, retryable=False
        ) from error
    with file:
        yield file
