"""Every rule that a policy can have, one file each, loaded once a policy names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from supplychain.gate.case import Rule

# The file of each rule, and its class there.
_PLACES = {
    "age": ("age", "Age"),
    "approval": ("approval", "ApprovedByPeople"),
    "attestation": ("attestation", "AttestationPresent"),
    "base-image": ("base_image", "BaseImage"),
    "drift": ("drift", "Drift"),
    "expression": ("expression", "Expression"),
    "freshness": ("freshness", "Freshness"),
    "licences": ("licences", "Licences"),
    "image-config": ("image_config", "ImageConfiguration"),
    "images": ("images", "Images"),
    "packages": ("packages", "Packages"),
    "promoted-from": ("promoted_from", "PromotedFrom"),
    "provenance": ("provenance", "Provenance"),
    "rego": ("rego", "Rego"),
    "sbom": ("sbom", "SbomPresent"),
    "secrets": ("secrets", "Secrets"),
    "signature": ("signature", "Signature"),
    "vulnerabilities": ("vulnerabilities", "Vulnerabilities"),
}


class _Rules(Mapping[str, type[Rule]]):
    """The rules by their names; to ask for the names alone loads none."""

    def __getitem__(self, name: str) -> type[Rule]:
        file, member = _PLACES[name]
        rule: type[Rule] = getattr(import_module(f"{__name__}.{file}"), member)
        return rule

    def __contains__(self, name: object) -> bool:
        return name in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


RULES = _Rules()
