"""What the licences of a package allow: SPDX expressions as alternatives and demands.

`read_licences` makes one expression of everything that a package states, for all of it applies;
`is_satisfied` works it out: of an alternative (OR) one licence has to do, of a conjunction (AND)
every one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, TypeAlias

from supplychain.frozen import dataclass
from supplychain.gate.spdx import identifier, stated, with_identifiers

# As long a text as is shown to people.
_SHOWN = 60


class Category(StrEnum):
    """What kind of licence it is: what it asks of those who pass the program on."""

    PERMISSIVE = "permissive"
    WEAK_COPYLEFT = "weak-copyleft"
    STRONG_COPYLEFT = "strong-copyleft"
    NETWORK_COPYLEFT = "network-copyleft"
    PROPRIETARY = "proprietary"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence.

    Attributes:
        id: Its SPDX identifier; what was written where it has none.
        exception: What it comes WITH; "" for nothing.
    """

    id: str
    exception: str = ""

    def __str__(self) -> str:
        """As SPDX writes it."""
        written = self.id if len(self.id) <= _SHOWN else f"{self.id[:_SHOWN]}…"
        return f"{written} WITH {self.exception}" if self.exception else written


@dataclass(frozen=True, slots=True)
class Joined:
    """Several licences.

    Attributes:
        choice: Whether any one of them suffices; otherwise all of them apply.
        parts: The licences.
    """

    choice: bool
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        """As SPDX writes it."""
        word = " OR " if self.choice else " AND "
        return word.join(f"({p})" if isinstance(p, Joined) else str(p) for p in self.parts)


Expression: TypeAlias = "Licence | Joined"


@cache
def categories() -> dict[str, Category]:
    """The category of every SPDX identifier of a licence."""
    from supplychain.gate.licence_table import CATEGORIES

    return {name: Category(word) for word, names in CATEGORIES.items() for name in names.split()}


@cache
def known_licences() -> dict[str, str]:
    """Every SPDX identifier of a licence by its lower-case form."""
    return {name.lower(): name for name in categories()}


@cache
def known_exceptions() -> dict[str, str]:
    """Every SPDX identifier of an exception by its lower-case form."""
    from supplychain.gate.licence_table import EXCEPTIONS

    return {name.lower(): name for name in EXCEPTIONS.split()}


@lru_cache(maxsize=4096)
def read_licences(texts: tuple[str, ...]) -> Expression | None:
    """What a package states, all of it together; None where it states nothing."""
    parts = tuple(dict.fromkeys(_read(text) for text in map(stated, texts) if text))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Joined(False, parts)


def _read(text: str) -> Expression:
    found = identifier(text, known_licences())
    if found:
        return Licence(found)
    return parse_expression(text) or Licence(text)


def parse_expression(text: str) -> Expression | None:
    """An SPDX expression of more than one word; None where it is none."""
    spdx = with_identifiers(text, known_licences())
    if spdx is None:
        return None
    from license_expression import ExpressionError, ExpressionParseError

    try:
        parsed = _licensing().parse(spdx)
    except (ExpressionError, ExpressionParseError, AssertionError, IndexError):
        # The last two are what it says of "( OR MIT" and "MIT AND ( )".
        return None
    return _of(parsed)


@cache
def _licensing() -> Any:
    from license_expression import Licensing

    return Licensing()


def _of(node: Any) -> Expression:
    if hasattr(node, "license_symbol"):
        return Licence(_key(node.license_symbol), _exception(node.exception_symbol.key))
    if hasattr(node, "key"):
        return Licence(_key(node))
    return Joined(node.operator.strip().upper() == "OR", tuple(_of(arg) for arg in node.args))


def _key(symbol: Any) -> str:
    return identifier(symbol.key, known_licences()) or str(symbol.key)


def _exception(key: str) -> str:
    return known_exceptions().get(key.lower(), key)


def is_satisfied(expression: Expression, allows: Callable[[Licence], bool]) -> bool:
    """Whether an expression leaves a way in which every licence that applies is allowed."""
    if isinstance(expression, Licence):
        return allows(expression)
    found = (is_satisfied(part, allows) for part in expression.parts)
    return any(found) if expression.choice else all(found)


def licences_in(expression: Expression) -> tuple[Licence, ...]:
    """Every licence in an expression, in order, each once."""
    if isinstance(expression, Licence):
        return (expression,)
    return tuple(dict.fromkeys(one for part in expression.parts for one in licences_in(part)))


def licence_query(text: str) -> Callable[[tuple[str, ...]], str | None]:
    """Whether the licence texts of a package are what somebody looks for, and then what they say.

    Args:
        text: An SPDX identifier, a category, or an expression of both: `AND` means that a package
            mentions the one and the other, `OR` that it mentions any of them.
    """
    wanted = _read(stated(text))

    def fits(texts: tuple[str, ...]) -> str | None:
        expression = read_licences(texts)
        mentioned = licences_in(expression) if expression is not None else ()
        if not is_satisfied(wanted, lambda one: _mentions(mentioned, one)):
            return None
        return str(expression) if expression is not None else "no licence stated"

    return fits


def _mentions(mentioned: tuple[Licence, ...], wanted: Licence) -> bool:
    if wanted.id in set(Category):
        found = {categories().get(one.id, Category.UNKNOWN) for one in mentioned}
        return wanted.id in (found or {Category.UNKNOWN})
    return any(wanted in {one, Licence(one.id)} for one in mentioned)
