"""CSAF 2.0, the VEX profile: products in a tree, and what is known of each (section 4.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.vex import VexClaim, VexDocument, VexFormat, VexStatus
from supplychain.vex.csaf_products import Products, read_products
from supplychain.vex.nodes import TEXT_LENGTH, Node, required
from supplychain.vex.openvex import JUSTIFICATIONS

_CATEGORY = "csaf_vex"
_STATUSES = MappingProxyType(
    {
        "first_affected": VexStatus.AFFECTED,
        "first_fixed": VexStatus.FIXED,
        "fixed": VexStatus.FIXED,
        "known_affected": VexStatus.AFFECTED,
        "known_not_affected": VexStatus.NOT_AFFECTED,
        "last_affected": VexStatus.AFFECTED,
        "under_investigation": VexStatus.UNDER_INVESTIGATION,
    }
)
# Says what to use, and nothing of what is used.
_RECOMMENDED = "recommended"


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What stands beside the products of one vulnerability, by product.

    Attributes:
        flags: Why they are not affected, by the field's own word.
        impacts: The same for people.
        remediations: What is to be done.
    """

    flags: dict[str, str]
    impacts: dict[str, str]
    remediations: dict[str, str]


def parse(root: Node, digest: Digest) -> VexDocument:
    """Read a document.

    Raises:
        InputError: It is no CSAF document of the VEX profile, its products do not hold together,
            or a claim lacks what it needs.
    """
    found = root.members()
    document = required(found, "document", root)
    head = document.members()
    required(head, "csaf_version", document).word(("2.0",))
    category = required(head, "category", document)
    if category.text() != _CATEGORY:
        raise category.wrong(
            f"{category.text()[:80]!r} is no VEX document", f"only {_CATEGORY} makes such claims"
        )
    tracking = required(head, "tracking", document)
    track = tracking.members()
    status = required(track, "status", tracking)
    if status.word(("draft", "final", "interim")) == "draft":
        raise status.wrong("a draft claims nothing yet", "take the one that was published")
    issued = required(track, "current_release_date", tracking).instant()
    publisher = required(head, "publisher", document)
    products = read_products(required(found, "product_tree", root))
    claims: list[VexClaim] = []
    for node in required(found, "vulnerabilities", root).some("a document names at least one"):
        claims += _claims(node, products, issued, len(claims))
    if not claims:
        raise root.wrong("nothing is claimed", "give a vulnerability a product_status")
    return VexDocument(
        digest,
        VexFormat.CSAF,
        required(track, "id", tracking).text(),
        required(publisher.members(), "name", publisher).text(),
        issued,
        tuple(claims),
    )


def _claims(node: Node, products: Products, at: datetime, before: int) -> list[VexClaim]:
    """A vulnerability's claims: one for all products of which the same is said."""
    found = node.members()
    names = _names(node, found)
    reasons = _reasons(found, products)
    groups: dict[tuple[VexStatus, str, str], list[str]] = defaultdict(list)
    for product, (status, where) in _by_product(node, found, products).items():
        groups[(status, *_reason(product, status, where, reasons))].append(product)
    return [
        VexClaim(
            before + number,
            names,
            tuple(sorted({products.product(one) for one in members})),
            status,
            justification,
            detail,
            at,
        )
        for number, ((status, justification, detail), members) in enumerate(groups.items(), 1)
    ]


def _names(node: Node, found: dict[str, Node]) -> tuple[str, ...]:
    names = [found["cve"].text()] if "cve" in found else []
    if "ids" in found:
        names += [required(one.members(), "text", one).text() for one in found["ids"].items()]
    if not names:
        raise node.wrong("nothing says which vulnerability this is", "add its 'cve', or 'ids'")
    return tuple(dict.fromkeys(names))


def _by_product(
    node: Node, found: dict[str, Node], products: Products
) -> dict[str, tuple[VexStatus, Node]]:
    """What is said of each product; of one product only one thing (6.1.6)."""
    member = required(found, "product_status", node)
    said: dict[str, tuple[VexStatus, Node]] = {}
    for name, listed in member.members((*_STATUSES, _RECOMMENDED)).items():
        if name == _RECOMMENDED:
            continue
        status = _STATUSES[name]
        for one in listed.some("name a product_id"):
            product = products.known(one)
            if said.get(product, (status, one))[0] is not status:
                raise one.wrong(
                    f"{product[:80]!r} is said to be {said[product][0]} and {status}",
                    "say one thing of a product",
                )
            said[product] = (status, one)
    if not said:
        raise member.wrong("it names no product", "name one under fixed, known_affected …")
    return said


def _reason(product: str, status: VexStatus, where: Node, reasons: _Reasons) -> tuple[str, str]:
    if status is VexStatus.NOT_AFFECTED:
        flag, impact = reasons.flags.get(product, ""), reasons.impacts.get(product, "")
        if not flag and not impact:
            raise where.wrong(
                f"known_not_affected of {product[:80]!r} needs a reason",
                "add a flag with a label, or a threat of the category impact, for this product",
            )
        return flag, impact
    remedy = reasons.remediations.get(product, "")
    if status is VexStatus.AFFECTED and not remedy:
        raise where.wrong(
            f"known_affected of {product[:80]!r} needs an action",
            "add a remediation for this product",
        )
    return "", remedy


def _reasons(found: dict[str, Node], products: Products) -> _Reasons:
    reasons = _Reasons({}, {}, {})
    for flag in _list(found, "flags"):
        members = flag.members()
        label = required(members, "label", flag).word(JUSTIFICATIONS)
        _say(reasons.flags, label, products.meant(members))
    for threat in _list(found, "threats"):
        members = threat.members()
        details = required(members, "details", threat).text(TEXT_LENGTH)
        if required(members, "category", threat).text() == "impact":
            _say(reasons.impacts, details, products.meant(members))
    for remedy in _list(found, "remediations"):
        members = remedy.members()
        details = required(members, "details", remedy).text(TEXT_LENGTH)
        _say(reasons.remediations, details, products.meant(members))
    return reasons


def _say(said: dict[str, str], what: str, of: Iterable[str]) -> None:
    for product in of:
        said.setdefault(product, what)


def _list(found: dict[str, Node], name: str) -> list[Node]:
    return list(found[name].items()) if name in found else []
