"""Statements told to a tracer: their text, which never holds a value."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Engine, event

from supplychain.model.spans import span

_LONGEST = 2000
# Where the span of a statement is kept until it is done.
_KEPT = "supplychain_span"


def trace_statements(engine: Engine) -> None:
    """Let a span stand for every statement of an engine."""
    system = engine.dialect.name

    @event.listens_for(engine, "before_cursor_execute")
    def begin(
        connection: Any, _cursor: Any, statement: str, _values: Any, _context: Any, _many: Any
    ) -> None:
        verb = statement.lstrip()[:12].split(" ", 1)[0].split("\n", 1)[0].upper()
        entered: AbstractContextManager[object] = span(
            f"database {verb}", {"db.system": system, "db.statement": statement[:_LONGEST]}
        )
        entered.__enter__()
        connection.info[_KEPT] = entered

    def end(connection: Any) -> None:
        entered = connection.info.pop(_KEPT, None) if connection is not None else None
        if entered is not None:
            entered.__exit__(None, None, None)

    @event.listens_for(engine, "after_cursor_execute")
    def done(
        connection: Any, _cursor: Any, _statement: Any, _values: Any, _context: Any, _many: Any
    ) -> None:
        end(connection)

    @event.listens_for(engine, "handle_error")
    def failed(context: Any) -> None:
        end(context.connection)
