from __future__ import annotations

import pytest

from supplychain.errors import InputError
from supplychain.images.fields import Fields
from supplychain.model.digest import Digest

_DIGEST = "sha256:" + "a" * 64


def _fields(text: str) -> Fields:
    return Fields.read(text.encode(), "the manifest")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff{}",
        b'{"a":NaN}',
        b'{"a":"\\ud800"}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"[" * 100_000,
        b"[]",
        b"1",
    ],
)
def test_what_is_no_plain_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError, match="the manifest"):
        Fields.read(raw, "the manifest")


def test_a_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(InputError) as caught:
        _fields('{"layers":[],"layers":[]}')
    assert "'layers'" in str(caught.value.because)


@pytest.mark.parametrize("key", ["Layers", "LAYERS", "layerS", "layerſ"])
def test_a_key_that_go_would_read_and_we_would_not_is_refused(key: str) -> None:
    for text in (f'"layers":[],"{key}":[{{}}]', f'"{key}":[{{}}],"layers":[]', f'"{key}":[{{}}]'):
        with pytest.raises(InputError, match="another case"):
            _fields(f"{{{text}}}").items("layers")


def test_keys_of_a_map_are_data() -> None:
    assert _fields('{"Maintainer":"a","maintainer":"b"}').pairs() == (
        ("Maintainer", "a"),
        ("maintainer", "b"),
    )


@pytest.mark.parametrize("value", ["-1", "1.0", "true", '"1"', "null", "9223372036854775808"])
def test_a_size_is_a_whole_number(value: str) -> None:
    with pytest.raises(InputError, match="'size' is not a whole number"):
        _fields(f'{{"size":{value}}}').integer("size")


def test_a_wrong_field_is_named_with_its_place() -> None:
    layers = _fields('{"layers":[{"size":1},{"size":"2"}]}').items("layers")
    assert layers[0].integer("size") == 1
    with pytest.raises(InputError, match=r"the manifest, layers\[1\]: 'size'"):
        layers[1].integer("size")


@pytest.mark.parametrize("value", ["{}", '"x"', "[1]"])
def test_a_list_of_objects_is_that(value: str) -> None:
    with pytest.raises(InputError, match="layers"):
        _fields(f'{{"layers":{value}}}').items("layers")


@pytest.mark.parametrize("value", ['"md5:abc"', '"sha256:AB"', "1", '"nothing"'])
def test_a_digest_is_one(value: str) -> None:
    with pytest.raises(InputError, match="digest"):
        _fields(f'{{"digest":{value}}}').digest("digest")


def test_what_is_sound_is_read() -> None:
    fields = _fields(
        f'{{"text":"t","none":null,"size":3,"digest":"{_DIGEST}","list":["a","b"],'
        f'"digests":["{_DIGEST}"],"inner":{{"a":"b"}}}}'
    )
    digest = Digest("sha256", "a" * 64)
    assert (fields.text("text"), fields.text("absent", "d"), fields.text("none", "d")) == (
        "t",
        "d",
        "d",
    )
    assert (fields.integer("size"), fields.digest("digest")) == (3, digest)
    assert (fields.texts("list"), fields.digests("digests")) == (("a", "b"), (digest,))
    assert (fields.items("absent"), fields.inner("none")) == ((), None)
    inner = fields.inner("inner")
    assert inner is not None
    assert inner.pairs() == (("a", "b"),)


@pytest.mark.parametrize("value", ["1", "null", "[]"])
def test_a_missing_text_without_a_default_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="'text' is not a string"):
        _fields(f'{{"text":{value}}}').text("text")


def test_a_list_document_is_read_item_by_item() -> None:
    items = Fields.read_list(b'[{"a":"1"},{"a":"2"}]', "manifest.json")
    assert [item.text("a") for item in items] == ["1", "2"]
    with pytest.raises(InputError, match="not a JSON list"):
        Fields.read_list(b"{}", "manifest.json")
    with pytest.raises(InputError, match=r"manifest.json\[0\]"):
        Fields.read_list(b"[1]", "manifest.json")
