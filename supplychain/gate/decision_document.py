"""A decision as JSON: what the record keeps, and what `--output json` shows.

Keys are sorted, instants are RFC 3339 in UTC, digests are whole. The same decision gives the same
bytes. Fields are added within a schema version, never renamed.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from supplychain.errors import InputError, LimitError
from supplychain.model.decision import (
    Decision,
    EvidenceReference,
    Outcome,
    RuleResult,
    Verdict,
    Violation,
)
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import CvssScore, Finding, Rating, Severity
from supplychain.model.subject import Platform, Subject

SCHEMA_VERSION = 1
# 10,000 findings, each a reason of its own, make some 10 MB.
DECISION_LIMIT = 256 * 1024 * 1024
MEDIA_TYPE = "application/vnd.supplychain.decision.v1+json"
T = TypeVar("T")


def to_document(decision: Decision) -> bytes:
    """The decision as canonical JSON."""
    return json.dumps(as_data(decision), sort_keys=True, separators=(",", ":")).encode() + b"\n"


def as_data(decision: Decision) -> dict[str, Any]:
    """What the document holds, before it is written."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "subject": {"name": decision.subject.name, "digest": str(decision.subject.digest)},
        "environment": decision.environment,
        "verdict": decision.verdict.value,
        "decided_at": _instant(decision.decided_at),
        "holds_until": _optional(_instant, decision.holds_until),
        "policy": _optional(str, decision.policy),
        "inputs": _optional(str, decision.inputs),
        "databases": [str(d) for d in decision.databases],
        "evidence": [_reference(e) for e in decision.evidence],
        "results": [_result(r) for r in decision.results],
        "remedies": list(decision.remedies),
    }


def from_document(data: bytes) -> Decision:
    """The decision that `to_document` wrote.

    Raises:
        LimitError: They are more than any decision has.
        InputError: The bytes are no decision document of this version.
    """
    if len(data) > DECISION_LIMIT:
        raise LimitError(f"the decision has {len(data)} bytes, at most {DECISION_LIMIT} are read")
    try:
        document = json.loads(data)
        if document["schemaVersion"] != SCHEMA_VERSION:
            raise InputError(
                f"decision documents of version {document['schemaVersion']} cannot be read",
                hint="use the supplychain that wrote it, or a newer one",
            )
        return _read_decision(document)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("not a decision document", because=repr(error)) from error


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _optional(write: Callable[[T], Any], value: T | None) -> Any:
    return None if value is None else write(value)


def _result(result: RuleResult) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "outcome": result.outcome.value,
        "summary": result.summary,
        "id": result.id,
        "bites_at": _optional(_instant, result.bites_at),
        "notes": list(result.notes),
        "violations": [_violation(v) for v in result.violations],
    }


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "message": violation.message,
        "remedy": violation.remedy,
        "finding": _optional(finding_data, violation.finding),
        "first_seen_at": _optional(_instant, violation.first_seen_at),
        "platform": _optional(str, violation.platform),
        "evidence": _optional(_reference, violation.evidence),
        "purl": violation.purl,
        "awaits": _optional(str, violation.awaits),
        "waiver": violation.waiver,
        "notes": list(violation.notes),
        "beside": list(violation.beside),
    }


def _reference(evidence: EvidenceReference) -> dict[str, Any]:
    return {
        "kind": evidence.kind.value,
        "digest": str(evidence.digest),
        "produced_at": _instant(evidence.produced_at),
        "age_seconds": evidence.age_seconds,
    }


def finding_data(finding: Finding) -> dict[str, Any]:
    """A finding as decisions have it."""
    return {
        "vulnerability_id": finding.vulnerability_id,
        "purl": finding.purl,
        "package": finding.package,
        "installed_version": finding.installed_version,
        "fixed_version": finding.fixed_version,
        "severity": str(finding.severity),
        "severity_source": finding.severity_source,
        "path": finding.path,
        "status": finding.status,
        "title": finding.title,
        "url": finding.url,
        "published_at": _optional(_instant, finding.published_at),
        "layer": _optional(str, finding.layer),
        "component": finding.component,
        "ratings": [{"source": r.source, "severity": str(r.severity)} for r in finding.ratings],
        "scores": [dataclasses.asdict(s) for s in finding.scores],
        "aliases": list(finding.aliases),
        "weaknesses": list(finding.weaknesses),
    }


def _read_decision(document: dict[str, Any]) -> Decision:
    return Decision(
        subject=Subject(document["subject"]["name"], Digest.parse(document["subject"]["digest"])),
        environment=document["environment"],
        verdict=Verdict(document["verdict"]),
        results=tuple(_read_result(r) for r in document["results"]),
        evidence=tuple(_read_reference(e) for e in document["evidence"]),
        policy=_optional(Digest.parse, document["policy"]),
        databases=tuple(Digest.parse(d) for d in document["databases"]),
        decided_at=datetime.fromisoformat(document["decided_at"]),
        holds_until=_optional(datetime.fromisoformat, document["holds_until"]),
        inputs=_optional(Digest.parse, document.get("inputs")),
    )


def _read_result(result: dict[str, Any]) -> RuleResult:
    return RuleResult(
        rule=result["rule"],
        outcome=Outcome(result["outcome"]),
        summary=result["summary"],
        violations=tuple(_read_violation(v) for v in result["violations"]),
        # From here on: what documents of older versions lack.
        id=result.get("id", ""),
        bites_at=_optional(datetime.fromisoformat, result.get("bites_at")),
        notes=tuple(result.get("notes", ())),
    )


def _read_violation(violation: dict[str, Any]) -> Violation:
    return Violation(
        message=violation["message"],
        remedy=violation["remedy"],
        finding=_optional(_read_finding, violation["finding"]),
        first_seen_at=_optional(datetime.fromisoformat, violation["first_seen_at"]),
        platform=_optional(Platform.parse, violation["platform"]),
        evidence=_optional(_read_reference, violation["evidence"]),
        # From here on: what documents of older versions lack.
        purl=violation.get("purl", ""),
        awaits=_optional(EvidenceKind, violation.get("awaits")),
        waiver=violation.get("waiver", ""),
        notes=tuple(violation.get("notes", ())),
        beside=tuple(violation.get("beside", ())),
    )


def _read_reference(evidence: dict[str, Any]) -> EvidenceReference:
    return EvidenceReference(
        kind=EvidenceKind(evidence["kind"]),
        digest=Digest.parse(evidence["digest"]),
        produced_at=datetime.fromisoformat(evidence["produced_at"]),
        age_seconds=evidence["age_seconds"],
    )


def _read_finding(finding: dict[str, Any]) -> Finding:
    # Documents of older versions lack what was added since.
    known = {name: finding[name] for name in Finding.__dataclass_fields__ if name in finding}
    return Finding(
        **{
            **known,
            "severity": Severity.parse(finding["severity"]),
            "published_at": _optional(datetime.fromisoformat, finding["published_at"]),
            "layer": _optional(Digest.parse, finding["layer"]),
            "ratings": tuple(
                Rating(r["source"], Severity.parse(r["severity"]))
                for r in finding.get("ratings", ())
            ),
            "scores": tuple(CvssScore(**s) for s in finding.get("scores", ())),
            "aliases": tuple(finding.get("aliases", ())),
            "weaknesses": tuple(finding.get("weaknesses", ())),
        }
    )
