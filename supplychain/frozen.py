"""`@dataclass` for frozen values with slots: the standard one, made in a quarter of the time.

Each method of a dataclass is a text that Python compiles when the class is made: six for a frozen
one, of two hundred, at every start. Here only `__init__` is, once it is asked for; what compares,
hashes, shows and refuses is written once, below (docs/adr/0018-frozen-values.md). All else is the
standard library's: `field`, `fields`, `replace`, `asdict`, `match`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field, dataclass

__all__ = ["dataclass"]

_Kind = TypeVar("_Kind", bound="type[Any]")

if not TYPE_CHECKING:

    def dataclass(
        *, frozen: bool, slots: bool, kw_only: bool = False, **rarer: bool
    ) -> Callable[[_Kind], _Kind]:
        """Make a frozen dataclass with slots.

        Args:
            frozen: True: nothing of it may be set again.
            slots: True: it has its fields and nothing else.
            kw_only: Whether its fields are given by name only.
            **rarer: `order`, `eq` and `repr` make it by the standard library alone.

        Raises:
            TypeError: It is not frozen, has no slots, or has a field that is not given.
        """
        if not (frozen and slots):
            raise TypeError("this is for frozen values with slots: take the standard library's")
        if rarer:
            return dataclasses.dataclass(frozen=True, slots=True, kw_only=kw_only, **rarer)
        return lambda kind: _made(kind, kw_only=kw_only)


def _made(kind: _Kind, *, kw_only: bool) -> _Kind:
    # Python itself writes `__hash__ = None` where a class says what it is equal to.
    own = {name for name, value in vars(kind).items() if value is not None}
    fielded = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
    kind = cast("_Kind", fielded(kind))
    fields = dataclasses.fields(kind)
    for field in fields:
        if not field.init:
            raise TypeError(
                f"{kind.__qualname__}.{field.name} is not given: it could not be replaced"
            )
    methods = {
        "__init__": _Init(kind, fields),
        "__repr__": _repr,
        "__setattr__": _refuse_to_assign,
        "__delattr__": _refuse_to_delete,
        "__getstate__": _state,
        "__setstate__": _restore,
        **_equality(fields),
    }
    for name, method in methods.items():
        if name not in own:
            setattr(kind, name, method)
    return kind


class _Init:
    """An `__init__` to be: compiled when it is first looked up, which most classes never see."""

    def __init__(self, kind: type[Any], fields: tuple[Field[Any], ...]) -> None:
        self._kind = kind
        self._fields = fields

    def __get__(self, value: object, owner: type[Any]) -> Callable[..., None]:
        """The method, which takes this one's place."""
        made = _init(self._kind, self._fields)
        setattr(self._kind, "__init__", made)  # noqa: B010 (mypy lets nobody assign it)
        bound: Callable[..., None] = made.__get__(value, owner)
        return bound


def _init(kind: type[Any], fields: tuple[Field[Any], ...]) -> Callable[..., None]:
    """What Python makes of `def __init__(self, …)` with the fields as its parameters."""
    names: dict[str, Any] = {"__name__": kind.__module__, "_set": object.__setattr__}
    given: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for field in fields:
        name = value = field.name
        parameter = name
        if field.default_factory is not MISSING:
            names |= {f"_make_{name}": field.default_factory, "_MISSING": MISSING}
            parameter = f"{name}=_MISSING"
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        elif field.default is not MISSING:
            names[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        (named if field.kw_only else given).append(parameter)
        body.append(f"_set(_self, {name!r}, {value})")
    if hasattr(kind, "__post_init__"):
        body.append("_self.__post_init__()")
    parameters = ", ".join(["_self", *given, *(["*", *named] if named else [])])
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({parameters}):\n {lines}", names)  # noqa: S102 (names of fields only)
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made


def _equality(fields: tuple[Field[Any], ...]) -> dict[str, Callable[..., Any]]:
    compared = _values([field.name for field in fields if field.compare])
    hashed = _values(
        [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
    )

    def equal(self: object, other: object) -> bool:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    return {"__eq__": equal, "__hash__": lambda self: hash(hashed(self))}


def _values(names: list[str]) -> Callable[[object], tuple[object, ...]]:
    if len(names) > 1:  # or it would be no tuple
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_assign(_self: object, name: str, _value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[object]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
