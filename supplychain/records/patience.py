"""What the engine waits for: whatever of its database may pass, by the record's own account.

DBOS tells by words in an error's text whether it comes from a database that is gone for a while,
and does not know all of them: that a disk is full, or how some versions of libpq put it that nobody
listens. What it does not know it throws into the middle of a run. SQLAlchemy lets whoever makes an
engine name a plugin (`create_engine(plugins=[…])`), and a plugin may say of an error that the
connection is lost by it; that DBOS waits for.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError

from supplychain.records.faults import database_faults, may_pass

PATIENT = "supplychain.patient"


class Patience(CreateEnginePlugin):
    """Has an engine take what may pass for a lost connection."""

    def update_url(self, url: URL) -> URL:
        """See `CreateEnginePlugin`."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """See `CreateEnginePlugin`."""
        event.listen(engine, "handle_error", _handle)


def faults_of(url: str) -> AbstractContextManager[None]:
    """Turn what the engine's database refuses inside into our own errors, as `database_faults`."""
    return database_faults(make_url(url))


def _handle(context: ExceptionContext) -> None:
    error: Any = context.sqlalchemy_exception
    if not context.is_disconnect and isinstance(error, DBAPIError) and may_pass(error):
        context.is_disconnect = True
        # The other connections are none the worse for it.
        context.invalidate_pool_on_disconnect = False


plugins.register(PATIENT, __name__, Patience.__name__)
