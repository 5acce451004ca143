"""CSAF's product tree: branches, products, groups, and products that are parts of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import field

from supplychain.errors import LimitError
from supplychain.frozen import dataclass
from supplychain.model.vex import VexProduct
from supplychain.vex.nodes import Node, required
from supplychain.vex.products import Identifiers

_DEPTH = 100
_CATEGORIES = (
    "default_component_of",
    "external_component_of",
    "installed_on",
    "installed_with",
    "optional_component_of",
)


@dataclass(frozen=True, slots=True)
class _Relation:
    """A product that is another one as part of a third."""

    part: str
    whole: str
    node: Node


@dataclasses.dataclass(slots=True)
class Products:
    """Every product that a document defines.

    Attributes:
        called: What each is known by, by its ID.
        relations: Those that are parts of others.
        groups: The products of each group.
    """

    called: dict[str, Identifiers] = field(default_factory=dict)
    relations: dict[str, _Relation] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def known(self, node: Node) -> str:
        """An ID that is defined.

        Raises:
            InputError: It is not.
        """
        named = node.text()
        if named not in self.called:
            raise node.wrong(
                f"no product has the ID {named[:80]!r}", "define it in the product_tree"
            )
        return named

    def meant(self, members: dict[str, Node]) -> Iterator[str]:
        """The products that a flag, threat or remediation names, by themselves or by group.

        Raises:
            InputError: One is not defined.
        """
        if "product_ids" in members:
            yield from (self.known(one) for one in members["product_ids"].items())
        for group in members["group_ids"].items() if "group_ids" in members else ():
            named = group.text()
            if named not in self.groups:
                raise group.wrong(f"no group has the ID {named[:80]!r}")
            yield from self.groups[named]

    def product(self, named: str) -> VexProduct:
        """A product; one that is part of another as that other and the part."""
        called, relation = self.called[named], self.relations.get(named)
        if relation is None or called.purls or called.digests:
            return called.product()
        return self.called[relation.whole].product(self.called[relation.part].parts)


def read_products(tree: Node) -> Products:
    """Read a product tree.

    Raises:
        InputError: A product is defined twice or not at all, or is a part of itself.
        LimitError: It is nested absurdly deep.
    """
    found, products = tree.members(), Products()
    _branches(products, found.get("branches"))
    for node in found["full_product_names"].items() if "full_product_names" in found else ():
        _define(products, node)
    relations = found["relationships"].items() if "relationships" in found else ()
    for node in relations:
        members = node.members()
        required(members, "category", node).word(_CATEGORIES)
        name = _define(products, required(members, "full_product_name", node))
        part = required(members, "product_reference", node).text()
        whole = required(members, "relates_to_product_reference", node).text()
        products.relations[name] = _Relation(part, whole, node)
    for name, relation in products.relations.items():
        for member in ("product_reference", "relates_to_product_reference"):
            products.known(relation.node.members()[member])
        _require_end(products, name)
    for node in found["product_groups"].items() if "product_groups" in found else ():
        members = node.members()
        listed = required(members, "product_ids", node).some("a group has products")
        named = required(members, "group_id", node).text()
        if named in products.groups:
            raise node.wrong(f"the group {named[:80]!r} is defined twice")
        products.groups[named] = tuple(products.known(one) for one in listed)
    return products


def _branches(products: Products, branches: Node | None) -> None:
    waiting = [(node, 1) for node in branches.items()] if branches else []
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEPTH:
            raise LimitError(f"{node.place}: branches are nested more than {_DEPTH} deep")
        members = node.members()
        if "product" in members:
            _define(products, members["product"])
        if "branches" in members:
            waiting += [(one, depth + 1) for one in members["branches"].items()]


def _define(products: Products, node: Node) -> str:
    members = node.members()
    named = required(members, "product_id", node).text()
    if named in products.called:
        raise node.wrong(f"the product {named[:80]!r} is defined twice", "give it another ID")
    called = Identifiers()
    called.names.add(required(members, "name", node).text())
    if "product_identification_helper" in members:
        _help(called, members["product_identification_helper"])
    products.called[named] = called
    return named


def _help(called: Identifiers, node: Node) -> None:
    found = node.members()
    if "purl" in found:
        called.add(found["purl"])
    if "cpe" in found:
        called.add(found["cpe"])
    for hashed in found["hashes"].items() if "hashes" in found else ():
        members = hashed.members()
        for one in required(members, "file_hashes", hashed).items():
            pair = one.members()
            algorithm = required(pair, "algorithm", one).text()
            called.add_hash(algorithm, required(pair, "value", one))


def _require_end(products: Products, start: str) -> None:
    """Walk from a product to what it consists of; it must not come back to itself."""
    trail = {start}
    waiting: list[tuple[str, tuple[str, ...]]] = [(start, (start,))]
    while waiting:
        name, path = waiting.pop()
        relation = products.relations.get(name)
        if relation is None:
            continue
        for other in (relation.part, relation.whole):
            if other == start:
                raise relation.node.wrong(
                    f"the product tree is cyclic: {' -> '.join((*path, other))[:300]}",
                    "let no product be a part of itself",
                )
            if other not in trail:
                trail.add(other)
                waiting.append((other, (*path, other)))
