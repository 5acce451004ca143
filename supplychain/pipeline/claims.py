"""Claims that attestations carry: VEX documents, read when what was verified is recorded."""

from __future__ import annotations

from dataclasses import replace

from supplychain.errors import InputError
from supplychain.model.evidence import CYCLONEDX_PREDICATE, OPENVEX_PREDICATE
from supplychain.model.predicate_types import family
from supplychain.records.run import AttestationRecord, ClaimsRecord
from supplychain.signing.statement import Statement
from supplychain.signing.verification import read_signed
from supplychain.vex.document import read_vex

# Without this word an SBOM makes no claims.
_ANALYSIS = b'"analysis"'


def with_claims(record: AttestationRecord) -> AttestationRecord:
    """The record of a verified attestation, with what it claims.

    A document that cannot be read claims nothing: the attestation is kept, and says why.
    """
    kind = family(record.attestation.predicate_type)
    if kind not in {OPENVEX_PREDICATE, CYCLONEDX_PREDICATE} or record.document is not None:
        return record
    content, _, _ = read_signed(record.envelope, record.media_type)
    if kind == CYCLONEDX_PREDICATE and _ANALYSIS not in content.payload:
        return record
    data = Statement.parse(content.payload).predicate.strip()
    try:
        document = read_vex(data, attached_to=record.attestation.subject.digest)
    except InputError as error:
        return replace(record, unread=f"{error}" + (f" ({error.hint})" if error.hint else ""))
    return replace(record, claims=ClaimsRecord(document, data))
