"""What a target may rely upon of what it has read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from supplychain.errors import SupplyChainError

T = TypeVar("T")


def surely(call: Callable[[], T]) -> T:
    """What was taken once has to be taken again."""
    try:
        return call()
    except SupplyChainError as error:
        raise AssertionError(f"refused the second time: {error}") from error
