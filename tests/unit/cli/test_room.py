"""CPython 3.11 maps a piece of its stack again for every call that crosses a piece's end."""

from __future__ import annotations

import resource
import sys
from types import FunctionType

import pytest

from supplychain.cli import _with_room

_CALLS = 200


def _nothing() -> None:
    pass


# It needs more than a call that goes deeper: at some depth the one fits and the other does not.
_call = FunctionType(_nothing.__code__.replace(co_stacksize=100), globals())


def _deeper(levels: int) -> int:
    """How many pages some calls made faults for, so many calls further down."""
    if levels:
        return _deeper(levels - 1)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(_CALLS):
        _call()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def _most_faults() -> int:
    return max(_deeper(levels) for levels in range(400))


def test_calls_cost_the_same_however_deep_they_are() -> None:
    assert _with_room(_most_faults)() < _CALLS / 2


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="later versions keep the piece")
def test_without_room_some_calls_cost_a_page_each() -> None:
    assert _most_faults() >= _CALLS
