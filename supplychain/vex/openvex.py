"""OpenVEX 0.2.0, and the older form that vexctl wrote, in which things are called by bare text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from supplychain.model.digest import Digest
from supplychain.model.vex import VexClaim, VexDocument, VexFormat, VexProduct, VexStatus
from supplychain.vex.nodes import TEXT_LENGTH, Node, required
from supplychain.vex.products import Identifiers, hashes

CONTEXT = "https://openvex.dev/ns"
_VERSIONS = {CONTEXT, f"{CONTEXT}/v0.0.1", f"{CONTEXT}/v0.0.2", f"{CONTEXT}/v0.2.0"}
JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
_DOCUMENT = (
    "@context",
    "@id",
    "author",
    "role",
    "timestamp",
    "last_updated",
    "version",
    "tooling",
    "statements",
    "supplier",
)
_STATEMENT = (
    "@id",
    "version",
    "vulnerability",
    "vuln_description",
    "timestamp",
    "last_updated",
    "products",
    "subcomponents",
    "status",
    "supplier",
    "status_notes",
    "justification",
    "impact_statement",
    "action_statement",
    "action_statement_timestamp",
)
_VULNERABILITY = ("@id", "name", "description", "aliases")
_COMPONENT = ("@id", "identifiers", "hashes", "subcomponents", "supplier")


def parse(root: Node, digest: Digest, attached_to: Digest | None) -> VexDocument:
    """Read a document.

    Args:
        root: The document.
        digest: Its digest.
        attached_to: The image that it is attached to, which is meant where a statement names no
            product; None where it stands alone.

    Raises:
        InputError: It is no OpenVEX document, or a claim lacks what it needs.
    """
    found = root.members(_DOCUMENT)
    required(found, "@context", root).word(_VERSIONS)
    issued = required(found, "timestamp", root).instant()
    latest = found["last_updated"].instant() if "last_updated" in found else issued
    statements = required(found, "statements", root).some("a document makes at least one statement")
    claims = tuple(
        _statement(node, number, latest, attached_to) for number, node in enumerate(statements, 1)
    )
    return VexDocument(
        digest,
        VexFormat.OPENVEX,
        found["@id"].text() if "@id" in found else "",
        required(found, "author", root).text(),
        issued,
        claims,
    )


def _statement(
    node: Node, position: int, document_at: datetime, attached_to: Digest | None
) -> VexClaim:
    found = node.members(_STATEMENT)
    status = VexStatus(required(found, "status", node).word(list(VexStatus)))
    justification = found["justification"].word(JUSTIFICATIONS) if "justification" in found else ""
    detail = _detail(node, found, status, justification)
    at = next((found[n] for n in ("last_updated", "timestamp") if n in found), None)
    return VexClaim(
        position,
        tuple(dict.fromkeys(_vulnerability(required(found, "vulnerability", node)))),
        _products(node, found, attached_to),
        status,
        justification,
        detail,
        document_at if at is None else at.instant(),
    )


def _detail(node: Node, found: dict[str, Node], status: VexStatus, justification: str) -> str:
    """What a claim says for people; demanded where it has to give a reason (0.2.0, "Status")."""
    said = {
        name: found[name].text(TEXT_LENGTH)
        for name in ("impact_statement", "action_statement", "status_notes")
        if name in found and found[name].value != ""
    }
    if status is VexStatus.NOT_AFFECTED and not (justification or "impact_statement" in said):
        raise node.wrong(
            "not_affected needs a justification or an impact_statement",
            f"add 'justification': one of {', '.join(JUSTIFICATIONS)}",
        )
    if status is VexStatus.AFFECTED and "action_statement" not in said:
        raise node.wrong(
            "affected needs an action_statement", "add 'action_statement': what is to be done"
        )
    if justification and status is not VexStatus.NOT_AFFECTED:
        raise node.wrong(
            f"a justification stands beside {status}",
            "only not_affected is justified; take it out, or correct the status",
        )
    return next(iter(said.values()), "")


def _vulnerability(node: Node) -> Iterator[str]:
    if isinstance(node.value, str):
        yield node.text()
        return
    found = node.members(_VULNERABILITY)
    yield required(found, "name", node).text()
    if "aliases" in found:
        yield from (alias.text() for alias in found["aliases"].items())


def _products(
    node: Node, found: dict[str, Node], attached_to: Digest | None
) -> tuple[VexProduct, ...]:
    if "products" not in found:
        if attached_to is None:
            raise node.wrong(
                "the statement names no products",
                "add 'products': [{'@id': 'pkg:oci/shop@sha256:…'}]",
            )
        return (VexProduct(digests=(attached_to,)),)
    products = found["products"].some("name what the statement is about: its purl, or its digest")
    # In the older form, the parts stand beside the products and are meant of each.
    beside = [part for one in _list(found, "subcomponents") for part in _component(one)[0].parts]
    made = []
    for one in products:
        called, packages = _component(one)
        made.append(called.product((*packages, *beside)))
    return tuple(sorted(set(made)))


def _component(node: Node) -> tuple[Identifiers, tuple[str, ...]]:
    """What a product or a part of one is known by, and its own parts."""
    called = Identifiers()
    if isinstance(node.value, str):
        called.add(node)
        return called, ()
    found = node.members(_COMPONENT)
    if "@id" in found:
        called.add(found["@id"])
    if "identifiers" in found:
        for identifier in found["identifiers"].members().values():
            called.add(identifier)
    if "hashes" in found:
        hashes(called, found["hashes"].members())
    if not called:
        raise node.wrong("nothing says what this is", "give it '@id', a purl, or hashes")
    parts = [part for one in _list(found, "subcomponents") for part in _component(one)[0].parts]
    return called, tuple(parts)


def _list(found: dict[str, Node], name: str) -> list[Node]:
    return list(found[name].items()) if name in found else []
