"""Every table, by its name; rows are projections of bytes in the content store, not the only copy.

What a team owns (images, evidence, decisions, first sightings) carries its project, and foreign
keys carry the project along, so that no row can refer to another project's.
"""

from __future__ import annotations

from supplychain.records.access_tables import (
    api_tokens,
    memberships,
    organisations,
    projects,
    trust_rules,
)
from supplychain.records.attested import attestations
from supplychain.records.audit_tables import audit_events, audit_heads
from supplychain.records.decision_tables import decision_links, decisions, policies
from supplychain.records.evidence_tables import (
    assessed_findings,
    assessments,
    evidence,
    first_fixable,
    first_seen,
    inventoried_components,
    inventories,
    scans,
)
from supplychain.records.facts import components, findings, layers, vulnerabilities
from supplychain.records.feed_tables import feed_editions
from supplychain.records.handed_in_tables import sbom_components, sbom_contents, unsigned_claims
from supplychain.records.history_tables import approvals, deployments, work
from supplychain.records.image_tables import (
    configurations,
    image_names,
    images,
    index_children,
    tag_resolutions,
)
from supplychain.records.kept_tables import kept_answers, record_changes
from supplychain.records.repeat_tables import idempotent_answers
from supplychain.records.run_tables import run_events, runs, workers
from supplychain.records.sbom_tables import sbom_qualities, sboms
from supplychain.records.session_tables import login_attempts, sessions
from supplychain.records.tables import metadata, schema_compatibility
from supplychain.records.vex_tables import vex_documents
from supplychain.records.waiver_tables import decision_waivers, waiver_events

# The revision that this program reads and writes: the newest file in migrations/versions.
SCHEMA_VERSION = "0027"

__all__ = [
    "SCHEMA_VERSION",
    "api_tokens",
    "approvals",
    "assessed_findings",
    "assessments",
    "attestations",
    "audit_events",
    "audit_heads",
    "components",
    "configurations",
    "decision_links",
    "decision_waivers",
    "decisions",
    "deployments",
    "evidence",
    "feed_editions",
    "findings",
    "first_fixable",
    "first_seen",
    "idempotent_answers",
    "image_names",
    "images",
    "index_children",
    "inventoried_components",
    "inventories",
    "kept_answers",
    "layers",
    "login_attempts",
    "memberships",
    "metadata",
    "organisations",
    "policies",
    "projects",
    "record_changes",
    "run_events",
    "runs",
    "sbom_components",
    "sbom_contents",
    "sbom_qualities",
    "sboms",
    "scans",
    "schema_compatibility",
    "sessions",
    "tag_resolutions",
    "trust_rules",
    "unsigned_claims",
    "vex_documents",
    "vulnerabilities",
    "waiver_events",
    "work",
    "workers",
]
