"""Runs the migrations on the connection that `supplychain.records.migrating` hands over.

To write the next one: change the tables that `supplychain/records/schema.py` lists, and its
revision, copy the newest file in `versions/`, number it one higher and write both engines' steps by
hand. A revision is four digits, so that an older program knows a newer schema when it meets one.
`tests/migration` compares the result with the tables that the program declares.

Expand first, contract later: releases run while their successor migrates. A migration that only
adds (tables, indexes, columns that may be left out when a row is written) says which earlier
schema's programs may go on beside it:

    compatible_since = "0015"

Without that line it is for its own release alone: every earlier one stops. What takes something
away, renames it or demands more of a row never has the line, and comes one release after the
program that no longer needs what goes. `tests/migration` holds this.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

# The schema that keeps it first.
_KEPT_FROM = "0015"


def _note_compatibility() -> None:
    """Keep in the database since which schema's programs may go on working on it."""
    reached = context.get_context().get_current_revision()
    if not isinstance(reached, str) or reached < _KEPT_FROM:
        return
    done = [one for one in context.script.walk_revisions() if one.revision <= reached]
    since = max(getattr(one.module, "compatible_since", one.revision) for one in done)
    connection = context.get_bind()
    connection.execute(text("DELETE FROM schema_compatibility"))
    connection.execute(
        text("INSERT INTO schema_compatibility (revision, since) VALUES (:revision, :since)"),
        {"revision": reached, "since": since},
    )


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("target_metadata"),
    # Data definition is transactional on both engines: SQLAlchemy's driver for SQLite is told
    # to begin transactions itself (see `supplychain.records.database`).
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
    _note_compatibility()
