"""Every rule that a policy can have, one file each."""

from __future__ import annotations

from supplychain.gate.case import Rule
from supplychain.gate.rules.age import Age
from supplychain.gate.rules.approval import ApprovedByPeople
from supplychain.gate.rules.attestation import AttestationPresent
from supplychain.gate.rules.base_image import BaseImage
from supplychain.gate.rules.drift import Drift
from supplychain.gate.rules.expression import Expression
from supplychain.gate.rules.freshness import Freshness
from supplychain.gate.rules.image_config import ImageConfiguration
from supplychain.gate.rules.images import Images
from supplychain.gate.rules.licences import Licences
from supplychain.gate.rules.packages import Packages
from supplychain.gate.rules.promoted_from import PromotedFrom
from supplychain.gate.rules.provenance import Provenance
from supplychain.gate.rules.rego import Rego
from supplychain.gate.rules.sbom import SbomPresent
from supplychain.gate.rules.secrets import Secrets
from supplychain.gate.rules.signature import Signature
from supplychain.gate.rules.vulnerabilities import Vulnerabilities

RULES: dict[str, type[Rule]] = {
    rule.name: rule
    for rule in (
        Age,
        ApprovedByPeople,
        AttestationPresent,
        BaseImage,
        Drift,
        Expression,
        Freshness,
        Licences,
        ImageConfiguration,
        Images,
        Packages,
        PromotedFrom,
        Provenance,
        Rego,
        SbomPresent,
        Secrets,
        Signature,
        Vulnerabilities,
    )
}
