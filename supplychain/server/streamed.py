"""Bodies that routes take as they come, once they know who sends them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from supplychain.errors import InputError, MediaTypeError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.server.strict_json import read_strict

T = TypeVar("T", bound=BaseModel)

_IN_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True)
class Body:
    """A body that has come.

    Attributes:
        file: What came, at its beginning; on disk where it is large.
        digest: Of the bytes.
        size: How many there are.
    """

    file: IO[bytes]
    digest: Digest
    size: int


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Body]:
    """The body of a request, for as long as it is needed.

    Args:
        request: The request.

    Raises:
        LimitError: It is too large.
        SlowError: It does not come in time.
    """
    hashed, size = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async for piece in request.stream():
            hashed.update(piece)
            size += len(piece)
            await asyncio.to_thread(file.write, piece)
        file.seek(0)
        yield Body(file, Digest("sha256", hashed.hexdigest()), size)


def read_as(model: type[T], request: Request, body: Body) -> T:
    """What a body says, held to what is described.

    Args:
        model: The description.
        request: What it came with.
        body: The body.

    Raises:
        MediaTypeError: It does not say that it is JSON.
        InputError: It is no plain JSON.
        LimitError: It is nested too deeply.
        RequestValidationError: It says something else.
    """
    if "json" not in request.headers.get("content-type", "").lower():
        raise MediaTypeError("the body is no JSON", hint="Content-Type: application/json")
    value = read_strict(body.file.read(), body.size)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(found) from error


def decoded(text: str, name: str) -> bytes:
    """What a field of a body holds in base64.

    Args:
        text: The field.
        name: What to call it in the error.

    Raises:
        InputError: It is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"{name} is no base64", hint=f"base64 -w0 {name}.json") from None
