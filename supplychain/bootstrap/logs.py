"""What a server or a worker says of itself: JSON lines on standard error, and never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import unquote, urlsplit

from supplychain.errors import ConfigurationError, SupplyChainError
from supplychain.settings import SETTINGS, Settings

# By which request something is done, and for which run; "" for none.
request_id: ContextVar[str] = ContextVar("request_id", default="")
run_id: ContextVar[str] = ContextVar("run_id", default="")

REQUESTS = logging.getLogger("supplychain.requests")
# Under which attribute a record carries what else it tells.
TOLD = "told"
_WORDS = {"errors": logging.WARNING, "requests": logging.INFO}
_LONGEST = 20_000
# Shorter ones would blot out words that are none.
_SHORTEST_SECRET = 6
_HIDDEN = "********"
_SECRETS = (
    re.compile(r"\bsct_[A-Za-z0-9_-]+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"),
    re.compile(r"(?<=[Bb]earer )\S+"),
    re.compile(r"(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]*(?=@)"),
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
)


class JsonLines(logging.Formatter):
    """A record as one line of JSON.

    Args:
        secrets: What must not be in one, whatever else it looks like.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        if run := run_id.get():
            line["run_id"] = run
        line |= getattr(record, TOLD, {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps({name: self._told(value) for name, value in line.items()})

    def _told(self, value: object) -> object:
        return self._hidden(value)[:_LONGEST] if isinstance(value, str) else value

    def _hidden(self, text: str) -> str:
        for pattern in _SECRETS:
            text = pattern.sub(_HIDDEN, text)
        for secret in self._secrets():
            text = text.replace(secret, _HIDDEN)
        return text


def log_to(stream: TextIO, settings: Settings) -> None:
    """Say from now on, on a stream, what the settings ask for.

    Raises:
        ConfigurationError: They ask for something else than there is.
    """
    asked = settings.text("log") or ""
    if asked not in _WORDS:
        raise ConfigurationError(f"log = {asked[:40]!r} is none", hint="errors, or requests")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(lambda: _secrets_of(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("supplychain").setLevel(_WORDS[asked])
    logging.captureWarnings(capture=True)


def log_to_stderr(settings: Settings) -> None:
    """As `log_to`, where a process says such things."""
    log_to(sys.stderr, settings)


def _secrets_of(settings: Settings) -> Iterable[str]:
    """Every secret that is set, as it is now; one that cannot be read cannot be told either."""
    for setting in SETTINGS:
        if setting.secret or setting.mounted:
            try:
                value = settings.text(setting.name) or ""
                found = (value,) if setting.secret else _passwords_in(value)
            except (SupplyChainError, ValueError):
                # Whatever is wrong with it: what was to be told is told all the same.
                continue
            yield from (one for one in found if len(one) >= _SHORTEST_SECRET)


def _passwords_in(url: str) -> Iterable[str]:
    """The password in a URL, as it is written there and as it is.

    Raises:
        ValueError: It is no URL.
    """
    written = urlsplit(url).password or ""
    return written, unquote(written)
