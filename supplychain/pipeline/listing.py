"""What SBOMs of others list, read when they are handed in: so that it can be searched for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from supplychain.errors import InputError
from supplychain.model.component import Component
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.predicate_types import family
from supplychain.records.run import AttestationRecord
from supplychain.records.sbom_contents import rows_of
from supplychain.sbom.contents import listed
from supplychain.signing.encoding import read_json
from supplychain.signing.statement import Statement
from supplychain.signing.verification import read_signed


def read_listed(said: Mapping[str, Any]) -> tuple[tuple[Component, ...] | None, str]:
    """What an SBOM lists, or why it cannot be searched for; neither where it is no CycloneDX.

    Args:
        said: The document.
    """
    try:
        found = listed(said)
        rows_of(found or ())
    except InputError as error:
        return None, f"{error}: {error.because}" if error.because else str(error)
    return found, ""


def with_list(record: AttestationRecord) -> AttestationRecord:
    """The record of a verified attestation with what it lists, where it is an SBOM.

    One that lists what cannot be searched for is kept all the same, and lists nothing.
    """
    attestation = record.attestation
    is_sbom = family(attestation.predicate_type) == CYCLONEDX_PREDICATE
    if not is_sbom or record.document is not None or attestation.predicate_digest is None:
        return record
    content, _, _ = read_signed(record.envelope, record.media_type)
    data = Statement.parse(content.payload).predicate
    said = read_json(data, "the SBOM", limit=len(data)).value
    return replace(record, listed=read_listed(said)[0]) if isinstance(said, dict) else record
