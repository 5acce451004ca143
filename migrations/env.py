"""Runs the migrations on the connection that `supplychain.records.version` hands over.

To write the next one: change `supplychain/records/schema.py`, then copy the newest file in
`versions/`, number it one higher and write both engines' steps by hand. A revision is four
digits, so that an older program knows a newer schema when it meets one. `tests/migration`
compares the result with the tables that the program declares.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("target_metadata"),
    # Data definition is transactional on both engines: SQLAlchemy's driver for SQLite is told
    # to begin transactions itself (see `supplychain.records.database`).
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
