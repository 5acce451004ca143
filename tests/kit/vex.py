"""VEX documents as their tools write them, and statements as the record gives them back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from supplychain.model.digest import Digest
from supplychain.model.evidence import OPENVEX_PREDICATE, VerifiedAttestation
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.model.vex import (
    VexAcceptance,
    VexClaim,
    VexProduct,
    VexStatement,
    VexStatus,
)
from tests.kit.policies import RELEASE_KEY, make_attestation
from tests.kit.scans import AT, SUBJECT

CVE = "CVE-2024-0727"
IMAGE_PURL = f"pkg:oci/web@{SUBJECT.digest}?repository_url=registry.test/shop/web"


def openvex(*statements: dict[str, Any], **changes: Any) -> bytes:
    """An OpenVEX 0.2.0 document; of one claim about the image, where none is given."""
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://vendor.test/vex/1",
        "author": "Vendor PSIRT",
        "timestamp": "2026-01-10T10:00:00.123456789Z",
        "version": 1,
        "statements": list(statements or (openvex_statement(),)),
        **changes,
    }
    return json.dumps({k: v for k, v in document.items() if v is not None}).encode()


def openvex_statement(**changes: Any) -> dict[str, Any]:
    """A statement about the image; None takes a member away."""
    statement = {
        "vulnerability": {"name": CVE},
        "products": [{"@id": IMAGE_PURL}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
        **changes,
    }
    return {k: v for k, v in statement.items() if v is not None}


def cyclonedx(*vulnerabilities: dict[str, Any], **changes: Any) -> bytes:
    """A CycloneDX document about the image, in which libssl3 is; of one claim, where none given."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-10T10:00:00Z",
            "component": {
                "type": "container",
                "name": "web",
                "bom-ref": "image",
                "purl": IMAGE_PURL,
            },
        },
        "components": [
            {
                "type": "library",
                "name": "libssl3",
                "bom-ref": "ssl",
                "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2",
            }
        ],
        "vulnerabilities": list(vulnerabilities or (analysed(),)),
        **changes,
    }
    return json.dumps({k: v for k, v in document.items() if v is not None}).encode()


def analysed(**changes: Any) -> dict[str, Any]:
    """A vulnerability that does not affect the image."""
    found = {
        "id": CVE,
        "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
        "affects": [{"ref": "image"}],
        **changes,
    }
    return {k: v for k, v in found.items() if v is not None}


def csaf(*vulnerabilities: dict[str, Any], tree: Any = None, **head: Any) -> bytes:
    """A CSAF document of the VEX profile about the image."""
    document = {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {
                "category": "vendor",
                "name": "Vendor PSIRT",
                "namespace": "https://vendor.test",
            },
            "title": "About web",
            "tracking": {
                "id": "VEX-1",
                "current_release_date": "2026-01-10T10:00:00Z",
                "initial_release_date": "2026-01-10T10:00:00Z",
                "revision_history": [],
                "status": "final",
                "version": "1",
            },
            **head,
        },
        "product_tree": tree or product_tree(),
        "vulnerabilities": list(vulnerabilities or (csaf_vulnerability(),)),
    }
    return json.dumps(document).encode()


def product_tree(**changes: Any) -> dict[str, Any]:
    """The image as IMG, libssl3 as SSL, and it in the image as IMG-SSL."""
    leaf = csaf_product("IMG", IMAGE_PURL)
    return {
        "branches": [
            {
                "category": "vendor",
                "name": "Vendor",
                "branches": [{"category": "product_version", "name": "1", "product": leaf}],
            }
        ],
        "full_product_names": [csaf_product("SSL", "pkg:deb/debian/libssl3")],
        "relationships": [related("IMG-SSL", "SSL", "IMG")],
        "product_groups": [{"group_id": "ALL", "product_ids": ["IMG", "IMG-SSL"]}],
        **changes,
    }


def csaf_product(named: str, purl: str | None = None) -> dict[str, Any]:
    """A product of a tree."""
    product: dict[str, Any] = {"name": f"the product {named}", "product_id": named}
    return product | ({"product_identification_helper": {"purl": purl}} if purl else {})


def related(named: str, part: str, whole: str) -> dict[str, Any]:
    """A product that is a part of another."""
    return {
        "category": "default_component_of",
        "full_product_name": csaf_product(named),
        "product_reference": part,
        "relates_to_product_reference": whole,
    }


def csaf_vulnerability(**changes: Any) -> dict[str, Any]:
    """A vulnerability that does not affect the image."""
    found = {
        "cve": CVE,
        "product_status": {"known_not_affected": ["IMG"]},
        "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["IMG"]}],
        **changes,
    }
    return {k: v for k, v in found.items() if v is not None}


def signed_document(
    document: Digest,
    *,
    key: bytes = RELEASE_KEY,
    identity: Identity | None = None,
    about: Subject | None = None,
    verified_at: datetime = AT - timedelta(days=1),
) -> VerifiedAttestation:
    """Somebody's signature of a document; as an attestation of an image where `about` is given."""
    subject = about or Subject("vendor.vex.json", document)
    return make_attestation(
        subject,
        key=key,
        identity=identity,
        predicate_type=OPENVEX_PREDICATE,
        predicate_digest=document,
        verified_at=verified_at,
    )


def make_statement(
    product: VexProduct | None = None,
    status: VexStatus = VexStatus.NOT_AFFECTED,
    *,
    vulnerability: tuple[str, ...] = (CVE,),
    signers: tuple[bytes, ...] = (RELEASE_KEY,),
    identity: Identity | None = None,
    about: Subject | None = None,
    issued_at: datetime = AT - timedelta(days=2),
    position: int = 1,
    document: bytes | None = None,
    accepted_by: tuple[str, ...] = (),
) -> VexStatement:
    """A statement that the image as a whole is not affected, signed with the release key."""
    named = product or VexProduct(digests=(SUBJECT.digest,))
    claim = VexClaim(
        position,
        vulnerability,
        (named,),
        status,
        "component_not_present" if status is VexStatus.NOT_AFFECTED else "",
        "upgrade" if status is VexStatus.AFFECTED else "",
        issued_at,
    )
    digest = Digest.of(document or repr(claim).encode())
    return VexStatement(
        digest,
        "Vendor PSIRT",
        claim,
        tuple(signed_document(digest, key=k, identity=identity, about=about) for k in signers),
        tuple(VexAcceptance(name, AT - timedelta(hours=1)) for name in accepted_by),
    )
