"""What each type of predicate has to look like.

A type that is known is checked before it is signed and before it is believed: what calls itself
provenance and names no builder is refused, not recorded. Only what the type's own specification
requires is demanded; the rest of a predicate is its maker's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from supplychain.errors import InputError
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    OPENVEX_PREDICATE,
    PROVENANCE_02_PREDICATE,
    PROVENANCE_PREDICATE,
    SIGNATURE_PREDICATE,
    SPDX_PREDICATE,
    SUMMARY_PREDICATE,
    VULNERABILITY_PREDICATE,
    Build,
)
from supplychain.model.predicate_types import (
    CUSTOM_PREDICATE,
    LINK_PREDICATE,
    NAMES,
    family,
    type_uri,
)
from supplychain.signing import reference
from supplychain.signing.build_images import images_of
from supplychain.signing.build_sources import source_of
from supplychain.signing.dsse import PAYLOAD_LIMIT
from supplychain.signing.encoding import as_object, as_text, read_json
from supplychain.signing.reference import REFERENCE_PREDICATE

__all__ = [
    "CUSTOM_PREDICATE",
    "LINK_PREDICATE",
    "NAMES",
    "build_of",
    "check",
    "family",
    "type_uri",
]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SPDX_2 = re.compile(r"SPDX-2\.[0-9]+")
_SPDX_2_TAG = re.compile(r"^SPDXVersion:[ \t]*SPDX-2\.[0-9]+[ \t]*\r?$", re.MULTILINE)
_VEX_STATUSES = {"not_affected", "affected", "fixed", "under_investigation"}
_Fields = dict[str, object]


def check(predicate_type: str, predicate: object) -> None:
    """Whether a predicate can be what its type says.

    Raises:
        InputError: It is no object, or lacks what makes it one of its type.
    """
    kind = family(predicate_type)
    if kind == SPDX_PREDICATE and isinstance(predicate, str):
        _check_spdx_text(predicate)
        return
    found = as_object(predicate, "the predicate")
    checked = _CHECKS.get(kind)
    if checked is not None:
        checked(found)


def build_of(predicate_type: str, predicate: object) -> Build | None:
    """What a predicate that was checked says of a build; None where it is no provenance.

    It has to be looked at before provenance is taken for that of an image: `run` leaves some about
    its own steps (docs/adr/0009).
    """
    if predicate_type == PROVENANCE_02_PREDICATE:
        found = as_object(predicate, "the predicate")
        return _build(found, _text(_object(found, "builder"), "id"), _text(found, "buildType"))
    if predicate_type == PROVENANCE_PREDICATE:
        found = as_object(predicate, "the predicate")
        builder = _object(_object(found, "runDetails"), "builder")
        definition = _object(found, "buildDefinition")
        return _build(found, _text(builder, "id"), _text(definition, "buildType"))
    return None


def _build(found: _Fields, builder: str, kind: str) -> Build:
    source = source_of(found)
    images = images_of(found)
    return Build(builder, kind, source.repository, source.ref, source.commit, images)


def _check_signature(found: _Fields) -> None:
    if found:
        raise InputError("the predicate of an image signature is not empty")


def _check_cyclonedx(found: _Fields) -> None:
    if found.get("bomFormat") != "CycloneDX":
        raise InputError(
            "the predicate is not a CycloneDX document", because='its bomFormat is not "CycloneDX"'
        )


def _check_spdx(found: _Fields) -> None:
    """SPDX 2 has its version, SPDX 3 the context of JSON-LD and a graph."""
    context = str(found.get("@context"))
    if context.startswith("https://spdx.org/rdf/3.") and isinstance(found.get("@graph"), list):
        return
    if not _SPDX_2.fullmatch(str(found.get("spdxVersion"))):
        raise InputError(
            "the predicate is not an SPDX document",
            because="it has neither the spdxVersion of SPDX 2 nor the @context of SPDX 3",
        )
    _text(found, "SPDXID")


def _check_spdx_text(text: str) -> None:
    """A document that cosign took as text: JSON, or lines of `tag: value`."""
    as_text(text, "the predicate")
    if text.lstrip().startswith("{"):
        value = read_json(text.encode(), "the SPDX document", limit=PAYLOAD_LIMIT).value
        _check_spdx(as_object(value, "the SPDX document"))
    elif not _SPDX_2_TAG.search(text):
        raise InputError(
            "the predicate is not an SPDX document", because="no line of it is SPDXVersion: SPDX-2…"
        )


def _check_vulnerabilities(found: _Fields) -> None:
    scanner = _object(found, "scanner")
    as_object(scanner.get("result"), "the predicate's scanner.result")


def _check_provenance(found: _Fields) -> None:
    definition, details = _object(found, "buildDefinition"), _object(found, "runDetails")
    _text(definition, "buildType")
    _object(definition, "externalParameters")
    _text(_object(details, "builder"), "id")


def _check_provenance_02(found: _Fields) -> None:
    _text(found, "buildType")
    _text(_object(found, "builder"), "id")


def _check_openvex(found: _Fields) -> None:
    if family(str(found.get("@context"))) != OPENVEX_PREDICATE:
        raise InputError(
            "the predicate is not an OpenVEX document", because="its @context is another"
        )
    statements = _list(found, "statements")
    if not statements:
        raise InputError("the predicate has no statements")
    for one in statements:
        statement = as_object(one, "a VEX statement")
        if statement.get("status") not in _VEX_STATUSES:
            raise InputError(
                "a VEX statement has no status that OpenVEX knows",
                hint=f"one of {', '.join(sorted(_VEX_STATUSES))}",
            )
        if not statement.get("vulnerability"):
            raise InputError("a VEX statement names no vulnerability")


def _check_summary(found: _Fields) -> None:
    _text(_object(found, "verifier"), "id")
    _text(found, "resourceUri")
    _text(_object(found, "policy"), "uri")
    if not _is_instant(_text(found, "timeVerified")):
        raise InputError("the predicate's timeVerified is no instant of RFC 3339")
    if found.get("verificationResult") not in {"PASSED", "FAILED"}:
        raise InputError("the predicate's verificationResult is neither PASSED nor FAILED")
    for level in _list(found, "verifiedLevels"):
        as_text(level, "a verified level")


def _check_link(found: _Fields) -> None:
    if found.get("_type") != "link":
        raise InputError("the predicate is not an in-toto link", because='its _type is not "link"')
    as_text(found.get("name"), "the predicate's name")
    for part in ("materials", "products"):
        _object(found, part)
    _list(found, "command")


def _check_custom(found: _Fields) -> None:
    if "Data" not in found:
        raise InputError("the predicate has no 'Data'")
    _text(found, "Timestamp")


_CHECKS: Mapping[str, Callable[[_Fields], object]] = MappingProxyType(
    {
        SIGNATURE_PREDICATE: _check_signature,
        CYCLONEDX_PREDICATE: _check_cyclonedx,
        SPDX_PREDICATE: _check_spdx,
        VULNERABILITY_PREDICATE: _check_vulnerabilities,
        PROVENANCE_PREDICATE: _check_provenance,
        PROVENANCE_02_PREDICATE: _check_provenance_02,
        OPENVEX_PREDICATE: _check_openvex,
        SUMMARY_PREDICATE: _check_summary,
        LINK_PREDICATE: _check_link,
        CUSTOM_PREDICATE: _check_custom,
        REFERENCE_PREDICATE: reference.check,
    }
)


def _object(found: _Fields, name: str) -> _Fields:
    return as_object(found.get(name), f"the predicate's {name}")


def _list(found: _Fields, name: str) -> list[object]:
    value = found.get(name)
    if not isinstance(value, list):
        raise InputError(f"the predicate's {name} is not a list")
    return value


def _text(found: _Fields, name: str) -> str:
    text = as_text(found.get(name), f"the predicate's {name}")
    if not text:
        raise InputError(f"the predicate's {name} is empty")
    return text


def _is_instant(text: str) -> bool:
    if not _INSTANT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
