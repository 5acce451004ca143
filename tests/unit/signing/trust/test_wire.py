"""ProtoJSON as writers of all languages spell it, and nothing that could be read in two ways."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, LimitError
from supplychain.signing.trust import wire


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0), (0, 0), ("0", 0), (7, 7), ("7", 7), (2**63 - 1, 2**63 - 1), (str(2**63 - 1),) * 2],
)
def test_a_number_is_a_number_or_a_text_or_left_out(value: object, number: object) -> None:
    assert wire.number(value, "it") == int(str(number))


@pytest.mark.parametrize(
    "value",
    [
        -1,
        "-1",
        "-0",
        "+1",
        "01",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "0x1",
        "1e3",
        "",
        "１",
        1.0,
        True,
        False,
        [],
        {},
        2**63,
        str(2**63),
        "9" * 5000,
    ],
)
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="no number"):
        wire.number(value, "it")


def test_the_last_second_of_the_calendar_is_an_instant_and_the_next_is_none() -> None:
    assert wire.unix_time("253402300799", "it").year == 9999
    with pytest.raises(InputError, match="no instant"):
        wire.unix_time(253402300800, "it")
    with pytest.raises(InputError, match="no instant"):
        wire.unix_time(2**63 - 1, "it")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-06-02T12:00:00Z", datetime(2025, 6, 2, 12, tzinfo=UTC)),
        ("2025-06-02T12:00:00.5Z", datetime(2025, 6, 2, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2022-10-31T23:59:59.999Z", datetime(2022, 10, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("2025-06-02T12:00:00.123456789Z", datetime(2025, 6, 2, 12, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_an_instant_is_in_utc(text: str, moment: datetime) -> None:
    assert wire.instant(text, "it") == moment


@pytest.mark.parametrize(
    "text",
    [
        "2025-06-02T12:00:00",
        "2025-06-02T12:00:00+00:00",
        "2025-06-02T12:00:00+02:00",
        "2025-06-02 12:00:00Z",
        "2025-06-02T12:00:00z",
        "2025-06-02",
        "20250602T120000Z",
        "2025-W23-1T12:00:00Z",
        "2025-13-02T12:00:00Z",
        "2025-02-30T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "2025-06-02T12:00:00Z\n",
        "２025-06-02T12:00:00Z",
        "",
        None,
        0,
    ],
)
def test_what_is_no_instant_is_refused(text: object) -> None:
    with pytest.raises(InputError):
        wire.instant(text, "it")


def test_what_says_nothing_is_as_if_it_were_not_there() -> None:
    assert wire.fields({"a": 1, "b": None}, "it", optional=("a", "b")) == {"a": 1}
    with pytest.raises(InputError, match="has no 'a'"):
        wire.fields({"a": None}, "it", required=("a",))
    with pytest.raises(InputError, match="not understood: 'c'"):
        wire.fields({"c": 1}, "it", optional=("a",))
    with pytest.raises(InputError, match="not an object"):
        wire.fields([], "it")
    assert wire.octets(None, "it") == b""
    assert wire.several(None, "it", limit=1) == []


def test_lists_are_lists_and_as_long_as_they_may_be() -> None:
    assert wire.several([1], "it", limit=1) == [1]
    with pytest.raises(LimitError, match="has 2 elements"):
        wire.several([1, 2], "it", limit=1)
    with pytest.raises(InputError, match="not a list"):
        wire.several({}, "it", limit=1)
    with pytest.raises(InputError, match="not a list"):
        wire.several("ab", "it", limit=1)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_is_read_or_refused(value: object) -> None:
    for read in (wire.number, wire.unix_time, wire.instant, wire.octets):
        with suppress(InputError):
            read(value, "it")
