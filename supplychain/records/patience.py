"""What the engine waits for: whatever of its database may pass, by the record's own account.

DBOS tells by words in an error's text whether it comes from a database that is gone for a while,
and does not know all of them: that a disk is full, or how some versions of libpq put it that nobody
listens. What it does not know it throws into the middle of a run. SQLAlchemy lets whoever makes an
engine name a plugin (`create_engine(plugins=[…])`), and a plugin may say of an error that the
connection is lost by it; that DBOS waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError

from supplychain.records.database import password_from
from supplychain.records.faults import database_faults, may_pass

PATIENT = "supplychain.patient"
# Beside it: what gives the database's URL with the password as it is by then; None for as it was.
URLS = "supplychain_urls"
_HINTS = {
    "42501": "give the workers' user all rights again: GRANT ALL ON SCHEMA dbos, and GRANT ALL ON "
    "ALL TABLES IN SCHEMA dbos",
    "42P01": "bring it back; or end all workers, DROP SCHEMA dbos CASCADE, and start them: what "
    "they had begun is begun anew",
}


class Patience(CreateEnginePlugin):
    """Has an engine take what may pass for a lost connection, and connect with the password of now.

    Args:
        url: The database.
        kwargs: What the engine is made with; `URLS` is taken out of it.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        self._urls: Callable[[], str] | None = kwargs.pop(URLS, None)

    def update_url(self, url: URL) -> URL:
        """See `CreateEnginePlugin`."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """See `CreateEnginePlugin`."""
        event.listen(engine, "handle_error", _handle)
        if self._urls is not None:
            password_from(engine, self._urls)


def faults_of(url: str) -> AbstractContextManager[None]:
    """Turn what the engine's database refuses inside into our own errors, as `database_faults`."""
    return database_faults(make_url(url), _HINTS)


def _handle(context: ExceptionContext) -> None:
    error: Any = context.sqlalchemy_exception
    if not context.is_disconnect and isinstance(error, DBAPIError) and may_pass(error):
        context.is_disconnect = True
        # The other connections are none the worse for it.
        context.invalidate_pool_on_disconnect = False


plugins.register(PATIENT, __name__, Patience.__name__)
