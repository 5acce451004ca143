"""What all that commands ask of a record on this machine begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supplychain.records.record import Record
    from supplychain.settings import Settings


class OverRecord:
    """Something that is asked of the record of the settings; see `bootstrap.here`.

    Args:
        settings: All settings.
        opened: Gives the record, which is opened the first time.
    """

    def __init__(self, settings: Settings, opened: Callable[[], Record]) -> None:
        self._settings = settings
        self._opened = opened
