"""What a statement says: predicates as bytes, because a document is signed as it is stored.

A document (an SBOM, a scanner's report) is spliced into its predicate byte for byte, never parsed
and written again: so its digest can be found in what was signed.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from supplychain.errors import InputError
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    VULNERABILITY_PREDICATE,
)
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.encoding import Path, as_object, read_json

# Names that cosign's `--type` knows for what we know.
NAMES = {"cyclonedx": CYCLONEDX_PREDICATE, "vuln": VULNERABILITY_PREDICATE}
SIGNATURE = b"{}"

PREDICATE_PATH: Path = ("predicate",)
REPORT_PATH: Path = (*PREDICATE_PATH, "scanner", "result")
_URI = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]+\S*")


def type_uri(name: str) -> str:
    """The predicate type's URI for a name that cosign knows, or for a URI itself.

    Raises:
        InputError: Neither a known name nor a URI; or the type of an image signature.
    """
    uri = NAMES.get(name, name)
    if uri == SIGNATURE_PREDICATE:
        raise InputError(
            "an image signature is not attested", hint="make one with: supplychain sign"
        )
    if not _URI.fullmatch(uri):
        raise InputError(
            f"{name[:80]!r} is not a predicate type",
            hint=f"one of {', '.join(sorted(NAMES))}, or a URI",
        )
    return uri


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


def check(predicate_type: str, predicate: object) -> None:
    """Whether a predicate can be what its type says.

    Raises:
        InputError: It is no object, or lacks what makes it one of its type.
    """
    found = as_object(predicate, "the predicate")
    if predicate_type == SIGNATURE_PREDICATE and found:
        raise InputError("the predicate of an image signature is not empty")
    if predicate_type == CYCLONEDX_PREDICATE and found.get("bomFormat") != "CycloneDX":
        raise InputError(
            "the predicate is not a CycloneDX document", because='its bomFormat is not "CycloneDX"'
        )
    if predicate_type == VULNERABILITY_PREDICATE:
        scanner = as_object(found.get("scanner"), "the predicate's scanner")
        as_object(scanner.get("result"), "the predicate's scanner.result")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
