"""Bundles in a file: one as JSON, or several as JSON Lines, as `gh attestation download` has them.

`cosign download attestation` writes envelopes without a bundle around them; those are read too.
"""

from __future__ import annotations

from supplychain.errors import InputError, LimitError
from supplychain.model.digest import Digest
from supplychain.signing import bundle, dsse
from supplychain.signing.encoding import as_object, read_json
from supplychain.signing.found import TOTAL_LIMIT, Stored

FILE_LIMIT = TOTAL_LIMIT
_DOCUMENT_LIMIT = 1000


def read(data: bytes, what: str) -> tuple[Stored, ...]:
    """The documents in a file, each with its exact bytes; nothing in them is checked yet.

    Args:
        data: The file's content.
        what: Its name, for the error.

    Raises:
        LimitError: It holds more than anybody needs.
        InputError: It holds no bundle, or something else as well.
    """
    if len(data) > FILE_LIMIT:
        raise LimitError(f"{what} has {len(data)} bytes, at most {FILE_LIMIT} are read")
    lines = [line for line in data.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{what} is empty", hint="give a Sigstore bundle, or JSON Lines of them")
    if len(lines) > 1 and not _is_document(lines[0]):
        lines = [data]
    if len(lines) > _DOCUMENT_LIMIT:
        raise LimitError(f"{what} has {len(lines)} lines, at most {_DOCUMENT_LIMIT} are read")
    return tuple(_document(line, what, number) for number, line in enumerate(lines, 1))


def _is_document(line: bytes) -> bool:
    """Whether a line is a JSON object by itself, and not the first of one that has several."""
    try:
        return isinstance(read_json(line, "the line", limit=FILE_LIMIT).value, dict)
    except InputError:
        return False


def _document(data: bytes, what: str, number: int) -> Stored:
    where = f"document {number} in {what}"
    value = as_object(read_json(data, where, limit=FILE_LIMIT).value, where)
    if str(value.get("mediaType")).startswith(bundle.MEDIA_TYPE_FAMILY):
        kind = bundle.MEDIA_TYPE
    elif "payloadType" in value:
        kind = dsse.MEDIA_TYPE
    else:
        raise InputError(
            f"{where} is neither a Sigstore bundle nor an envelope",
            hint="`gh attestation download` and `cosign download attestation` write such files",
        )
    return Stored(Digest.of(data), kind, data, where)
