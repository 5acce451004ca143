"""The fields of Trivy's report, one by one; what is not of the expected shape is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Node = Mapping[str, Any]

_HASHES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}


def text(node: Node, name: str) -> str:
    """A member that must be text, and may be absent or empty only where Trivy leaves it out."""
    value = node.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__} and not text")
    return value


def required(node: Node, name: str) -> str:
    """A member that must be text and not empty."""
    value = text(node, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def texts(node: Node, name: str) -> tuple[str, ...]:
    """A member that must be a list of texts, and may be absent."""
    values = node.get(name) or ()
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise TypeError(f"{name} is not a list of texts")
    return tuple(values)


def component_key(package: Node, heading: str, ecosystem: str) -> str:
    """What tells a package from all others of its image: its purl and its path.

    A purl holds no space, so what follows the first one is the path.
    """
    path = text(package, "FilePath").lstrip("/") or heading
    name = package_url(package["Identifier"])
    if not name:
        name = f"{ecosystem}:{package['Name']}@{whole_version(package)}".replace(" ", "%20")
    return f"{name} {path}" if path else name


def package_url(identifier: Node) -> str:
    """A package's purl; "" where it has none."""
    return text(identifier, "PURL")


def whole_version(package: Node, of: str = "") -> str:
    """Version as the package manager writes it: `epoch:version-release`; of "Src": its source's."""
    version, release = text(package, f"{of}Version"), text(package, f"{of}Release")
    epoch = package.get(f"{of}Epoch") or 0
    return (f"{epoch}:" if epoch else "") + version + (f"-{release}" if release else "")


def hash_pairs(digest: str) -> tuple[tuple[str, str], ...]:
    """A package's digest as CycloneDX spells algorithms; () where there is none."""
    algorithm, _, value = digest.partition(":")
    name = _HASHES.get(algorithm)
    return ((name, value),) if name and value else ()


def instant(rfc3339: str) -> datetime:
    """An instant, which must say its time zone."""
    found = datetime.fromisoformat(rfc3339)
    if found.tzinfo is None:
        raise ValueError(f"{rfc3339!r} has no time zone")
    return found
