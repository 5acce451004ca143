"""The short cut through JSON says what the strict reader says, or nothing."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing.encoding import DECODER, read_json
from supplychain.signing.plain_json import read_plain
from supplychain.signing.statement import write
from tests.kit.sboms import make_sbom
from tests.kit.scans import realistic_components

LIMIT = 1 << 20
# What stands beside it in the document.
MANY = b'"many":[' + b",".join([b"{}"] * 100) + b"]"

# What is no JSON that can be read in one way only.
REFUSED = {
    "duplicate member": b'{"a":1,"a":1}',
    "duplicate member, one escaped": b'{"a":1,"\\u0061":2}',
    "duplicate member whose values have quotes": b'{"a":"\\"","a":"\\\\"}',
    "duplicate member that is itself a quote": b'{"\\"":1,"\\u0022":1}',
    "duplicate member, empty": b'{"":1,"":2}',
    "duplicate member that hides an object": b'{"a":{"b":"c"},"a":{}}',
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "not UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\x80"',
    "control character": b'"\x01"',
    "trailing comma": b"[1,]",
    "a leading zero": b"01",
    "a comment": b"1//",
    "a second document": b"1}{",
    "cut off": b'{"a":',
    "a number of five thousand digits": b"1" * 5000,
    "nested too deeply": b"[" * 100_000,
}


@pytest.mark.parametrize("thing", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("keep", [(), (("thing",),), (("many",), ("thing", "a"))])
def test_what_is_ambiguous_takes_no_short_cut_and_is_refused(
    thing: bytes, keep: tuple[tuple[str, ...], ...]
) -> None:
    for data in (b"{%b,%b}" % (MANY, b'"thing":' + thing), b'{"thing":%b,%b}' % (thing, MANY)):
        assert read_plain(data) is None
        with pytest.raises(InputError, match="it is not"):
            read_json(data, "it", limit=LIMIT, keep=keep)


# What is JSON, and not the same to every parser: the strict reader says what it is.
LEFT_ALONE = {
    "an integer beyond 64 bits": b"18446744073709551616",
    "a negative one": b"-9223372036854775809",
    "one that begins a list": b"[ 123456789012345678901]",
    "half a surrogate pair": b'"\\ud800"',
    "a float beyond all": b"1e400",
}


@pytest.mark.parametrize("thing", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_the_faster_parser_reads_otherwise_is_left_to_the_strict_one(thing: bytes) -> None:
    data = b'{%b,"thing":%b}' % (MANY, thing)
    assert read_plain(data) is None
    read = read_json(data, "it", limit=LIMIT, keep=[("thing",)])
    assert repr(read.value) == repr(json.loads(data))
    assert read.raw["thing",] == thing


NAMES = st.sampled_from(["a", "b", '"', "\\", '\\"', "", "é", "\0", ":"])
SPACES = st.sampled_from(["", " ", "\n\t", "\r "])


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """An object in which a name may come twice, each time in a spelling of its own."""
    pairs = draw(st.lists(st.tuples(NAMES, st.booleans(), SPACES, values), max_size=3))
    said = [f"{s}{json.dumps(n, ensure_ascii=ascii_)}{s}:{s}{v}" for n, ascii_, s, v in pairs]
    return f"{{{','.join(said)}}}"


NUMBERS = st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
TEXTS = st.recursive(
    NUMBERS | NAMES.map(json.dumps) | st.sampled_from(["null", "true", "1E5", "-0", "-0.0"]),
    lambda inner: (
        objects(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{' , '.join(items)}]")
    ),
    max_leaves=10,
)


@given(text=TEXTS)
@example(text='{"a":"\\\\","a":"\\""}')
@example(text='{"\\\\\\"":"\\\\"}')
def test_the_short_cut_says_what_the_strict_reader_says(text: str) -> None:
    data = b'{%b,"thing":%b}' % (MANY, text.encode())
    said = read_plain(data)
    try:
        strict: Any = DECODER.decode(data.decode())
    except ValueError:
        assert said is None
        return
    assert said is None or repr(said.value) == repr(strict)
    read = read_json(data, "it", limit=LIMIT, keep=[("thing",), ("many",)])
    assert repr(read.value) == repr(strict)
    assert read.raw == {("thing",): text.encode(), ("many",): MANY[7:]}


VALUE = {
    "n": 1.5,
    "text": 'a "quoted" \\ <word>, é & \n',
    "list": [{"x": number} for number in range(9)],
}
SPELLINGS = {
    "compact": orjson.dumps(VALUE),
    "indented": orjson.dumps(VALUE, option=orjson.OPT_INDENT_2),
    "indented, as a file": json.dumps(VALUE, indent=2, ensure_ascii=False).encode() + b"\n",
    "as Go does": orjson.dumps(VALUE)
    .replace(b"<", b"\\u003c")
    .replace(b">", b"\\u003e")
    .replace(b"&", b"\\u0026"),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_ordinary_documents_take_the_short_cut(spelled: bytes) -> None:
    said = read_plain(b'{"a":[{}],"b":%b}' % spelled)
    assert said is not None
    assert (said.value, said.last, said.raw) == ({"a": [{}], "b": VALUE}, "b", spelled)


def test_an_sbom_of_ours_takes_the_short_cut_in_its_statement() -> None:
    sbom = make_sbom(realistic_components(20))
    said = read_plain(write(Subject("r/app", Digest.of(b"")), CYCLONEDX_PREDICATE, sbom))
    assert said is not None
    assert (said.last, said.raw) == ("predicate", sbom)
