"""What is found beside an image before anything of it is checked, in any form.

It is one of the three kinds of `Found`, and what a registry may make us read is bounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from itertools import islice
from typing import TypeVar

from supplychain.errors import (
    InputError,
    LimitError,
    NotFoundError,
    SupplyChainError,
    VerificationError,
)
from supplychain.frozen import dataclass
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from supplychain.signing.bundle import BUNDLE_LIMIT
from supplychain.signing.encoding import as_object, as_text

# All that is read about one digest.
TOTAL_LIMIT = 256 * 1024 * 1024
# How many things are read at once.
_AHEAD = 6

# What says that an artifact cannot be used, as against that nobody could be reached.
UNUSABLE = (InputError, VerificationError, NotFoundError)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Stored:
    """A signed document as it was found: nothing in it is checked yet.

    Attributes:
        manifest: What holds it.
        media_type: What it is: a bundle, a DSSE envelope, or a signature's layer with its content.
        data: Its exact bytes.
        where: Which part of `manifest` it is; "" where it is the whole.
    """

    manifest: Digest
    media_type: str
    data: bytes = field(repr=False)
    where: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that proves nothing, and why.

    Attributes:
        manifest: What holds it; the image itself, where what holds it could not even be named.
        reason: One line, for people.
    """

    manifest: Digest
    reason: str

    @classmethod
    def of(cls, manifest: Digest, error: SupplyChainError, where: str = "") -> Rejection:
        """A rejection in the words of the error that caused it."""
        place = f"{where}: " if where else ""
        because = f": {error.because}" if error.because else ""
        return cls(manifest, f"{place}{error}{because}")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A referrer that is no bundle and none of our business.

    Attributes:
        manifest: The referrer.
        media_type: What it says it holds; "" where it says nothing.
    """

    manifest: Digest
    media_type: str


Found = Stored | Rejection | Foreign


def bounded(found: Iterable[Found], subject: Digest) -> Iterator[Found]:
    """What was found about a digest, as long as it is not more than anybody needs.

    Raises:
        LimitError: It has more bytes together.
    """
    total = 0
    for one in found:
        total += len(one.data) if isinstance(one, Stored) else 0
        if total > TOTAL_LIMIT:
            raise LimitError(
                f"what is signed about {subject} has more than {TOTAL_LIMIT} bytes together",
                hint="delete the attestations that are no longer needed",
            )
        yield one


def at_once(
    store: ArtifactStore,
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    size: Callable[[_Item], int] = lambda _: 0,
) -> Iterator[_Result]:
    """What comes of reading each, several at once where together they are not too large.

    Args:
        store: Where they are read.
        work: Reads one.
        items: What it is given.
        size: How many bytes one says to have.
    """
    rest = iter(items)
    while some := list(islice(rest, _AHEAD)):
        if sum(map(size, some)) <= BUNDLE_LIMIT:
            yield from store.each(work, some)
        else:
            yield from map(work, some)


@dataclass(frozen=True, slots=True)
class Unread:
    """A signed document that is named and not read yet.

    Attributes:
        manifest: What holds it.
        layer: The document itself.
        where: As `Stored` has it.
    """

    manifest: Digest
    layer: Descriptor
    where: str = ""


def read_each(
    store: ArtifactStore,
    named: Iterable[Unread | Found],
    made: Callable[[Unread, bytes], Stored],
    *,
    limit: int,
) -> Iterator[Found]:
    """What is named, read; what needs no reading stays as it is.

    Args:
        store: Where it is.
        named: What is read.
        made: Makes a document of its bytes.
        limit: The most bytes that one may have.

    Raises:
        RegistryError: The registry failed; what could not be read is not thereby refused.
    """

    def read(one: Unread | Found) -> Found:
        if not isinstance(one, Unread):
            return one
        try:
            return made(one, store.blob(one.layer, limit=limit))
        except UNUSABLE as error:
            return Rejection.of(one.manifest, error, one.where)

    def size(one: Unread | Found) -> int:
        return one.layer.size if isinstance(one, Unread) else 0

    return at_once(store, read, named, size=size)


def described(layer: dict[str, object], *, limit: int) -> Descriptor:
    """A layer's descriptor, read strictly.

    Args:
        layer: As the manifest has it.
        limit: The most bytes that the layer may have.

    Raises:
        LimitError: It says that it is larger.
        InputError: It is no descriptor.
    """
    size = layer.get("size")
    if type(size) is not int or size < 0:
        raise InputError("the layer has no size")
    if size > limit:
        raise LimitError(f"the layer has {size} bytes, at most {limit} are read")
    digest = Digest.parse(as_text(layer.get("digest"), "the layer's digest"))
    annotations = as_object(layer.get("annotations") or {}, "the layer's annotations")
    return Descriptor(
        as_text(layer.get("mediaType"), "the layer's mediaType"),
        digest,
        size,
        annotations=tuple(
            (name, as_text(text, f"the annotation {name[:80]!r}"))
            for name, text in sorted(annotations.items())
        ),
    )
