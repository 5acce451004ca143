"""The evidence as one document of plain values: what expressions and Rego policies read.

Its shape is documented (docs/policy.md, "The evidence as a document"): keys are added to it, never
renamed. Ages are whole seconds, instants are RFC 3339, and what is not on record is null: to read
on in it is an error and not an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from supplychain.gate.case import Case, made_at
from supplychain.gate.evidence import usable_config, usable_sbom, usable_scan
from supplychain.gate.windows import rfc3339
from supplychain.model.decision import Violation
from supplychain.model.dossier import Dossier, PlatformDossier, RecordedFinding
from supplychain.model.evidence import VerifiedAttestation, VulnerabilityDatabase
from supplychain.model.identity import Identity
from supplychain.model.unsigned import UNKNOWN_DATABASE

Plain: TypeAlias = "int | float | str | list[Plain] | dict[str, Plain] | None"

# The keys of the document, and what each holds.
KEYS = {
    "environment": "where the image wants to run",
    "at": "the instant judged for",
    "subject": "the digest asked about: name (whoever recorded it last chose that), digest",
    "repositories": "the names under which a registry has it: to allow by a name, use these",
    "platform": "the platform that is judged: linux/amd64",
    "digest": "its manifest",
    "scan": "its latest scan: age, at, digest, tool, operating_system, "
    "database (age, at, digest), claimed_by (whose mere word it is, or null)",
    "findings": "what that scan found: id, severity, severity_source, package, purl, "
    "installed_version, fixed_version, fixable, path, status, title, published_at, first_seen_at, "
    "age (since first seen), epss (0 to 1, or null), exploited (whether KEV has it, or null)",
    "components": "what it is made of: name, version, purl, kind, ecosystem, path, licences",
    "secrets": "what looks like one: rule, category, severity, title, path, line",
    "sbom": "its latest SBOM: age, at, digest, spec_version, component_count, claimed_by",
    "config": "its configuration: user, ports, volumes, variables (name, suspicion), labels, "
    "healthcheck, entrypoint, command, created_at, age",
    "attestations": "verified statements about the digest asked about and the platform's: type, "
    "signature, subject, key, identity (name, kind, issuer, claims), at, age, logged, timestamped, "
    "builder, build_type",
    "ancestors": "what it was built upon: name, digest, known_by, layers, local (whether no "
    "registry is known to have it under that name)",
    "deployments": "where the digest runs and ran: environment, since, until, age",
    "approvals": "who approved it: environment, by, at, age, withdrawn",
}


def evidence_document(
    platform: PlatformDossier, case: Case, wanted: frozenset[str]
) -> dict[str, Plain]:
    """The document about one platform; every key is there, and null where it is not wanted.

    Args:
        platform: One of the case's platforms.
        case: The case.
        wanted: Which of the larger parts to write out.
    """
    dossier = case.dossier
    return {
        "environment": case.environment,
        "at": rfc3339(case.at),
        "subject": {"name": case.subject.name, "digest": str(case.subject.digest)},
        "repositories": list(dossier.repositories),
        "platform": str(platform.platform),
        "digest": str(platform.subject.digest),
        "scan": _scan(platform, case),
        "findings": _findings(platform, case) if "findings" in wanted else None,
        "components": _components(platform) if "components" in wanted else None,
        "secrets": _secrets(platform) if "secrets" in wanted else None,
        "sbom": _sbom(platform, case),
        "config": _config(platform, case),
        "attestations": [_attestation(one, case) for one in attestations_of(platform, case)],
        "ancestors": [
            {
                "name": one.subject.name,
                "digest": str(one.subject.digest),
                "known_by": str(one.known_by),
                "layers": one.layers,
                "local": one.local,
            }
            for one in platform.ancestors
        ],
        "deployments": _deployments(dossier, case),
        "approvals": _approvals(dossier, case),
    }


def _age(moment: datetime, case: Case) -> int:
    return int(case.age(moment).total_seconds())


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _scan(platform: PlatformDossier, case: Case) -> Plain:
    scan = usable_scan(platform, case)
    if isinstance(scan, Violation):
        return None
    evidence, database = scan.evidence, scan.database
    return {
        "age": _age(evidence.produced_at, case),
        "at": rfc3339(evidence.produced_at),
        "digest": str(evidence.digest),
        "tool": evidence.producer.name,
        "claimed_by": evidence.claimed_by or None,
        "operating_system": scan.operating_system,
        "database": _database(database, case),
    }


def _database(database: VulnerabilityDatabase, case: Case) -> Plain:
    if database == UNKNOWN_DATABASE:
        return None
    return {
        "age": _age(database.updated_at, case),
        "at": rfc3339(database.updated_at),
        "digest": str(database.digest),
    }


def _findings(platform: PlatformDossier, case: Case) -> Plain:
    if isinstance(usable_scan(platform, case), Violation):
        return None
    feeds = case.dossier.exploitation
    chances = {one.vulnerability_id: one.score for one in feeds.chances}
    exploited = None if feeds.known is None else {one.vulnerability_id for one in feeds.known}
    return [_finding(one, chances, exploited, case) for one in platform.findings]


def _finding(
    recorded: RecordedFinding, chances: dict[str, float], exploited: set[str] | None, case: Case
) -> Plain:
    finding = recorded.finding
    # Feeds know a vulnerability by its CVE alone.
    names = {finding.vulnerability_id, *finding.aliases}
    return {
        "id": finding.vulnerability_id,
        "severity": str(finding.severity),
        "severity_source": finding.severity_source,
        "package": finding.package,
        "purl": finding.purl,
        "installed_version": finding.installed_version,
        "fixed_version": finding.fixed_version,
        "fixable": finding.fixable,
        "path": finding.path,
        "status": finding.status,
        "title": finding.title,
        "published_at": _instant(finding.published_at),
        "first_seen_at": rfc3339(recorded.first_seen_at),
        "age": _age(recorded.first_seen_at, case),
        "epss": max((chances[name] for name in names if name in chances), default=None),
        "exploited": None if exploited is None else bool(names & exploited),
    }


def _components(platform: PlatformDossier) -> Plain:
    return [
        {
            "name": one.name,
            "version": one.version,
            "purl": one.purl,
            "kind": one.kind,
            "ecosystem": one.ecosystem,
            "path": one.path,
            "licences": list(one.licences),
        }
        for one in platform.components
    ]


def _secrets(platform: PlatformDossier) -> Plain:
    if platform.secrets is None:
        return None
    return [
        {
            "rule": one.rule,
            "category": one.category,
            "severity": one.severity,
            "title": one.title,
            "path": one.path,
            "line": one.line,
        }
        for one in platform.secrets
    ]


def _sbom(platform: PlatformDossier, case: Case) -> Plain:
    sbom = usable_sbom(platform, case)
    if isinstance(sbom, Violation):
        return None
    return {
        "age": _age(sbom.evidence.produced_at, case),
        "at": rfc3339(sbom.evidence.produced_at),
        "digest": str(sbom.evidence.digest),
        "spec_version": sbom.spec_version,
        "component_count": sbom.component_count,
        "claimed_by": sbom.evidence.claimed_by or None,
    }


def _config(platform: PlatformDossier, case: Case) -> Plain:
    known = usable_config(platform, case)
    if isinstance(known, Violation):
        return None
    config = known[0]
    created = config.created_at
    return {
        "user": config.user,
        "ports": list(config.ports),
        "volumes": list(config.volumes),
        "variables": [{"name": one.name, "suspicion": one.suspicion} for one in config.environment],
        "labels": dict(config.labels),
        "healthcheck": config.healthcheck,
        "entrypoint": list(config.entrypoint),
        "command": list(config.command),
        "created_at": _instant(created),
        "age": None if created is None or case.to_come(created) else _age(created, case),
    }


def attestations_of(platform: PlatformDossier, case: Case) -> Iterator[VerifiedAttestation]:
    """Those about the digest asked about, and those about the platform's; none from the future."""
    seen = set()
    for one in (*case.attestations, *platform.attestations):
        about = one.subject.digest in {case.subject.digest, platform.subject.digest}
        to_come = case.to_come(made_at(one)) or case.to_come(one.verified_at)
        if about and not to_come and (one.envelope, one.subject.digest) not in seen:
            seen.add((one.envelope, one.subject.digest))
            yield one


def _attestation(one: VerifiedAttestation, case: Case) -> Plain:
    who = one.identity
    return {
        "type": one.predicate_type,
        "signature": one.is_signature,
        "subject": str(one.subject.digest),
        "key": one.key_fingerprint if who is None else None,
        "identity": None if who is None else _identity(who),
        "at": rfc3339(made_at(one)),
        "age": _age(made_at(one), case),
        "logged": bool(one.log_entries),
        "timestamped": bool(one.times),
        "builder": one.build.builder if one.build else None,
        "build_type": one.build.kind if one.build else None,
    }


def _identity(who: Identity) -> Plain:
    return {
        "name": who.name,
        "kind": str(who.kind),
        "issuer": who.issuer,
        "claims": dict(who.claims),
    }


def _deployments(dossier: Dossier, case: Case) -> Plain:
    return [
        {
            "environment": one.environment,
            "since": rfc3339(one.since_at),
            "until": _instant(one.until_at),
            "age": _age(one.since_at, case),
        }
        for one in dossier.deployments
    ]


def _approvals(dossier: Dossier, case: Case) -> Plain:
    return [
        {
            "environment": one.environment,
            "by": one.approved_by,
            "at": rfc3339(one.approved_at),
            "age": _age(one.approved_at, case),
            "withdrawn": one.withdrawn_at is not None,
        }
        for one in dossier.approvals
        if not case.to_come(one.approved_at)
    ]
