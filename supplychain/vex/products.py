"""What documents call products: purls, digests, and names that nothing can be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.vex import VexProduct
from supplychain.vex.nodes import Node

# How formats call the digests that identify something; weaker ones identify nothing.
_STRONG = {
    "sha256": "sha256",
    "sha-256": "sha256",
    "sha384": "sha384",
    "sha-384": "sha384",
    "sha512": "sha512",
    "sha-512": "sha512",
}


@dataclass(slots=True)
class Identifiers:
    """What one thing is known by, while a document is read."""

    purls: set[str] = field(default_factory=set)
    digests: set[Digest] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, node: Node) -> None:
        """A purl, or anything else by which it is called.

        Raises:
            InputError: It begins like a purl and is none.
        """
        text = node.text()
        if text.startswith("pkg:"):
            self.purls.add(canonical(text, node))
        else:
            self.names.add(text)

    def add_hash(self, algorithm: str, node: Node) -> None:
        """A digest; a weak one is only a name.

        Raises:
            InputError: It is no digest of its algorithm.
        """
        text = node.text()
        strong = _STRONG.get(algorithm.lower())
        if strong is None:
            self.names.add(f"{algorithm}:{text}")
            return
        try:
            self.digests.add(Digest(strong, text.lower()))
        except InputError as error:
            raise node.wrong(str(error), error.hint) from None

    @property
    def parts(self) -> tuple[str, ...]:
        """As parts of a product are written: by purl, or by what else there is."""
        return tuple(sorted(self.purls or {*self.names, *map(str, self.digests)}))

    def product(self, packages: Iterable[str] = ()) -> VexProduct:
        """The product."""
        return VexProduct(
            tuple(sorted(self.purls)),
            tuple(sorted(self.digests)),
            tuple(sorted(self.names)),
            tuple(sorted(set(packages))),
        )

    def __bool__(self) -> bool:
        return bool(self.purls or self.digests or self.names)


def canonical(text: str, node: Node) -> str:
    """A purl in canonical form.

    Raises:
        InputError: It is none.
    """
    from packageurl import PackageURL

    try:
        return str(PackageURL.from_string(text).to_string())
    except (ValueError, TypeError) as error:
        raise node.wrong(
            f"{text[:100]!r} is no package URL ({error})"[:300],
            "write it as pkg:type/namespace/name@version",
        ) from None


def hashes(found: Identifiers, members: Mapping[str, Node]) -> None:
    """Every digest of a mapping from algorithms; raises as `Identifiers.add_hash`."""
    for algorithm, node in members.items():
        found.add_hash(algorithm, node)
