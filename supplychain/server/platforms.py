"""Which platform of an image somebody means."""

from __future__ import annotations

from datetime import datetime

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform
from supplychain.records.record import Record


def platform_of(record: Record, digest: str, platform: str | None, *, at: datetime) -> Digest:
    """The manifest of the one platform that is meant.

    Args:
        record: The record.
        digest: A platform manifest or an index.
        platform: Which of its platforms; None where it has one only.
        at: Now (aware, UTC).

    Raises:
        NotFoundError: Nothing is recorded about the image.
        InputError: None of its platforms is meant, or more than one.
    """
    wanted = Platform.parse(platform) if platform else None
    image = record.image(Digest.parse(digest), at=at)
    fitting = [one for one in image.platforms if wanted in {None, one.platform}]
    if len(fitting) != 1:
        names = ", ".join(str(one.platform) for one in image.platforms)
        raise InputError(
            "a document is about one platform",
            because=f"the image is recorded for {names or 'none'}",
            hint="name one of them: ?platform=linux/amd64",
        )
    return fitting[0].digest
