"""VEX documents into rows, and rows back into statements."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, and_, or_, select

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.model.vex import (
    VexAcceptance,
    VexClaim,
    VexDocument,
    VexProduct,
    VexStatement,
    VexStatus,
)
from supplychain.records.bulk import Filing
from supplychain.records.vex_tables import (
    vex_claims,
    vex_documents,
    vex_reviews,
    vex_signatures,
    vex_vulnerabilities,
)
from supplychain.records.witnesses import (
    identity_of,
    log_entries_of,
    times_of,
    witness_columns,
)

# Databases bound how many values a statement names.
_AT_ONCE = 500
_T = TypeVar("_T")
_Reviews = dict[Digest, list[Row[Any]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which statements are wanted.

    Attributes:
        project: Whose record.
        at: The instant (aware, UTC); what was recorded later is left out.
    """

    project: int
    at: datetime


def file_document(filing: Filing, document: VexDocument, signature: VerifiedAttestation) -> bool:
    """File a document and who signed it; what is on record already stays as it is.

    Returns:
        Whether anything of it was not on record yet.
    """
    about = signature.subject.digest
    is_new = filing.insert(
        vex_documents,
        digest=document.digest,
        about_digest=about,
        format=document.format,
        identifier=document.identifier,
        author=document.author,
        issued_at=document.issued_at,
    )
    column = vex_documents.c
    number = filing.connection.execute(
        select(column.id).where(
            column.project_id == filing.project,
            column.digest == document.digest,
            column.about_digest == about,
        )
    ).scalar_one()
    if is_new:
        _file_claims(filing.connection, number, document.claims)
    is_signed_anew = filing.insert(
        vex_signatures,
        document_id=number,
        digest=signature.envelope,
        subject_name=signature.subject.name,
        predicate_type=signature.predicate_type,
        payload_digest=signature.payload,
        verified_by=signature.verified_by,
        key_fingerprint=signature.key_fingerprint,
        verified_at=signature.verified_at,
        **witness_columns(signature),
    )
    return is_new or is_signed_anew


def _file_claims(connection: Connection, number: int, claims: Iterable[VexClaim]) -> None:
    rows, names = [], []
    for claim in claims:
        rows.append(
            {
                "document_id": number,
                "position": claim.position,
                "status": claim.status,
                "justification": claim.justification,
                "detail": claim.detail,
                "issued_at": claim.issued_at,
                "names": json.dumps(claim.vulnerability),
                "products": json.dumps([_product(one) for one in claim.products]),
            }
        )
        names += [
            {"document_id": number, "position": claim.position, "name": name}
            for name in sorted(claim.keys)
        ]
    connection.execute(vex_claims.insert(), rows)
    connection.execute(vex_vulnerabilities.insert(), names)


def statements_about(
    connection: Connection, asked: Asked, names: Collection[str], images: Collection[Digest]
) -> tuple[VexStatement, ...]:
    """Every statement about these vulnerabilities that may be about these images.

    Args:
        connection: The database.
        asked: Of which project, at which instant.
        names: The vulnerabilities, as `vulnerability_key` has them.
        images: The images; what is attached to another one is left out.
    """
    documents = vex_documents.c
    fits = or_(documents.about_digest == documents.digest, documents.about_digest.in_(images))
    found: dict[tuple[int, int], Row[Any]] = {}
    for some in _batches(sorted(names)):
        chosen = (
            _claims(asked)
            .join(
                vex_vulnerabilities,
                and_(
                    vex_vulnerabilities.c.document_id == vex_claims.c.document_id,
                    vex_vulnerabilities.c.position == vex_claims.c.position,
                ),
            )
            .where(vex_vulnerabilities.c.name.in_(some), fits)
        )
        for row in connection.execute(chosen):
            found[row.document_id, row.position] = row
    return tuple(_statements(connection, asked, found.values()))


def statements_of(
    connection: Connection, asked: Asked, document: Digest
) -> tuple[VexStatement, ...]:
    """Every statement of one document."""
    rows = connection.execute(_claims(asked).where(vex_documents.c.digest == document)).all()
    return tuple(_statements(connection, asked, rows))


def _claims(asked: Asked) -> Select[Any]:
    documents = vex_documents.c
    return (
        select(vex_claims, documents.digest, documents.author)
        .join(vex_documents, documents.id == vex_claims.c.document_id)
        .where(documents.project_id == asked.project, documents.recorded_at <= asked.at)
    )


def _statements(
    connection: Connection, asked: Asked, rows: Collection[Row[Any]]
) -> Iterator[VexStatement]:
    signatures = signatures_of(connection, {row.document_id for row in rows}, asked.at)
    reviews = _reviews(connection, asked, {row.digest for row in rows})
    for row in sorted(rows, key=lambda row: (row.digest, row.position, row.document_id)):
        signed = signatures.get(row.document_id, [])
        if signed:
            accepted = tuple(_accepted(reviews.get(row.digest, ()), row.position))
            yield VexStatement(row.digest, row.author, _claim(row), tuple(signed), accepted)


def signatures_of(
    connection: Connection, numbers: Collection[int], at: datetime
) -> dict[int, list[VerifiedAttestation]]:
    """Who signed documents, by the documents' numbers."""
    found: dict[int, list[VerifiedAttestation]] = defaultdict(list)
    signed, documents = vex_signatures.c, vex_documents.c
    for some in _batches(sorted(numbers)):
        chosen = (
            select(vex_signatures, documents.digest.label("document"), documents.about_digest)
            .join(vex_documents, documents.id == signed.document_id)
            .where(signed.document_id.in_(some), signed.recorded_at <= at, signed.verified_at <= at)
            .order_by(signed.id)
        )
        for row in connection.execute(chosen):
            found[row.document_id].append(_signature(row))
    return found


def _signature(row: Row[Any]) -> VerifiedAttestation:
    return VerifiedAttestation(
        subject=Subject(row.subject_name, row.about_digest),
        predicate_type=row.predicate_type,
        payload=row.payload_digest,
        envelope=row.digest,
        key_fingerprint=row.key_fingerprint,
        verified_at=row.verified_at,
        identity=identity_of(row),
        log_entries=log_entries_of(row),
        times=times_of(row),
        predicate_digest=row.document,
    )


def _reviews(connection: Connection, asked: Asked, documents: Collection[Digest]) -> _Reviews:
    found: _Reviews = defaultdict(list)
    column = vex_reviews.c
    for some in _batches(sorted(documents)):
        chosen = select(vex_reviews).where(
            column.project_id == asked.project,
            column.document_digest.in_(some),
            column.recorded_at <= asked.at,
        )
        for row in connection.execute(chosen.order_by(column.recorded_at, column.id)):
            found[row.document_digest].append(row)
    return found


def _accepted(reviews: Iterable[Row[Any]], position: int) -> Iterator[VexAcceptance]:
    """Whose word holds that a claim may count: of each person the last one."""
    last = {row.actor: row for row in reviews if row.position in {None, position}}
    for name, row in sorted(last.items()):
        if row.event == "accepted":
            yield VexAcceptance(name, row.recorded_at)


def _claim(row: Row[Any]) -> VexClaim:
    return VexClaim(
        row.position,
        tuple(json.loads(row.names)),
        tuple(
            VexProduct(tuple(purls), tuple(map(Digest.parse, digests)), tuple(called), tuple(parts))
            for purls, digests, called, parts in json.loads(row.products)
        ),
        VexStatus(row.status),
        row.justification,
        row.detail,
        row.issued_at,
    )


def _product(product: VexProduct) -> list[list[str]]:
    digests = [str(digest) for digest in product.digests]
    return [list(product.purls), digests, list(product.names), list(product.packages)]


def _batches(values: Iterable[_T]) -> Iterator[tuple[_T, ...]]:
    left = iter(values)
    while some := tuple(islice(left, _AT_ONCE)):
        yield some
