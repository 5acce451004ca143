"""One value of a document changed, somewhere, as a forger might."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.kit.sigstore.keys import text


def change(document: Any, data: st.DataObject) -> None:
    """Change one value in a document that came out of JSON."""
    where, name = _place(document, data)
    where[name] = _changed(where[name], data)


def _place(value: Any, data: st.DataObject) -> tuple[Any, Any]:
    names = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    name = data.draw(st.sampled_from(names))
    inner = value[name]
    return _place(inner, data) if isinstance(inner, dict | list) and inner else (value, name)


def _changed(value: Any, data: st.DataObject) -> object:
    kind = data.draw(st.sampled_from(["nothing", "number", "text", "base64", "letter"]))
    if kind == "nothing":
        return None
    if kind == "number":
        return data.draw(st.integers(-1, 5))
    if kind == "text":
        return data.draw(st.text(max_size=5))
    if kind == "base64":
        return text(data.draw(st.binary(max_size=40)))
    if not isinstance(value, str) or not value:
        return value
    at = data.draw(st.integers(0, 99999)) % len(value)
    return value[:at] + data.draw(st.sampled_from("AZaz09+/= \n—")) + value[at + 1 :]
