"""Long documents are held to the rules of short ones, wherever they are cut on their way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, LimitError
from supplychain.signing import long_json
from supplychain.signing.encoding import read_json
from supplychain.signing.long_json import require_cyclonedx

GOOD = (
    b'{"bomFormat":"CycloneDX"}',
    b' { "bomFormat" : "CycloneDX" , "a" : [ ] , "n" : 12345 } \n',
    b'{"a":[1e5,1.5E+3,-2,-0.5,12,true,null,"x"],"b":1.25e-7,"c":{"d":-1},"bomFormat":"CycloneDX"}',
    '{"bomFormat":"CycloneDX","a":"é\u2028","b":["\\u00e9\\ud83d\\ude00",{"x":[[1]]}]}'.encode(),
)
BAD = (
    b"",
    b"[]",
    b'"CycloneDX"',
    b'{"bomFormat":"SPDX"}',
    b'{"a":"CycloneDX"}',
    b'{"bomFormat":["CycloneDX"]}',
    b'{"BomFormat":"CycloneDX"}',
    b'{"bomFormat":"CycloneDX"',
    b'{"bomFormat":"CycloneDX"} {}',
    b'{"bomFormat":"CycloneDX"}x',
    b'{"bomFormat":"SPDX","bomFormat":"CycloneDX"}',
    b'{"bomFormat":"CycloneDX","a":1,"a":1}',
    b'{"bomFormat":"CycloneDX","a":1,"\\u0061":1}',
    b'{"bomFormat":"CycloneDX","a":[{"b":1,"b":2}]}',
    b'{"bomFormat":"CycloneDX","a":NaN}',
    b'{"bomFormat":"CycloneDX","a":[1,Infinity]}',
    b'{"bomFormat":"CycloneDX","a":[1,]}',
    b'{"bomFormat":"CycloneDX","a":[,1]}',
    b'{"bomFormat":"CycloneDX","a":[1 2]}',
    b'{"bomFormat":"CycloneDX","a":[01]}',
    b'{"bomFormat":"CycloneDX","a":[1.]}',
    b'{"bomFormat":"CycloneDX",}',
    b'{,"bomFormat":"CycloneDX"}',
    b'{"bomFormat":"CycloneDX" "a":1}',
    b'{"bomFormat":"CycloneDX","a" 1}',
    b'{"bomFormat":"CycloneDX",1:1}',
    b"{'bomFormat':'CycloneDX'}",
    b'{"bomFormat":"CycloneDX","a":"\xff"}',
    b'{"bomFormat":"CycloneDX","a":"\xed\xa0\x80"}',
    b'\xef\xbb\xbf{"bomFormat":"CycloneDX"}',
    b'{"bomFormat":"CycloneDX","a":"\n"}',
    b'{"bomFormat":"CycloneDX","a":"\xc3',
    b'{"bomFormat":"CycloneDX","a":' + b"[" * 100_000,
    b'{"bomFormat":"CycloneDX","a":' + b'{"a":' * 100_000,
)


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return iter([data[at : at + size] for at in range(0, len(data), size)])


@pytest.mark.parametrize("data", GOOD)
def test_a_document_may_be_cut_anywhere(data: bytes) -> None:
    for size in range(1, len(data) + 1):
        require_cyclonedx(chunks(data, size), "the document")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("data", BAD)
def test_what_two_might_read_in_two_ways_is_refused(data: bytes, size: int) -> None:
    if size < 7 and len(data) > 1000:
        size = 1000
    with pytest.raises(InputError):
        require_cyclonedx(chunks(data, size), "the document")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.text(), _VALUES, max_size=5),
    st.integers(1, 40),
    st.integers(0, 200),
    st.binary(max_size=2),
)
def test_it_agrees_with_the_reader_of_short_documents(
    value: dict[str, object], size: int, at: int, change: bytes
) -> None:
    raw = json.dumps({"bomFormat": "CycloneDX", **value}, ensure_ascii=False)
    data = raw.encode("utf-8", "surrogatepass")
    if at < len(data):
        data = data[:at] + change + data[at + len(change) :]
    try:
        read = read_json(data, "it", limit=1 << 20).value
        good = isinstance(read, dict) and read.get("bomFormat") == "CycloneDX"
    except InputError:
        good = False
    try:
        require_cyclonedx(chunks(data, size), "it")
    except InputError:
        assert not good, data
    else:
        assert good, data


def test_no_piece_may_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_json, "PIECE_LIMIT", 1000)
    many = b'{"bomFormat":"CycloneDX","components":[' + b'{"a":"b"},' * 10_000 + b"{}]}"
    require_cyclonedx(chunks(many, 64), "it")
    one = b'{"bomFormat":"CycloneDX","a":"' + b"x" * 5000 + b'"}'
    with pytest.raises(LimitError, match="too large"):
        require_cyclonedx(chunks(one, 64), "it")
    names = b",".join(b'"a%d":1' % n for n in range(2000))
    with pytest.raises(LimitError, match="members"):
        require_cyclonedx(chunks(b'{"bomFormat":"CycloneDX",' + names + b"}", 64), "it")
