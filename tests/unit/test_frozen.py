"""Frozen values behave as those of the standard library, by which each is made here as well."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

import msgspec
import pytest

import supplychain
from supplychain import frozen

PACKAGE = Path(supplychain.__file__).parent
MAKERS = pytest.mark.parametrize("dataclass", [dataclasses.dataclass, frozen.dataclass])
NAN = float("nan")


@frozen.dataclass(frozen=True, slots=True)
class Pair:
    """What can be pickled, for it has a name in a module."""

    left: int
    right: str = "r"


@frozen.dataclass(frozen=True, slots=True)
class Nothing:
    """Without fields."""


def kinds(dataclass: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """One of everything, one that inherits from it, and one of a single field."""

    @dataclass(frozen=True, slots=True)
    class Base:
        kind: ClassVar[str] = "base"
        name: str
        self: int = 1
        tags: list[str] = field(default_factory=list, hash=False)
        secret: str = field(default="s", repr=False)
        origin: str = field(default="", compare=False)

        def __post_init__(self) -> None:
            if not self.name:
                raise ValueError("it has no name")

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named(Base):  # noqa: PLW1641 (it is made)
        within: int
        deep: bool = False

        def __repr__(self) -> str:
            return f"<{self.name}>"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Base) and self.name == other.name

    @dataclass(frozen=True, slots=True)
    class One:
        value: object

    return Base, Named, One


def raised(call: Callable[[], object]) -> tuple[type[BaseException], str]:
    """What a call fails with."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 (which one is compared)
        call()
    return caught.type, str(caught.value)


BOTH = tuple(zip(kinds(dataclasses.dataclass), kinds(frozen.dataclass), strict=True))


@pytest.mark.parametrize(("theirs", "ours"), BOTH, ids=["base", "named", "one"])
def test_a_class_is_described_as_the_standard_one_is(theirs: Any, ours: Any) -> None:
    def said(kind: Any) -> object:
        return (
            [str(one) for one in dataclasses.fields(kind)],
            [(one.name, one.kind) for one in inspect.signature(kind).parameters.values()],
            kind.__match_args__,
            kind.__slots__,
            get_type_hints(kind),
        )

    assert said(ours) == said(theirs)


def does(kinds: tuple[Any, Any, Any]) -> dict[str, object]:
    """What values of the three kinds do."""
    base, named, one = kinds
    made = base("n", 2, ["t"], "x", "o")
    more = named("n", within=3)
    return {
        "shown": repr(made).split("<locals>.")[1],
        "shown by itself": repr(more),
        "defaults": dataclasses.astuple(base("n")),
        "a list of its own": base("n").tags is not base("n").tags,
        "equal": made == base("n", 2, ["t"], "x", "elsewhere"),
        "other secret": made == base("n", 2, ["t"], "y", "o"),
        "other list": made == base("n", 2, ["u"], "x", "o"),
        "no other class": (made == named("n", 2, ["t"], "x", "o", within=1), made == 1),
        "equal by itself": more == named("n", within=4),
        "hashed alike": hash(made) == hash(base("n", 2, ["u"], "x", "elsewhere")),
        "hashed by itself": hash(more) == hash(named("n", within=3)),
        "hashed apart": hash(more) == hash(named("n", within=4)),
        "same, if not equal to itself": one(NAN) == one(NAN),
        "cannot be hashed": raised(lambda: hash(one([]))),
        "replaced": dataclasses.astuple(dataclasses.replace(more, deep=True)),
        "as a dictionary": dataclasses.asdict(more),
        "encoded": msgspec.to_builtins(made),
        "copied": copy.deepcopy(made) == made and copy.copy(more) == more,
        "refused": raised(lambda: base("")),
        "refused again": raised(lambda: dataclasses.replace(made, name="")),
        "assigned": raised(lambda: setattr(made, "name", "m")),
        "assigned below": raised(lambda: setattr(more, "within", 1)),
        "deleted": raised(lambda: delattr(made, "name")),
    }


def test_values_do_what_the_standard_ones_do() -> None:
    theirs, ours = (does(made) for made in zip(*BOTH, strict=True))
    assert ours == theirs


@MAKERS
def test_what_is_not_given_is_missed(dataclass: Callable[..., Any]) -> None:
    base, named, _ = kinds(dataclass)
    for call in (base, lambda: base("n", no=1), lambda: named("n", 1, [], "", "", 3)):
        kind, text = raised(call)
        assert kind is TypeError
        assert re.search(r"(Base|Named)\.__init__\(\)", text)


def test_nothing_else_can_be_set() -> None:
    pair = Pair(1)
    with pytest.raises(FrozenInstanceError):
        pair.more = 1  # type: ignore[attr-defined]
    assert not hasattr(pair, "__dict__")


def test_values_are_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pair(1, "s"))) == Pair(1, "s")


def test_a_value_without_fields_is_equal_to_another() -> None:
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert repr(Nothing()) == "Nothing()"


def test_a_value_that_holds_itself_is_shown() -> None:
    held: list[object] = []
    held.append(Pair(held))  # type: ignore[arg-type]
    assert repr(held[0]) == "Pair(left=[...], right='r')"


def test_order_is_the_standard_librarys() -> None:
    @frozen.dataclass(frozen=True, slots=True, order=True)
    class Ranked:
        rank: int

    assert sorted([Ranked(2), Ranked(1)]) == [Ranked(1), Ranked(2)]


def test_a_class_compiles_nothing_before_its_first_value() -> None:
    @frozen.dataclass(frozen=True, slots=True)
    class Rare:
        """Without one, the standard library looks the parameters up to write it."""

        number: int

    class Rarer(Rare):
        """Inherits what is not there yet."""

    assert not inspect.isfunction(vars(Rare)["__init__"])
    assert Rarer(1).number == 1
    assert inspect.isfunction(vars(Rare)["__init__"])
    assert Rare(number=2).number == 2


def test_what_is_no_frozen_value_is_refused() -> None:
    for words in ({"frozen": False, "slots": True}, {"frozen": True, "slots": False}):
        with pytest.raises(TypeError, match="take the standard"):
            frozen.dataclass(**words)
    with pytest.raises(TypeError, match=r"Half\.left is not given"):

        @frozen.dataclass(frozen=True, slots=True)
        class Half:
            left: int = field(init=False)


def test_every_frozen_value_of_the_product_is_made_so() -> None:
    """A class made by the other decorator could not inherit from one of these, either."""
    written = re.compile(r"^\s*@(\w+\.)?dataclass\(frozen=True, slots=True", re.MULTILINE)
    imported = re.compile(r"^from ([\w.]+) import .*\bdataclass\b", re.MULTILINE)
    makers = {
        path.relative_to(PACKAGE): imported.findall(text)
        for path in PACKAGE.rglob("*.py")
        if written.search(text := path.read_text(encoding="utf-8"))
    }
    assert len(makers) > 200
    assert {path: of for path, of in makers.items() if of != ["supplychain.frozen"]} == {}
