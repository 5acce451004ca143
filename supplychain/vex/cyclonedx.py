"""CycloneDX 1.4 to 1.7: vulnerabilities that somebody has analysed, and what they affect.

A document about a product names that product in its metadata; a component that is affected is a
part of it. A document without such a product stands beside a BOM, and names what it is about by
BOM-Links. Vulnerabilities without an analysis are no claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from supplychain.errors import LimitError
from supplychain.model.digest import Digest
from supplychain.model.vex import VexClaim, VexDocument, VexFormat, VexProduct, VexStatus
from supplychain.vex.nodes import TEXT_LENGTH, Node, required
from supplychain.vex.products import Identifiers

_VERSIONS = ("1.4", "1.5", "1.6", "1.7")
_STATES = MappingProxyType(
    {
        "not_affected": VexStatus.NOT_AFFECTED,
        "false_positive": VexStatus.NOT_AFFECTED,
        "resolved": VexStatus.FIXED,
        "resolved_with_pedigree": VexStatus.FIXED,
        "exploitable": VexStatus.AFFECTED,
        "in_triage": VexStatus.UNDER_INVESTIGATION,
    }
)
JUSTIFICATIONS = (
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
)
# BOM-Link: urn:cdx:serialNumber/version#bom-ref.
_LINK = re.compile(r"urn:cdx:[0-9a-fA-F-]{36}/[0-9]+(?:#(?P<ref>.+))?")
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_DEPTH = 100


@dataclass(slots=True)
class _Parts:
    """What a document's references mean.

    Attributes:
        product: What the document is about; None where it does not say.
        own: The reference of that product; None where it has none.
        by_ref: Its components.
    """

    product: Identifiers | None = None
    own: str | None = None
    by_ref: dict[str, Identifiers] = field(default_factory=dict)


def parse(root: Node, digest: Digest, attached_to: Digest | None) -> VexDocument:
    """Read a document.

    Args:
        root: The document.
        digest: Its digest.
        attached_to: The image that it is attached to; None where it stands alone.

    Raises:
        InputError: It is no CycloneDX document, or a claim lacks what it needs.
    """
    found = root.members()
    required(found, "specVersion", root).word(_VERSIONS)
    metadata = found["metadata"].members() if "metadata" in found else {}
    parts = _parts(found, metadata, attached_to)
    at = metadata["timestamp"].instant() if "timestamp" in metadata else None
    claims = []
    for number, node in enumerate(_list(found, "vulnerabilities"), 1):
        members = node.members()
        if "analysis" in members:
            claims.append(_claim(node, members, number, at, parts))
    if not claims:
        raise root.wrong("nothing is claimed", "add an analysis to its vulnerabilities")
    serial = found["serialNumber"].text() if "serialNumber" in found else ""
    issued = at or max(claim.issued_at for claim in claims)
    return VexDocument(
        digest, VexFormat.CYCLONEDX, serial, _author(metadata), issued, tuple(claims)
    )


def _parts(found: dict[str, Node], metadata: dict[str, Node], attached_to: Digest | None) -> _Parts:
    parts = _Parts()
    if "component" in metadata:
        node = metadata["component"]
        parts.product, parts.own = _known_by(node), _ref(node)
        _gather(parts, _list(node.members(), "components"))
    says = parts.product is not None and (parts.product.purls or parts.product.digests)
    if attached_to is not None and not says:
        # What is attached to an image and does not say better is about that image.
        parts.product = Identifiers(digests={attached_to})
    _gather(parts, _list(found, "components"))
    return parts


def _gather(parts: _Parts, components: list[Node]) -> None:
    waiting = [(node, 1) for node in components]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEPTH:
            raise LimitError(f"{node.place}: components are nested more than {_DEPTH} deep")
        ref = _ref(node)
        if ref is not None:
            if ref in parts.by_ref or ref == parts.own:
                raise node.wrong(f"the bom-ref {ref[:80]!r} is given twice")
            parts.by_ref[ref] = _known_by(node)
        waiting += [(one, depth + 1) for one in _list(node.members(), "components")]


def _ref(node: Node) -> str | None:
    members = node.members()
    return members["bom-ref"].text() if "bom-ref" in members else None


def _known_by(node: Node) -> Identifiers:
    """A purl, or else the digest that stands as version of a container; its name says nothing."""
    members = node.members()
    called = Identifiers()
    if "purl" in members and members["purl"].value != "":
        called.add(members["purl"])
    elif "version" in members and _DIGEST.fullmatch(str(members["version"].value)):
        called.digests.add(Digest.parse(members["version"].text()))
    if not called:
        called.names.add(required(members, "name", node).text())
    return called


def _claim(
    node: Node, found: dict[str, Node], position: int, at: datetime | None, parts: _Parts
) -> VexClaim:
    analysis = found["analysis"].members()
    state = required(analysis, "state", found["analysis"]).word(_STATES)
    status = _STATES[state]
    justification = ""
    if "justification" in analysis:
        justification = analysis["justification"].word(JUSTIFICATIONS)
    told = "detail" in analysis and analysis["detail"].value != ""
    detail = analysis["detail"].text(TEXT_LENGTH) if told else ""
    if status is VexStatus.NOT_AFFECTED and not (justification or detail):
        raise found["analysis"].wrong(
            f"{state} needs a justification or a detail",
            f"add 'justification': one of {', '.join(JUSTIFICATIONS)}",
        )
    affects = required(found, "affects", node).some("name what is affected: {'ref': BOM-REF}")
    return VexClaim(
        position,
        tuple(dict.fromkeys(_names(node, found))),
        tuple(sorted({_product(one, parts) for one in affects})),
        status,
        justification,
        detail,
        _issued(node, found, analysis, at),
    )


def _names(node: Node, found: dict[str, Node]) -> Iterator[str]:
    yield required(found, "id", node).text()
    # "The equivalent of the vulnerability specified", by the schema.
    for reference in _list(found, "references"):
        yield required(reference.members(), "id", reference).text()


def _issued(
    node: Node, found: dict[str, Node], analysis: dict[str, Node], at: datetime | None
) -> datetime:
    for members, name in ((analysis, "lastUpdated"), (analysis, "firstIssued")):
        if name in members:
            return members[name].instant()
    if at is not None:
        return at
    if "updated" not in found:
        raise node.wrong("nothing says when this was claimed", "add metadata.timestamp")
    return found["updated"].instant()


def _product(node: Node, parts: _Parts) -> VexProduct:
    found = node.members()
    reference = required(found, "ref", node)
    text = reference.text()
    if "versions" in found:
        # Narrowed down to versions that are not compared: it names nothing that the gate knows.
        return VexProduct(names=(f"some versions of {text}",))
    if parts.own is not None and text == parts.own and parts.product is not None:
        return parts.product.product()
    link = _LINK.fullmatch(text)
    called = parts.by_ref.get(text)
    if called is None:
        called = Identifiers()
        named = _decoded(link["ref"] or "") if link else ""
        if named.startswith("pkg:"):
            called.add(Node(named, reference.place))
        elif link:
            called.names.add(text)
        else:
            raise reference.wrong(
                f"no component has the bom-ref {text[:80]!r}", "name one of them, or a BOM-Link"
            )
    if parts.product is None:
        return called.product()
    return parts.product.product(called.parts)


def _decoded(text: str) -> str:
    """Percent-encoding undone once: a purl in a BOM-Link is encoded, and has its own within."""
    if text.startswith("pkg:"):
        return text

    def undone(match: re.Match[str]) -> str:
        return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")

    return _ENCODED.sub(undone, text)


def _author(metadata: dict[str, Node]) -> str:
    for name in ("manufacturer", "manufacture", "supplier"):
        if name in metadata and "name" in (members := metadata[name].members()):
            return members["name"].text()
    for author in _list(metadata, "authors"):
        members = author.members()
        if "name" in members:
            return members["name"].text()
    return ""


def _list(found: dict[str, Node], name: str) -> list[Node]:
    return list(found[name].items()) if name in found else []
