"""Statements that name a document by its digest, where that is too large to be signed whole.

They are in-toto's reference attestations (predicate type "Reference" v0.1) with exactly one
reference, to CycloneDX. The document is looked for beside the statement and nowhere else: where
it can be downloaded, as the specification demands to be said, is for people.
"""

from __future__ import annotations

import json
import re

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing.encoding import as_text, members, read_json

REFERENCE_PREDICATE = "https://in-toto.io/attestation/reference/v0.1"
CYCLONEDX_TYPE = "application/vnd.cyclonedx+json"
_PREDICATE_LIMIT = 64 * 1024
_CYCLONEDX = re.compile(re.escape(CYCLONEDX_TYPE) + r"(; ?version=1\.\d{1,2})?")


def write(document: Digest, subject: Subject, attester: str) -> bytes:
    """The predicate that refers to a document.

    Args:
        document: Its digest.
        subject: What it is about, and beside what it lies.
        attester: Who provides it: a URI.
    """
    value = {
        "attester": {"id": attester},
        "references": [
            {
                "downloadLocation": f"oci://{subject.name}@{document}",
                "digest": {"sha256": document.hex},
                "mediaType": CYCLONEDX_TYPE,
            }
        ],
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def check(predicate: object) -> Digest:
    """The digest of the one document that a predicate refers to.

    Raises:
        InputError: It refers to none, to several, to one that is not CycloneDX, or by anything
            else than one SHA-256.
    """
    found = members(predicate, "the reference", required=("attester", "references"))
    attester = members(found["attester"], "the reference's attester", required=("id",))
    as_text(attester["id"], "the attester's id")
    references = found["references"]
    if not isinstance(references, list) or len(references) != 1:
        raise InputError("the statement does not refer to exactly one document")
    one = members(
        references[0],
        "the reference",
        required=("digest", "mediaType"),
        optional=("downloadLocation", "name", "uri", "annotations"),
    )
    require_type(as_text(one["mediaType"], "the reference's mediaType"), "what is referred to")
    digests = members(one["digest"], "the reference's digest", required=("sha256",))
    return Digest("sha256", as_text(digests["sha256"], "the reference's sha256"))


def read(predicate: bytes) -> Digest:
    """As `check`, of a predicate's bytes."""
    return check(read_json(predicate, "the reference", limit=_PREDICATE_LIMIT).value)


def require_type(media_type: str, what: str) -> None:
    """Demand the media type of CycloneDX in JSON; it may say which version.

    Raises:
        InputError: It is another one.
    """
    if not _CYCLONEDX.fullmatch(media_type):
        raise InputError(f"{what} is {media_type[:80]!r}, not {CYCLONEDX_TYPE!r}")
