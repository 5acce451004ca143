"""The forms in which signatures are stored beside an image."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from supplychain.errors import InputError


class Format(StrEnum):
    """A form in which signatures are stored."""

    BUNDLE = "bundle"
    LEGACY = "legacy"


# What every reader in the field finds: each of them knows at least one.
FORMATS = tuple(Format)


def read_formats(names: Collection[str]) -> tuple[Format, ...]:
    """The forms that somebody wants, in our order.

    Raises:
        InputError: None, or one that is not known.
    """
    unknown = sorted(set(names) - {*FORMATS})
    if unknown or not names:
        raise InputError(
            f"{unknown[0][:80]!r} is no format of signatures"
            if unknown
            else "no format of signatures is given",
            hint=f"one of {', '.join(FORMATS)}, or both with a comma between",
        )
    return tuple(one for one in FORMATS if one in names)
