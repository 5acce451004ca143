"""What a decision was made from: written whole, whatever it is, and read back to the same."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError
from supplychain.gate.inputs import Inputs, from_document, to_document
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from tests.kit.policies import make_index
from tests.kit.scans import SUBJECT

DIGESTS = st.binary(max_size=2).map(Digest.of)
TEXTS = st.text(max_size=6)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(0, 2**53),
    float: st.floats(0, 1),
    bool: st.booleans(),
    datetime: st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    date: st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    timedelta: st.timedeltas(timedelta(), timedelta(days=99)),
    Digest: DIGESTS,
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that a dossier is made of; fails for one that nobody thought of."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if origin in {Union, types.UnionType}:
        return st.one_of(
            *(st.none() if one is types.NoneType else values_of(one) for one in arguments)
        )
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        parts = {f.name: values_of(hints[f.name]) for f in dataclasses.fields(kind)}
        return st.builds(typing.cast("Any", kind), **parts)
    raise AssertionError(f"a dossier holds a {kind}, of which this test makes none")


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(values_of(Inputs))
def test_whatever_a_dossier_holds_comes_back_as_it_was(inputs: Inputs) -> None:
    document = to_document(inputs)
    assert from_document(document) == inputs
    assert to_document(from_document(document)) == document


def test_one_line_of_sorted_keys_in_ascii_whatever_an_image_calls_its_files() -> None:
    hostile = replace(SUBJECT, name="a\nb\x1b[31m\u202e\ud800")
    document = to_document(Inputs(hostile, "prod", None, make_index()))
    assert document.isascii()
    assert document.endswith(b"}\n")
    assert document.count(b"\n") == 1
    data = json.loads(document)
    assert list(data) == sorted(data)
    assert data["schemaVersion"] == 1
    assert from_document(document).subject == hostile


def test_an_older_document_gets_the_defaults_of_what_was_added_since() -> None:
    inputs = Inputs(SUBJECT, "prod", None, make_index())
    data = json.loads(to_document(inputs))
    for name in ("waivers", "statements", "exploitation", "deployments", "running"):
        del data["dossier"][name]
    assert from_document(json.dumps(data).encode()) == inputs


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("schemaVersion"),
        lambda data: data.update(schemaVersion=2),
        lambda data: data.pop("subject"),
        lambda data: data["subject"]["digest"].update(algorithm="md5"),
        lambda data: data["dossier"].pop("platforms"),
        lambda data: data["dossier"]["platforms"][0].update(component_count="many"),
    ],
)
def test_what_is_no_such_document_is_refused(change: Any) -> None:
    data = json.loads(to_document(Inputs(SUBJECT, "prod", None, make_index())))
    change(data)
    with pytest.raises(InputError):
        from_document(json.dumps(data).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        from_document(data)


def test_nothing_that_could_hold_a_secret_is_written() -> None:
    # What an image's variables and files hold is kept nowhere; only their names are.
    names = {f.name for kind in _kinds(Inputs) for f in dataclasses.fields(kind)}
    assert not names & {"value", "content", "match", "secret", "password", "token"}
    assert Subject in _kinds(Inputs)


def _kinds(kind: Any) -> set[Any]:
    if not dataclasses.is_dataclass(kind):
        return {found for one in typing.get_args(kind) for found in _kinds(one)}
    hints = typing.get_type_hints(kind)
    below = {found for f in dataclasses.fields(kind) for found in _kinds(hints[f.name])}
    return {kind, *below}
