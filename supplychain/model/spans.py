"""Where time goes, told to whoever traces it; without anybody, at no cost.

A room says what it does; which tracer hears of it, if any, is decided at the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Tracer(Protocol):
    """Hears of work while it is done; what it raises would end that work, so it raises nothing."""

    def span(
        self, name: str, attributes: Mapping[str, str | int], parent: Mapping[str, str] | None
    ) -> AbstractContextManager[object]:
        """A stretch of work, for as long as it is entered.

        Args:
            name: What is done: few names, none made of data.
            attributes: What else is to be known; never a secret, never a value of a row.
            parent: Headers of the request that asked for it, which may say what it is part of.
        """
        ...

    def carrier(self) -> Mapping[str, str]:
        """What makes work elsewhere part of what is entered now: `traceparent`."""
        ...


_NOTHING: AbstractContextManager[object] = nullcontext()
_tracer: Tracer | None = None


def trace_with(tracer: Tracer | None) -> None:
    """Tell this tracer from now on; None for nobody."""
    global _tracer  # noqa: PLW0603 - a process has one tracer, as it has one standard error
    _tracer = tracer


def traced() -> bool:
    """Whether anybody hears."""
    return _tracer is not None


def carrier() -> Mapping[str, str]:
    """What makes work elsewhere part of this; see `Tracer.carrier`."""
    return {} if _tracer is None else _tracer.carrier()


def span(
    name: str,
    attributes: Mapping[str, str | int] | None = None,
    *,
    parent: Mapping[str, str] | None = None,
) -> AbstractContextManager[object]:
    """A stretch of work; see `Tracer.span`."""
    if _tracer is None:
        return _NOTHING
    return _tracer.span(name, attributes or {}, parent)
