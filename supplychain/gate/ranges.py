"""Ranges of versions, in the order that the packages' own ecosystem has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.orders import has_order, order_key
from supplychain.model.purl import unquote

_HINT = 'write it as ">=2.0, <2.2.9", with || between alternatives, or as vers:TYPE/>=2.0|<2.2.9'
_COMPARATOR = re.compile(r"(==?|!=|>=|<=|>|<)?\s*([^\s<>=!|,~^*()\[\]][^\s<>=!|,*()\[\]]*)")
_VERS = re.compile(r"vers:([a-z0-9.+-]+)/(.+)")
# Types whose ranges may be called by what they are ordered by.
_SCHEMES = {"semver": {"npm", "golang", "cargo", "hex", "swift"}, "alpine": {"apk"}}


class Match(StrEnum):
    """Whether a package is one of those that are meant.

    UNKNOWN is neither: a version that is missing or that cannot be compared. Whoever forbids takes
    it for inside, whoever allows or demands for outside.
    """

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison.

    Attributes:
        operator: `=`, `!=`, `<`, `<=`, `>` or `>=`.
        version: With what.
    """

    operator: str
    version: str

    def holds(self, package_type: str, version: str) -> bool | None:
        """Whether it holds of a version; None where nobody can tell."""
        if self.operator in {"=", "!="} and (
            version == self.version or (version and not has_order(package_type))
        ):
            return (version == self.version) is (self.operator == "=")
        here = order_key(package_type, _comparable(package_type, version, self.version))
        there = order_key(package_type, self.version)
        return None if here is None or there is None else _holds(self.operator, here, there)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Some of the versions of the packages of one type.

    Attributes:
        package_type: `deb`, `pypi` …, which says how versions compare.
        alternatives: One of these has to hold, with all of its comparisons.
        text: How it was written.
    """

    package_type: str
    alternatives: tuple[tuple[Bound, ...], ...]
    text: str

    @classmethod
    def parse(cls, package_type: str, text: str) -> VersionRange:
        """Read comparisons with commas between them, or a range as VERS writes it.

        Raises:
            InputError: It is neither, it can hold of nothing, or versions of that type cannot be
                compared.
        """
        text = " ".join(text.split())
        read = _vers if text.startswith("vers:") else _comparisons
        alternatives = read(package_type, text)
        for alternative in alternatives:
            _require_possible(package_type, alternative, text)
        return cls(package_type, alternatives, text)

    def covers(self, version: str) -> Match:
        """Whether a version is in the range."""
        said = {self._covered(alternative, version) for alternative in self.alternatives}
        if True in said:
            return Match.INSIDE
        return Match.UNKNOWN if None in said else Match.OUTSIDE

    def _covered(self, alternative: tuple[Bound, ...], version: str) -> bool | None:
        said = {bound.holds(self.package_type, version) for bound in alternative}
        if False in said:
            return False
        return None if None in said else True


def _holds(operator: str, here: Any, there: Any) -> bool:
    if here == there:
        return operator in {"=", "<=", ">="}
    return operator == "!=" or ((here < there) is operator.startswith("<") and operator != "=")


def _comparable(package_type: str, version: str, bound: str) -> str:
    """What of a version is compared with a bound that says less.

    PEP 440, "Local version identifiers", and rpm's dependencies alike: what the bound leaves out
    is of no account.
    """
    if package_type == "pypi" and "+" not in bound:
        return version.partition("+")[0]
    if package_type == "rpm" and "-" not in bound:
        return version.partition("-")[0]
    return version


def _comparisons(package_type: str, text: str) -> tuple[tuple[Bound, ...], ...]:
    return tuple(
        tuple(_bound(package_type, part.strip(), text) for part in alternative.split(","))
        for alternative in text.split("||")
    )


def _bound(package_type: str, part: str, whole: str) -> Bound:
    match = _COMPARATOR.fullmatch(part)
    if match is None:
        raise InputError(f"{whole[:80]!r} is not a range of versions", hint=_HINT)
    bound = Bound("=" if match[1] in {None, "=="} else match[1], match[2])
    _require_comparable(package_type, bound)
    return bound


def _vers(package_type: str, text: str) -> tuple[tuple[Bound, ...], ...]:
    """The alternatives of a VERS range (purl-spec, VERSION-RANGE-SPEC)."""
    match = _VERS.fullmatch(text)
    if match is None:
        raise InputError(f"{text[:80]!r} is not a VERS range", hint=_HINT)
    scheme, constraints = match.groups()
    if scheme != package_type and package_type not in _SCHEMES.get(scheme, ()):
        raise InputError(
            f"the range is of {scheme} versions and the package of type {package_type}",
            hint=f"write vers:{package_type}/{constraints}",
        )
    if constraints == "*":
        return ((),)
    # VERS encodes versions, so that a separator within one is none.
    parts = (unquote(part) for part in constraints.replace(" ", "").split("|"))
    bounds = [_bound(package_type, part, text) for part in parts]
    return _intervals(package_type, bounds, text)


def _intervals(package_type: str, bounds: list[Bound], text: str) -> tuple[tuple[Bound, ...], ...]:
    exact = [(bound,) for bound in bounds if bound.operator == "="]
    excluded = tuple(bound for bound in bounds if bound.operator == "!=")
    limits = [bound for bound in bounds if bound.operator not in {"=", "!="}]
    limits.sort(key=lambda b: (order_key(package_type, b.version), b.operator.startswith(">")))
    intervals: list[tuple[Bound, ...]] = []
    for limit in limits:
        opened = bool(intervals) and len(intervals[-1]) == 1 and _opens(intervals[-1][0])
        if _opens(limit):
            if opened:
                raise _redundant(text)
            intervals.append((limit,))
        elif opened:
            intervals[-1] = (*intervals[-1], limit)
        elif intervals:
            raise _redundant(text)
        else:
            intervals.append((limit,))
    if not intervals and excluded and not exact:
        return (excluded,)
    return (*exact, *((*interval, *excluded) for interval in intervals))


def _opens(bound: Bound) -> bool:
    return bound.operator.startswith(">")


def _redundant(text: str) -> InputError:
    return InputError(
        f"{text[:80]!r} has two limits in a row where the first and the last of a range alternate",
        hint="leave the one out that says less",
    )


def _require_comparable(package_type: str, bound: Bound) -> None:
    if has_order(package_type):
        if order_key(package_type, bound.version) is None:
            raise InputError(f"{bound.version[:80]!r} is not a version of {package_type} packages")
    elif bound.operator not in {"=", "!="}:
        raise InputError(
            f"versions of {package_type} packages cannot be compared", hint="name them one by one"
        )


def _require_possible(package_type: str, alternative: Iterable[Bound], text: str) -> None:
    """Refuse limits between which there is nothing.

    Raises:
        InputError: There is nothing between them.
    """
    bounds = tuple(alternative)
    for low in bounds:
        for high in bounds:
            if low.operator in {">", ">=", "="} and high.operator in {"<", "<=", "="}:
                a, b = (order_key(package_type, one.version) for one in (low, high))
                strict = {low.operator, high.operator} & {"<", ">"}
                if a is not None and b is not None and (b < a or (a == b and strict)):
                    raise InputError(
                        f"{text[:80]!r} can hold of no version",
                        hint="|| stands between alternatives",
                    )
