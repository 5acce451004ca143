"""YAML to nodes with positions, accepting only the part of YAML that cannot surprise.

No aliases (a "billion laughs" needs them), no tags, one document, bounded size and depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from supplychain.gate.nodes import Mapping, Node, Position, ProblemError, Scalar, Sequence

# A policy with fifty inlined keys has about 10 kB.
SIZE_LIMIT = 256 * 1024
DEPTH_LIMIT = 16
_START = Position(1, 1)
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
# libyaml where this PyYAML was built with it: ten times as fast, and the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(data: bytes) -> Node:
    """The one document in `data`.

    Raises:
        ProblemError: It is too large, not UTF-8, not YAML, empty, more than one, nested too deep,
            or uses an alias or a tag.
    """
    if len(data) > SIZE_LIMIT:
        raise ProblemError(_START, f"{len(data)} bytes are too many, the limit is {SIZE_LIMIT}")
    text = _decoded(data)
    try:
        return _document(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        here = _position(mark)
        tab = "\t" in "".join(text.split("\n")[here.line - 1 : here.line])[: here.column]
        raise ProblemError(
            here,
            f"not YAML: {error.problem or error.context}",
            "indent with spaces, not with tabs" if tab else None,
        ) from error


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        here = _end(data[: error.start].decode("utf-8-sig"))
        raise ProblemError(here, "not UTF-8 text", "save the file as UTF-8") from None
    refused = _UNPRINTABLE.search(text)
    if refused:
        character = f"U+{ord(refused.group()):04X}"
        raise ProblemError(_end(text[: refused.start()]), f"not YAML: it contains {character}")
    return text


def _end(text: str) -> Position:
    """The place just after `text`."""
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else _START


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events, refusing what is refused wherever it stands."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        here = _position(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise ProblemError(
                here, f"aliases (*{event.anchor}) are not accepted", "write the value out"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ProblemError(here, f"tags ({tag}) are not accepted", "leave the tag out")
        if _UNPRINTABLE.search(getattr(event, "value", "")):
            raise ProblemError(here, "the text contains control characters")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            raise ProblemError(here, f"nested deeper than {DEPTH_LIMIT} levels")
        yield event


def _document(events: Iterator[yaml.Event]) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise ProblemError(
                _position(event.start_mark),
                "a second document begins here, and a policy is one",
                "one file per environment",
            )
        if isinstance(event, yaml.NodeEvent):
            root = _node(event, events)
    if root is None or (isinstance(root, Scalar) and root.empty):
        raise ProblemError(_START, "the document is empty", "a policy needs at least one rule")
    return root


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Node:
    """The node that begins with `event`; recursion is bounded by `DEPTH_LIMIT`."""
    here = _position(event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(here, event.value, plain=event.style in {None, ""})
    children = []
    for child in events:
        if isinstance(child, yaml.CollectionEndEvent):
            break
        children.append(_node(child, events))
    if isinstance(event, yaml.SequenceStartEvent):
        return Sequence(here, tuple(children))
    return Mapping(here, tuple(zip(children[::2], children[1::2], strict=True)))
