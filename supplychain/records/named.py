"""Which rows name which documents of the content store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, select

from supplychain.errors import SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate.inputs import from_document
from supplychain.model.digest import Digest
from supplychain.records.columns import DigestText, as_stored, digests_in
from supplychain.records.content import PROBE, ContentStore
from supplychain.records.packed import unpacked
from supplychain.records.schema import (
    approvals,
    configurations,
    decision_links,
    decisions,
    deployments,
    evidence,
    feed_editions,
    metadata,
    policies,
    unsigned_claims,
    vex_documents,
    waiver_events,
)
from supplychain.records.vex_tables import vex_signatures

# What they name was in the content store before their row committed, and has to be there.
KEPT: tuple[Column[Any], ...] = (
    evidence.c.digest,
    configurations.c.digest,
    decisions.c.digest,
    decisions.c.policy_digest,
    decision_links.c.inputs,
    policies.c.digest,
    deployments.c.digest,
    approvals.c.digest,
    waiver_events.c.digest,
    vex_documents.c.digest,
    vex_signatures.c.digest,
    feed_editions.c.digest,
    unsigned_claims.c.digest,
    unsigned_claims.c.reading,
)
# What these name lies elsewhere (images, databases of vulnerabilities, tools), is no document
# (links, essences), or is one that another column names, too.
ELSEWHERE = frozenset(
    {
        "api_tokens.digest",
        "approvals.subject_digest",
        "attestations.payload_digest",
        "attestations.predicate_digest",
        "audit_events.digest",
        "audit_events.previous",
        "audit_heads.digest",
        "decision_links.digest",
        "decision_links.essence",
        "decision_links.previous",
        "decision_waivers.decision",
        "decisions.subject_digest",
        "deployments.subject_digest",
        "evidence.producer_digest",
        "idempotent_answers.request_digest",
        "images.digest",
        "kept_answers.policy",
        "kept_answers.subject_digest",
        "login_attempts.state",
        "runs.decision",
        "runs.digest",
        # What a run found so far: passed on through the store, and nobody's evidence yet.
        "runs.draft",
        "runs.request",
        # The document of a claim, which names it, too, or of a statement, which carries it.
        "sbom_contents.digest",
        "scans.database_digest",
        "sessions.digest",
        "unsigned_claims.subject_digest",
        "vex_documents.about_digest",
        "vex_reviews.document_digest",
        "vex_signatures.payload_digest",
        "waiver_events.answers",
        "work.subject_digest",
    }
)

_JUDGED = {"inputs": decision_links.c.inputs, "digest": decisions.c.digest}


@dataclass(frozen=True, slots=True)
class Missing:
    """A document that a row names and that is not there.

    Attributes:
        table: The row's table.
        column: Which of its columns names it.
        digest: The document.
    """

    table: str
    column: str
    digest: Digest


def digest_columns() -> tuple[Column[Any], ...]:
    """Every column with a digest, whatever that is of."""
    tables = metadata.sorted_tables
    return tuple(c for table in tables for c in table.c if isinstance(c.type, DigestText))


def kept_documents(connection: Connection) -> dict[Digest, Missing]:
    """Every document that has to be in the content store, as what it would be were it missing."""
    found: dict[Digest, Missing] = {}
    for column in KEPT:
        for digest in _values(connection, column):
            found.setdefault(digest, Missing(column.table.name, column.name, digest))
    return found


def mentioned(connection: Connection, content: ContentStore) -> set[Digest]:
    """Every digest that is in use: of rows, of policies that decisions found unusable, of a probe.

    Raises:
        StoreError: The database failed.
    """
    found = {digest for column in digest_columns() for digest in _values(connection, column)}
    return found | {PROBE, *_unusable_policies(connection, content)}


def _values(connection: Connection, column: Column[Any]) -> Iterator[Digest]:
    """Those that are digests; of what is none, `damaged_rows` tells."""
    from supplychain.records.cells import any_text

    chosen = select(as_stored(column)).where(column.is_not(None)).distinct()
    options = {"yield_per": 5000}
    with any_text(connection):
        yield from digests_in(connection.scalars(chosen, execution_options=options))


def _unusable_policies(connection: Connection, content: ContentStore) -> Iterator[Digest]:
    """Decisions without a policy may have been given one: their inputs alone name it."""
    from supplychain.records.cells import any_text, cells

    chosen = (
        select(*map(as_stored, _JUDGED.values()))
        .join(decisions, decisions.c.id == decision_links.c.decision_id)
        .where(decisions.c.policy_digest.is_(None), decision_links.c.inputs.is_not(None))
    )
    with any_text(connection):
        rows = connection.execute(chosen).all()
    for row in rows:
        found, wrong = cells(_JUDGED, row._asdict())
        if not wrong and (policy := _policy_in(content, found["digest"], found["inputs"])):
            yield policy


def _policy_in(content: ContentStore, decision: Digest, inputs: Digest) -> Digest | None:
    from supplychain.gate.decision_document import from_document as read_decision

    try:
        named = read_decision(content.get(decision)).inputs
        return from_document(unpacked(content.get(inputs), named)).policy
    except SupplyChainError:
        # Damaged or missing: that is told by whoever looks at the documents themselves.
        return None
