"""What is known of an image's findings, as VEX of our own: others' claims, retold.

Each claim says whose it is. The documents are deterministic: their times are those of the claims,
their IDs are made from what they say. A waiver is no claim of fact, and is never told as one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from supplychain.frozen import dataclass
from supplychain.model.finding import Finding
from supplychain.model.subject import Subject
from supplychain.model.vex import VexClaim, VexStatus
from supplychain.sbom.purls import image_purl

_NAMESPACE = uuid.UUID("4f1f5a2e-6f0f-5a0b-9a53-2d3f0a7d9c11")
_OPENVEX = MappingProxyType(
    {
        "code_not_present": "vulnerable_code_not_present",
        "code_not_reachable": "vulnerable_code_not_in_execute_path",
        "protected_at_perimeter": "inline_mitigations_already_exist",
        "protected_at_runtime": "inline_mitigations_already_exist",
        "protected_by_compiler": "inline_mitigations_already_exist",
        "protected_by_mitigating_control": "inline_mitigations_already_exist",
        "component_not_present": "component_not_present",
        "inline_mitigations_already_exist": "inline_mitigations_already_exist",
        "vulnerable_code_cannot_be_controlled_by_adversary": (
            "vulnerable_code_cannot_be_controlled_by_adversary"
        ),
        "vulnerable_code_not_in_execute_path": "vulnerable_code_not_in_execute_path",
        "vulnerable_code_not_present": "vulnerable_code_not_present",
    }
)
_CYCLONEDX = MappingProxyType(
    {
        "component_not_present": "code_not_present",
        "inline_mitigations_already_exist": "protected_by_mitigating_control",
        "vulnerable_code_not_in_execute_path": "code_not_reachable",
        "vulnerable_code_not_present": "code_not_present",
        **{
            word: word
            for word in (
                "code_not_present",
                "code_not_reachable",
                "protected_at_perimeter",
                "protected_at_runtime",
                "protected_by_compiler",
                "protected_by_mitigating_control",
                "requires_configuration",
                "requires_dependency",
                "requires_environment",
            )
        },
    }
)
_STATES = MappingProxyType(
    {
        VexStatus.NOT_AFFECTED: "not_affected",
        VexStatus.FIXED: "resolved",
        VexStatus.AFFECTED: "exploitable",
        VexStatus.UNDER_INVESTIGATION: "in_triage",
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """A claim that counts, about a finding of the image.

    Attributes:
        finding: The finding.
        claim: The claim.
        origin: Whose it is, and where it stands.
    """

    finding: Finding
    claim: VexClaim
    origin: str


def openvex(subject: Subject, told: Iterable[Told], author: str) -> bytes:
    """An OpenVEX 0.2.0 document.

    Args:
        subject: The image.
        told: What is known of its findings; never nothing.
        author: Who says so.
    """
    statements = [_statement(subject, group) for group in _groups(told)]
    body: dict[str, Any] = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": author,
        "timestamp": max(one["timestamp"] for one in statements),
        "version": 1,
        "tooling": "supplychain",
        "statements": statements,
    }
    return _written({**body, "@id": _identifier(body)})


def cyclonedx(subject: Subject, told: Iterable[Told], author: str) -> bytes:
    """A CycloneDX 1.6 document that has the affected packages and what is known of each.

    Args:
        subject: The image.
        told: What is known of its findings; never nothing.
        author: Who says so.
    """
    groups = _groups(told)
    image = image_purl(subject)
    packages = {one.finding.purl: one.finding for group in groups for one in group}
    body: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": max(_at(one.claim.issued_at) for group in groups for one in group),
            "authors": [{"name": author}],
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": subject.name,
                "purl": image,
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": purl,
                "name": finding.package,
                "version": finding.installed_version,
                "purl": purl,
            }
            for purl, finding in sorted(packages.items())
            if purl
        ],
        "vulnerabilities": [_analysed(image, group) for group in groups],
    }
    return _written({**body, "serialNumber": _identifier(body)})


def _groups(told: Iterable[Told]) -> list[list[Told]]:
    """What is known, by vulnerability and claim, in order."""
    groups: dict[tuple[str, str, str], list[Told]] = {}
    for one in sorted(told, key=_order):
        key = (one.finding.vulnerability_id, one.origin, one.claim.status.value)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _order(one: Told) -> tuple[str, ...]:
    finding = one.finding
    return finding.vulnerability_id, one.origin, finding.purl, finding.package, finding.path


def _statement(subject: Subject, group: list[Told]) -> dict[str, Any]:
    claim, origin = group[0].claim, group[0].origin
    purls = sorted({one.finding.purl for one in group if one.finding.purl})
    parts = {"subcomponents": [{"@id": purl} for purl in purls]} if purls else {}
    statement: dict[str, Any] = {
        "vulnerability": _vulnerability(group[0]),
        "timestamp": _at(claim.issued_at),
        "products": [{"@id": image_purl(subject), **parts}],
        "status": claim.status.value,
        "status_notes": f"claimed {origin}",
    }
    if claim.status is VexStatus.NOT_AFFECTED:
        word = _OPENVEX.get(claim.justification)
        if word is not None:
            return {**statement, "justification": word}
        return {**statement, "impact_statement": claim.detail or claim.justification}
    if claim.status is VexStatus.AFFECTED:
        return {**statement, "action_statement": claim.detail or "see whoever claims it"}
    return statement


def _vulnerability(one: Told) -> dict[str, Any]:
    name = one.finding.vulnerability_id
    aliases = sorted(set(one.claim.vulnerability) - {name})
    return {"name": name, **({"aliases": aliases} if aliases else {})}


def _analysed(image: str, group: list[Told]) -> dict[str, Any]:
    claim, origin = group[0].claim, group[0].origin
    analysis: dict[str, Any] = {"state": _STATES[claim.status]}
    word = _CYCLONEDX.get(claim.justification)
    if word is not None:
        analysis["justification"] = word
    said = [claim.detail, claim.justification if word is None else "", f"claimed {origin}"]
    analysis["detail"] = "; ".join(filter(None, said))
    analysis["firstIssued"] = _at(claim.issued_at)
    refs = sorted({one.finding.purl or image for one in group})
    aliases = sorted(set(claim.vulnerability) - {group[0].finding.vulnerability_id})
    return {
        "id": group[0].finding.vulnerability_id,
        "analysis": analysis,
        "affects": [{"ref": ref} for ref in refs],
        **({"references": [{"id": a, "source": {"name": a}} for a in aliases]} if aliases else {}),
    }


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _identifier(body: dict[str, Any]) -> str:
    """A name for a document that is made from what it says."""
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(body, sort_keys=True))}"


def _written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
