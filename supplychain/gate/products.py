"""Whether a product that a claim names is what a finding is in: by all that it is known by."""

from __future__ import annotations

from functools import lru_cache

from supplychain.frozen import dataclass
from supplychain.gate.packages import Package, package_of
from supplychain.model.digest import Digest
from supplychain.model.dossier import PlatformDossier
from supplychain.model.finding import Finding
from supplychain.model.purl import PackageName, package_name, unquote
from supplychain.model.subject import Subject
from supplychain.model.vex import VexProduct

_IMAGES = frozenset({"oci", "docker"})
_OF_IMAGES = frozenset({"arch", "repository_url"})


@dataclass(frozen=True, slots=True)
class Image:
    """The image that is judged.

    Attributes:
        platform: One of its platforms.
        asked: What was asked about: that platform's manifest, or the index that has it.
        names: The repositories that it is taken for one of.
    """

    platform: PlatformDossier
    asked: Subject
    names: frozenset[str]

    @property
    def digests(self) -> frozenset[Digest]:
        """What it is, and what it is a part of."""
        return frozenset({self.platform.subject.digest, self.asked.digest})


def is_of(product: VexProduct, finding: Finding, image: Image) -> bool:
    """Whether a product is the image, or the package in it, that has the finding.

    Whatever the product is known by has to fit, and what cannot be compared does not.
    """
    parts = product.packages
    if is_image(product, image):
        return not parts or any(_is_package(part, finding.purl) for part in parts)
    # A part of a package is not told from the same part elsewhere.
    return (
        bool(product.purls)
        and not product.digests
        and not parts
        and all(_is_package(purl, finding.purl) for purl in product.purls)
    )


def is_image(product: VexProduct, image: Image) -> bool:
    """Whether a product is the image itself, whichever of its parts are meant."""
    compared = [digest for digest in product.digests if digest.algorithm == "sha256"]
    return (
        bool(product.digests or product.purls)
        and bool(compared) == bool(product.digests)
        and all(digest in image.digests for digest in compared)
        and all(_is_image(purl, image) for purl in product.purls)
    )


def _is_image(purl: str, image: Image) -> bool:
    """Whether a purl names this image: by digest, or without one by its whole repository."""
    name, (qualifiers, subpath) = package_name(purl), _rest(purl)
    if name is None or name.type not in _IMAGES or subpath:
        return False
    arch = qualifiers.get("arch")
    if arch is not None and arch != image.platform.platform.normal.architecture:
        return False
    if name.version:
        return name.version in {str(digest) for digest in image.digests}
    return (
        name.type == "oci" and qualifiers.keys() <= _OF_IMAGES and _is_in(name, qualifiers, image)
    )


def _is_in(name: PackageName, qualifiers: dict[str, str], image: Image) -> bool:
    scheme, _, rest = qualifiers.get("repository_url", "").partition("://")
    repository = (rest or scheme).rstrip("/")
    return repository in image.names and repository.rpartition("/")[2].lower() == name.name.lower()


@lru_cache(maxsize=8192)
def _is_package(said: str, found: str) -> bool:
    """Whether a purl names the finding's package: all that it says has to be so."""
    wanted, there = package_of(said), package_of(found)
    if wanted is None or there is None:
        return False
    if Package(wanted.type, wanted.path, "") != Package(there.type, there.path, ""):
        return False
    (asked, subpath), (given, inside) = _rest(said), _rest(found)
    # An epoch is a part of the version, and was compared with it.
    compared = {key: value for key, value in asked.items() if key != "epoch" or not wanted.version}
    return (
        wanted.version in {"", there.version}
        and subpath in {"", inside}
        and all(given.get(key) == value for key, value in compared.items())
    )


def _rest(purl: str) -> tuple[dict[str, str], str]:
    """The qualifiers of a purl, and its subpath."""
    head, _, subpath = purl.partition("#")
    pairs = (pair.partition("=") for pair in head.partition("?")[2].split("&"))
    return {key.lower(): unquote(value) for key, _, value in pairs if value}, unquote(subpath)
