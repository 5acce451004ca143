"""What a statement says: predicates as bytes, because a document is signed as it is stored.

A document (an SBOM, a scanner's report) is spliced into its predicate byte for byte, never parsed
and written again: so its digest can be found in what was signed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from supplychain.errors import InputError
from supplychain.model.evidence import SIGNATURE_PREDICATE, SPDX_PREDICATE, VULNERABILITY_PREDICATE
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.encoding import Path, as_object, read_json
from supplychain.signing.predicate_types import CUSTOM_PREDICATE, family, type_uri

SIGNATURE = b"{}"

PREDICATE_PATH: Path = ("predicate",)
REPORT_PATH: Path = (*PREDICATE_PATH, "scanner", "result")


def vulnerability(
    report: bytes,
    *,
    scanner_uri: str,
    scanner_version: str,
    database_uri: str,
    database_version: str,
    started_at: datetime,
    finished_at: datetime,
    invocation_uri: str = "",
) -> bytes:
    """The predicate of a scan (cosign, "Vulnerability Scan Record Attestation Specification").

    Args:
        report: The scanner's own report, a JSON object; kept byte for byte.
        scanner_uri: Which scanner.
        scanner_version: Its version.
        database_uri: Where its database comes from.
        database_version: Which one it was: a digest or a date.
        started_at: When the scan began (aware, UTC).
        finished_at: When it ended (aware, UTC).
        invocation_uri: The CI job or machine that ran it; "" where unknown.

    Raises:
        InputError: The report is not strict JSON, or not an object.
    """
    as_object(read_json(report, "the report", limit=PAYLOAD_LIMIT).value, "the report")
    head = {
        "invocation": {
            "parameters": None,
            "uri": invocation_uri,
            "event_id": "",
            "builder.id": "",
        },
        "scanner": {
            "uri": scanner_uri,
            "version": scanner_version,
            "db": {"uri": database_uri, "version": database_version},
        },
    }
    tail = {"scanStartedOn": _instant(started_at), "scanFinishedOn": _instant(finished_at)}
    # `scanner` is left open for the report: `…}}` loses its last two braces.
    return b'%b,"result":%b},"metadata":%b}' % (_compact(head)[:-2], report, _compact(tail))


def document_path(predicate_type: str) -> Path | None:
    """Where in the statement the document lies that we keep: an SBOM, a report; None where none."""
    if predicate_type == SIGNATURE_PREDICATE:
        return None
    return REPORT_PATH if predicate_type == VULNERABILITY_PREDICATE else PREDICATE_PATH


def prepared(name: str, data: bytes, *, at: datetime) -> tuple[str, bytes]:
    """The predicate type and the predicate for what somebody wants to state.

    A JSON document is the predicate as it stands; `custom` is wrapped with its time, as cosign
    does, unless that was done before.

    Args:
        name: A name of cosign's `--type`, or a URI.
        data: The document.
        at: Now (aware, UTC).

    Raises:
        InputError: There is no such type; or what is to be wrapped is no text; or it is an SPDX
            document that is not JSON: what cosign signs of those it does not verify itself.
    """
    uri = type_uri(name)
    if uri == CUSTOM_PREDICATE and not _is_wrapped(data):
        return uri, _compact({"Data": _text(data), "Timestamp": _instant(at)})
    if family(uri) == SPDX_PREDICATE and not data.lstrip().startswith(b"{"):
        raise InputError(
            "the SPDX document is not JSON",
            because="nobody verifies statements that carry it as text, cosign included",
            hint="convert it to SPDX JSON first",
        )
    return uri, data


def _is_wrapped(data: bytes) -> bool:
    try:
        value = read_json(data, "the predicate", limit=PAYLOAD_LIMIT).value
    except InputError:
        return False
    return isinstance(value, dict) and value.keys() == {"Data", "Timestamp"}


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError("the predicate is not text in UTF-8", because=str(error)) from error


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
