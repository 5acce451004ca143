"""What a database refuses, in our words: no SQLAlchemy exception leaves this room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from supplychain.errors import StoreError, SupplyChainError

_SPACE = "free some space on that disk, then type the same again: nothing was half-recorded"
_LOCKED = "another process is writing; type the same again in a moment"
_PERMISSION = "give this user the right to write there, or name another database"
_SERVER = "check that the server runs, and host, user, password and name in the database URL"
_STANDBY = "wait until it can be written again, or name the primary in the database URL"
_DAMAGED = "restore it from a backup, or name another database"
_UPGRADE = "type `supplychain db upgrade`"


class _Fault(NamedTuple):
    message: str
    hint: str
    retryable: bool


# SQLite's primary result codes (sqlite.org/rescode.html).
_SQLITE = {
    5: _Fault("the database is locked", _LOCKED, True),
    6: _Fault("the database is locked", _LOCKED, True),
    8: _Fault("the database cannot be written", _PERMISSION, False),
    10: _Fault("the database's disk failed", _SPACE, True),
    11: _Fault("the database is damaged", _DAMAGED, False),
    13: _Fault("the disk is full", _SPACE, True),
    14: _Fault("the database cannot be opened", _PERMISSION, False),
    26: _Fault("the file is not a database", _DAMAGED, False),
}

# PostgreSQL's SQLSTATE, whole or by class (documentation, appendix A).
_POSTGRESQL = {
    "53100": _Fault("the database server's disk is full", _SPACE, True),
    "55P03": _Fault("the database is locked", _LOCKED, True),
    "57014": _Fault("the database took too long", _LOCKED, True),
    # A replica, or what was a primary a moment ago: the next one can be written.
    "25006": _Fault("the database takes no writes at present", _STANDBY, True),
    "42501": _Fault("the database cannot be written", _PERMISSION, False),
    "42P01": _Fault("the database lacks a table", _UPGRADE, False),
    "40": _Fault("the database is busy", _LOCKED, True),
    "57": _Fault("the database server is shutting down", _SERVER, True),
    "08": _Fault("the database server cannot be reached", _SERVER, True),
}
_NO_HINTS: Mapping[str, str] = MappingProxyType({})
_UNREACHABLE = _Fault("the database server cannot be reached", _SERVER, True)
_OTHER = _Fault("the database refused", "type the same again with --verbose for the cause", False)


def _of_postgresql(state: str | None, *, lost: bool) -> _Fault:
    # A connection that was never made has no state: psycopg gives the server's words alone.
    if state is None:
        return _UNREACHABLE if lost else _OTHER
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]) or _OTHER


def _of_driver(error: DBAPIError) -> _Fault:
    driver = error.orig
    code = getattr(driver, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _SQLITE.get(code & 0xFF, _OTHER)
    lost = error.connection_invalidated or type(driver).__name__ == "OperationalError"
    return _of_postgresql(getattr(driver, "sqlstate", None), lost=lost)


def may_pass(error: DBAPIError) -> bool:
    """Whether what a database refused may work later without anybody's changing anything."""
    return _of_driver(error).retryable


def _translated(error: SQLAlchemyError, url: URL, hints: Mapping[str, str]) -> SupplyChainError:
    if isinstance(error, StatementError) and isinstance(error.orig, SupplyChainError):
        return error.orig
    fault = _of_driver(error) if isinstance(error, DBAPIError) else _OTHER
    cause = error.orig if isinstance(error, StatementError) and error.orig else error
    lines = str(cause).strip().splitlines()
    return StoreError(
        fault.message,
        where=url.render_as_string(hide_password=True),
        because=lines[0] if lines else type(cause).__name__,
        hint=hints.get(getattr(cause, "sqlstate", None) or "", fault.hint),
        retryable=fault.retryable,
    )


@contextmanager
def database_faults(url: URL, hints: Mapping[str, str] = _NO_HINTS) -> Iterator[None]:
    """Turn what SQLAlchemy raises inside into our own errors.

    Args:
        url: Which database, for the message; its password is never shown.
        hints: What to do, where that is something else here, by PostgreSQL's SQLSTATE.

    Raises:
        StoreError: The database failed; says why, what to do and whether trying again helps.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _translated(error, url, hints) from error
