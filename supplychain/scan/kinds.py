"""What kinds of packages a vulnerability database can be proven to know, and by which canaries."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from supplychain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One operating system release, or one language ecosystem.

    Attributes:
        name: `debian 12`, `pip`.
        family: Trivy's name of the operating system; "" for an ecosystem.
        release: Its release; `*` where it has none; "" for an ecosystem.
        types: Trivy's package types that belong to an ecosystem; () for a system.
        bucket: The database's bucket, or, for an ecosystem, what its buckets begin with.
        purl: The canary: a package so old that some of `expect` must be found in it.
        expect: Vulnerabilities of which at least one must be found.
        required: Whether silence refuses the database.
    """

    name: str
    family: str
    release: str
    types: tuple[str, ...]
    bucket: str
    purl: str
    expect: tuple[str, ...]
    required: bool

    def is_in(self, buckets: Collection[str]) -> bool:
        """Whether a database with these buckets claims to know this kind."""
        if self.family:
            return self.bucket in buckets
        return any(bucket.startswith(self.bucket) for bucket in buckets)


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind that there is a canary for."""
    document = json.loads((files("supplychain.scan") / "canaries.json").read_bytes())
    systems = (kind for row in document["systems"] for kind in _systems(row))
    ecosystems = (_ecosystem(row) for row in document["ecosystems"])
    return (*systems, *ecosystems)


def system_kind(family: str, release: str) -> Kind | None:
    """The kind of an operating system: `debian`, `12.5` is of the kind `debian 12`."""
    for kind in kinds():
        exact = kind.release in {"*", release}
        if kind.family == family and (
            exact or release.startswith((f"{kind.release}.", f"{kind.release} "))
        ):
            return kind
    return None


def ecosystem_kind(package_type: str) -> Kind | None:
    """The kind of a language package type: `python-pkg` is of the kind `pip`."""
    return next((kind for kind in kinds() if package_type in kind.types), None)


def _systems(row: dict[str, Any]) -> Iterator[Kind]:
    for release in row["releases"]:
        yield Kind(
            name=row["family"] if release == "*" else f"{row['family']} {release}",
            family=row["family"],
            release=release,
            types=(),
            bucket=row["bucket"].format(release=release),
            purl=row["purl"].format(release=release),
            expect=tuple(row["expect"]),
            required=row.get("required", False),
        )


def _ecosystem(row: dict[str, Any]) -> Kind:
    return Kind(
        name=row["name"],
        family="",
        release="",
        types=tuple(row["types"]),
        bucket=f"{row['name']}::",
        purl=row["purl"],
        expect=tuple(row["expect"]),
        required=row.get("required", False),
    )
