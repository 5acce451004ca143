"""What somebody wants to state, out of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.trust import read_document
from supplychain.errors import StoreError
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, OPENVEX_PREDICATE

if TYPE_CHECKING:
    from supplychain.pipeline.progress import Progress
    from supplychain.signing.documents import Document
    from supplychain.signing.publication import Claim

_PREDICATE_LIMIT = 32 * 1024 * 1024
_CHUNK = 1024 * 1024


def claim(
    predicate_type: str,
    predicate: Path,
    *,
    at: datetime,
    above: int | None = None,
    progress: Progress | None = None,
) -> Claim:
    """What somebody wants to state: a predicate's type, and the file that holds it.

    A CycloneDX document that is too large to be signed whole is read once and not kept.

    Args:
        predicate_type: A name of cosign's `--type`, or a URI.
        predicate: The file.
        at: Now (aware, UTC).
        above: How many bytes an SBOM may have to be signed whole; None where it has to be.
        progress: Hears of it where a large one is read.

    Raises:
        InputError: The type is not one, or the file cannot be of it.
        NotFoundError: The file is not there.
        StoreError: It cannot be read.
    """
    from supplychain.model.predicate_types import family
    from supplychain.signing.predicate_types import type_uri
    from supplychain.signing.predicates import prepared
    from supplychain.signing.publication import Claim

    is_sbom = type_uri(predicate_type) == CYCLONEDX_PREDICATE
    if is_sbom and above is not None and _size(predicate) > above:
        return Claim(CYCLONEDX_PREDICATE, b"", _large(predicate, progress))
    document = read_document(predicate, "predicate", limit=_PREDICATE_LIMIT)
    uri, made = prepared(predicate_type, document, at=at)
    if family(uri) == OPENVEX_PREDICATE:
        _require_readable(made)
    return Claim(uri, made)


def _require_readable(document: bytes) -> None:
    """Refuse to sign claims that nobody could read, we included.

    Raises:
        InputError: They are such; the message says where.
    """
    from supplychain.vex.document import read_vex

    # Of which image does not matter here: whoever names none means the one it is attached to.
    read_vex(document, attached_to=Digest.of(document))


def _large(path: Path, progress: Progress | None) -> Document:
    from supplychain.pipeline.progress import NoProgress, stage
    from supplychain.signing.documents import Document

    heard = progress or NoProgress()
    with stage(heard, "read", f"{path}", total_bytes=_size(path)) as done:
        document = Document.read(lambda: _chunks(path, heard.advance), str(path))
        done.text = f"{path}: CycloneDX, to be attested by its digest"
    # What is read again later is stored, and whoever stores it tells of that.
    return replace(document, chunks=lambda: _chunks(path, lambda _: None))


def _size(path: Path) -> int:
    """A file's size; 0 where there is none, which whoever reads it will say."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _chunks(path: Path, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                on_bytes(len(chunk))
                yield chunk
    except OSError as error:
        raise StoreError(
            f"the predicate {path} cannot be read", because=error.strerror, retryable=False
        ) from error
