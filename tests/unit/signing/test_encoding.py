"""What two parsers could read in two ways is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, LimitError
from supplychain.signing.encoding import (
    as_text,
    members,
    read_base64,
    read_json,
    read_pem,
    write_base64,
    write_pem,
)

LIMIT = 1 << 20

REFUSED_JSON = {
    "nothing": b"",
    "two documents": b"{}{}",
    "text after it": b"{} x",
    "duplicate member": b'{"a":1,"a":1}',
    "duplicate member, one escaped": b'{"a":1,"\\u0061":2}',
    "duplicate member, deep": b'{"x":[{"y":{"a":1,"a":2}}]}',
    "duplicate of a kept member": b'{"keep":{"in":1},"keep":{"in":2}}',
    "duplicate in a kept member": b'{"keep":{"in":1,"in":2}}',
    "NaN": b'{"a":NaN}',
    "infinity": b"[-Infinity]",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "not UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "control character": b'{"a":"\x01"}',
    "trailing comma": b'{"a":1,}',
    "trailing comma in a walked object": b'{"keep":{"in":1,}}',
    "no colon": b'{"keep" {"in":1}}',
    "unnamed member": b'{1:2,"keep":{}}',
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "cut off": b'{"keep":{"in":',
    "cut off after a name": b'{"keep"',
    "cut off after a brace": b"{",
    "a number of five thousand digits": b"1" * 5000,
    "nested too deeply": b"[" * 100_000,
    "nested too deeply, in a walked object": b'{"keep":{"in":' + b"[" * 100_000,
}


@pytest.mark.parametrize("data", REFUSED_JSON.values(), ids=REFUSED_JSON.keys())
def test_ambiguous_json_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="the thing"):
        read_json(data, "the thing", limit=LIMIT, keep=[("keep",), ("keep", "in")])


def test_json_beyond_the_limit_is_not_parsed() -> None:
    with pytest.raises(LimitError, match="11 bytes"):
        read_json(b'"123456789"', "the thing", limit=10)


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_json_says_what_the_standard_library_says(
    value: Any, indent: int | None, *, ascii_only: bool
) -> None:
    text = json.dumps({"keep": value, "x": value}, indent=indent, ensure_ascii=ascii_only)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    read = read_json(data, "it", limit=LIMIT, keep=[("keep",), ("keep", "in")])
    assert read.value == {"keep": value, "x": value}
    assert json.loads(read.raw["keep",]) == value
    assert (("keep", "in") in read.raw) == (isinstance(value, dict) and "in" in value)


@pytest.mark.parametrize("around", ["", "\n", " \t\r\n "])
@pytest.mark.parametrize("value", ["{}", '{"é":"ü\\u00e9"}', "1", '"}"', "[ 1 , {} ]"])
@pytest.mark.parametrize("after", ["", ',"z":1', ', "z": {"keep": 2}\n'])
def test_a_kept_member_is_every_byte_from_colon_to_comma_or_brace(
    around: str, value: str, after: str
) -> None:
    spliced = f"{around}{value}{around}"
    data = f' {{"a": {{"x": 1, "keep":{spliced}}}{after}}}'.encode()
    assert read_json(data, "it", limit=LIMIT, keep=[("a", "keep")]).raw == {
        ("a", "keep"): spliced.encode()
    }


def test_only_wanted_paths_are_kept() -> None:
    read = read_json(b'{"a":{"b":{"c":1}},"b":2}', "it", limit=LIMIT, keep=[("a", "b"), ("x",)])
    assert read.raw == {("a", "b"): b'{"c":1}'}


@pytest.mark.parametrize(
    "text",
    ["YQ", "YQ=", "YQ===", "YR==", "YWI", "YWJ=", " YQ==", "YQ==\n", "Y Q==", "_-__", "é", "a", 1],
)
def test_base64_has_one_spelling(text: object) -> None:
    with pytest.raises(InputError):
        read_base64(text, "it")


@given(st.text("ABCDwxyz0189+/=-_ \n", max_size=12))
def test_base64_is_read_where_it_is_what_writing_gives(text: str) -> None:
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if base64.b64encode(decoded).decode() == text:
        assert read_base64(text, "it") == decoded
    else:
        with pytest.raises(InputError, match="base64"):
            read_base64(text, "it")


@given(st.binary())
def test_base64_comes_back(data: bytes) -> None:
    assert write_base64(data) == base64.b64encode(data).decode()
    assert read_base64(write_base64(data), "it") == data


@given(st.binary(max_size=300))
def test_pem_comes_back(data: bytes) -> None:
    written = write_pem("SOME THING", data)
    assert max(map(len, written.split(b"\n"))) <= 64
    assert read_pem(written, "it") == ("SOME THING", data)
    assert read_pem(written.replace(b"\n", b"\r\n"), "it") == ("SOME THING", data)


GOOD_PEM = b"-----BEGIN A-----\nYWJj\n-----END A-----\n".replace(b"A--", b"PUBLIC KEY--")

REFUSED_PEM = {
    "nothing": b"",
    "two blocks": GOOD_PEM * 2,
    "text before it": b"subject=x\n" + GOOD_PEM,
    "text after it": GOOD_PEM + b"x",
    "labels that differ": GOOD_PEM.replace(b"END PUBLIC", b"END PRIVATE"),
    "headers": GOOD_PEM.replace(b"YWJj", b"Proc-Type: 4,ENCRYPTED\n\nYWJj"),
    "base64 that is not canonical": GOOD_PEM.replace(b"YWJj", b"YWJ="),
    "no end": GOOD_PEM.partition(b"-----END")[0],
    "NUL after it": GOOD_PEM + b"\0",
}


@pytest.mark.parametrize("data", REFUSED_PEM.values(), ids=REFUSED_PEM.keys())
def test_pem_is_one_block_and_nothing_else(data: bytes) -> None:
    assert read_pem(GOOD_PEM, "it") == ("PUBLIC KEY", b"abc")
    with pytest.raises(InputError):
        read_pem(data, "it")


def test_members_must_all_be_known() -> None:
    assert members({"a": 1}, "it", required=("a",), optional=("b",)) == {"a": 1}
    with pytest.raises(InputError, match="it has no 'a'"):
        members({"b": 1}, "it", required=("a",), optional=("b",))
    with pytest.raises(InputError, match="not understood: 'c'"):
        members({"a": 1, "c": 1}, "it", required=("a",), optional=("b",))
    with pytest.raises(InputError, match="not an object"):
        members([], "it", required=())


def test_half_a_surrogate_pair_is_no_text() -> None:
    value = read_json(b'"\\ud800"', "it", limit=LIMIT).value
    with pytest.raises(InputError, match="not Unicode"):
        as_text(value, "it")
