"""What stands after the `?` of an address: what its route takes, each once, written plainly.

A filter that is misspelt, and ignored, answers for everything; of one that is given twice, one half
of what was asked for is left out. Both would be taken for the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticCustomError

from supplychain.gate.options import nearest

# Of what is refused so much is told.
_MOST, _LONGEST = 20, 100
_DIGITS = re.compile("[0-9]{1,9}")


def taken(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The parameters that a route takes in its query, and whether each is a list.

    Args:
        dependant: What the route depends on.
    """
    for field in dependant.query_params:
        yield field.alias, _is_list(field.field_info.annotation)
    for one in dependant.dependencies:
        yield from taken(one)


def require_known(request: Request) -> None:
    """Refuse a query with what its route does not take, or takes once.

    Args:
        request: A request that a `Route` answers.

    Raises:
        RequestValidationError: It names each such parameter, and the nearest one that is taken.
    """
    if not request.scope["query_string"]:
        return
    takes: Mapping[str, bool] = request.scope["route"].takes
    names = [name for name, _ in request.query_params.multi_items()]
    wrong = [
        name
        for name in dict.fromkeys(names)
        if name not in takes or (not takes[name] and names.count(name) > 1)
    ]
    if wrong:
        raise RequestValidationError([_fault(one, names, takes) for one in wrong[:_MOST]])


def digits(given: object) -> object:
    """A number as it is written: in digits alone, where Python would take `1_0`, ` 5` and `٣`, too.

    Args:
        given: What stands there.

    Raises:
        PydanticCustomError: It is no number.
    """
    if isinstance(given, str) and not _DIGITS.fullmatch(given):
        raise PydanticCustomError("digits", "it is no number, as in 20")
    return given


def _fault(name: str, names: list[str], takes: Mapping[str, bool]) -> dict[str, object]:
    shown = name[:_LONGEST]
    if name in takes:
        said = f"it is given {names.count(name)} times, and may be given once"
    else:
        said = (
            f"there is no such parameter: {nearest(shown, takes) if takes else 'this takes none'}"
        )
    return {"loc": ("query", shown), "msg": said}


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))
