"""Windows include both ends (sigstore_trustroot.proto, TimeRange)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from supplychain.signing.trust.window import Window, text
from tests.kit.sigstore import AT, HOUR

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        (AT - TICK, False),
        (AT, True),
        (AT + HOUR, True),
        (AT + HOUR + TICK, False),
    ],
)
def test_both_ends_are_inside(moment: datetime, *, inside: bool) -> None:
    assert Window(AT, AT + HOUR).covers(moment) is inside


def test_without_an_end_it_never_ends() -> None:
    assert Window(AT).covers(AT.replace(year=9999))
    assert not Window(AT).covers(AT - TICK)


def test_for_people() -> None:
    assert text(AT) == "2025-06-02T12:00:00Z"
    assert str(Window(AT)) == "from 2025-06-02T12:00:00Z"
    assert str(Window(AT, AT + HOUR)) == "from 2025-06-02T12:00:00Z until 2025-06-02T13:00:00Z"
