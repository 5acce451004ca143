"""What a CycloneDX document lists, read for searching alone: nothing rests on it.

Any version of CycloneDX will do, and nobody holds the document against its schema: whoever looks
for a package wants to hear of it from an old tool, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from supplychain.errors import InputError
from supplychain.model.component import Component

# As scanners tell them apart; all others are libraries to whoever searches.
_KINDS = frozenset({"application", "operating-system"})
_SAID = ("type", "group", "name", "version", "purl")


def listed(document: Mapping[str, Any]) -> tuple[Component, ...] | None:
    """The components of a document, at any depth; None where it is no CycloneDX.

    Args:
        document: Any JSON object.

    Raises:
        InputError: It says that it is CycloneDX, and lists what is no component.
    """
    if document.get("bomFormat") != "CycloneDX":
        return None
    try:
        return tuple(
            _component(*[one.get(member, "") for member in _SAID]) for one in _all(document)
        )
    except TypeError:  # it cannot even be compared with what was read before
        raise InputError("the SBOM lists a component that is called by a list or object") from None


def _all(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting: list[Any] = [document.get("components", [])]
    while waiting:
        some = waiting.pop()
        if not isinstance(some, list):
            raise InputError("the SBOM lists components that are no list")
        for one in some:
            if not isinstance(one, dict):
                raise InputError("the SBOM lists a component that is no object")
            yield one
            if "components" in one:
                waiting.append(one["components"])


# The same packages come again and again.
@lru_cache(maxsize=10_000)
def _component(
    kind: object, group: object, name: object, version: object, purl: object
) -> Component:
    if not name:
        raise InputError("the SBOM lists a component without a name")
    for member, value in zip(_SAID, (kind, group, name, version, purl), strict=True):
        if not isinstance(value, str):
            raise InputError(f"the SBOM lists a component whose {member} is no text")
    return Component(
        purl=str(purl),
        name=f"{group}/{name}" if group else str(name),
        version=str(version),
        kind=str(kind) if kind in _KINDS else "library",
        ecosystem="",
    )
