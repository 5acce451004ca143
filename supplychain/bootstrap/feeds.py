"""Feeds: from a file or a URL into the record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap import parts
from supplychain.errors import DigestMismatchError, InputError, LimitError
from supplychain.model.digest import Digest
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.model.exploitation import FeedEdition, FeedKind
    from supplychain.records.record import Record

# EPSS has 11 MB where it is not compressed, KEV 2 MB.
_LARGEST = 64 * 1024 * 1024


def import_feed(
    settings: Settings,
    record: Record,
    kind: FeedKind,
    source: str,
    *,
    expected: Digest | None,
    at: datetime,
) -> FeedEdition:
    """Fetch an edition of a feed, check it and record it.

    Args:
        settings: All settings: authorities, timeouts.
        record: Takes it.
        kind: Which feed.
        source: A file, or a URL.
        expected: What its bytes have to be; None for anything that is such a feed.
        at: The instant of recording (aware, UTC).

    Raises:
        InputError: It is no edition of that feed.
        DigestMismatchError: It is not what was expected.
        RegistryError: It cannot be fetched.
    """
    from supplychain.bootstrap.reach import guard
    from supplychain.images.download import download, is_url
    from supplychain.images.registry.address import without_secrets
    from supplychain.images.registry.options import RegistryOptions

    if is_url(source):
        # Who types a command goes where they say; a server, only where its operator says.
        options = RegistryOptions(
            guard=guard(settings) if settings.serving else None,
            cacert=settings.path("registry_cacert"),
            read_timeout=parts.registry_options(settings).read_timeout,
        )
        data, origin = download(source, options, limit=_LARGEST), without_secrets(source)
    elif settings.serving:
        raise InputError(f"{source[:140]!r} is no URL", hint="give one that begins https://")
    else:
        data, origin = _read(Path(source)), source
    if expected is not None and not expected.matches(data):
        raise DigestMismatchError(
            f"{origin} is not what was asked for",
            because=f"expected {expected}, its bytes hash to {Digest.of(data)}",
        )
    return record.feeds.add(kind, data, source=origin, at=at)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read", because=error.strerror) from error
    if len(data) > _LARGEST:
        raise LimitError(f"{path} is too large", because=f"it has more than {_LARGEST} bytes")
    return data
