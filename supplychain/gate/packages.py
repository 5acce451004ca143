"""Patterns of packages: what policies, waivers and queries name packages by.

    pattern = PackagePattern.parse("pkg:pypi/django", ">=2.0, <2.2.9")
    pattern.covers("pkg:pypi/Django@2.2.1")  # Match.INSIDE

A pattern is a package URL without qualifiers, in which `*` stands for any characters, slashes
included, and optionally a range of versions in the ecosystem's own order. `covers` answers with a
`Match` of three values: forbid what is not `OUTSIDE`, allow and demand only what is `INSIDE`.
`PACKAGE_PATTERN` is the kind of option that reads one in a policy.
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import lru_cache

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.fields import read_as
from supplychain.gate.nodes import Mapping, Node, ProblemError
from supplychain.gate.options import (
    TEXT,
    Json,
    nearest,
    option,
    options_schema,
    scalar,
)
from supplychain.gate.ranges import Match, VersionRange
from supplychain.gate.reading import Reading
from supplychain.model.purl import package_name, qualifier

__all__ = ["PACKAGE_PATTERN", "Match", "Package", "PackagePattern", "package_of"]

# Types of the purl-spec that packages in images have; a misspelt one would match nothing.
_TYPES = (
    "alpm", "apk", "bitnami", "cargo", "cocoapods", "composer", "conan", "conda", "cpan", "cran",
    "deb", "gem", "generic", "github", "golang", "hackage", "hex", "huggingface", "julia",
    "luarocks", "maven", "npm", "nuget", "oci", "pub", "pypi", "qpkg", "rpm", "swift",
)  # fmt: skip
# Types of which the purl-spec demands a namespace: without one nothing would ever be matched.
_SPACED = {
    "apk": "alpine", "composer": "VENDOR", "deb": "debian", "maven": "GROUP", "rpm": "redhat",
}  # fmt: skip
# Types whose names differ by case; all others are compared in small letters.
_CASED = frozenset({"cargo", "conda", "cpan", "cran", "gem", "generic", "hackage", "maven", "rpm"})
_SEPARATORS = re.compile("[-_.]+")
# Each multiplies the time that a long name takes to be compared.
_MOST_STARS = 4
_WRITTEN = "pkg:pypi/django, pkg:pypi/django@2.2.1, pkg:npm/@acme/*"


@dataclass(frozen=True, slots=True)
class Package:
    """What of a package URL is compared.

    Attributes:
        type: `deb`, `pypi` …
        path: Namespace and name as the ecosystem compares them.
        version: The version, with the epoch; "" where none is given.
    """

    type: str
    path: str
    version: str


@lru_cache(maxsize=16384)
def package_of(purl: str) -> Package | None:
    """What of a package URL is compared; None for what is no package URL."""
    name = package_name(purl)
    if name is None:
        return None
    version = name.version
    epoch = qualifier(purl, "epoch") if name.type in {"deb", "rpm"} else ""
    if epoch and version and ":" not in version:
        version = f"{epoch}:{version}"
    return Package(name.type, _path(name.type, name.namespace, name.name), version)


def _path(package_type: str, namespace: str, name: str) -> str:
    path = f"{namespace}/{name}" if namespace else name
    if package_type not in _CASED:
        path = path.lower()
    return _SEPARATORS.sub("-", path) if package_type == "pypi" else path


@dataclass(frozen=True, slots=True)
class PackagePattern:
    """Some packages, by name and perhaps by version.

    Attributes:
        purl: As it was written, without a version.
        versions: Which versions; None for all.
        reason: Why it is named, for people.
        type: `deb`, `pypi` …
        path: Namespace and name, with `*` for any characters.
    """

    purl: str
    versions: VersionRange | None = None
    reason: str = ""
    type: str = field(default="", compare=False)
    path: str = field(default="", compare=False)

    @classmethod
    def parse(cls, purl: str, versions: str = "", reason: str = "") -> PackagePattern:
        """Read a pattern.

        Args:
            purl: `pkg:TYPE/NAMESPACE/NAME`, perhaps with `@VERSION`.
            versions: A range: `>=2.0, <2.2.9`, or as VERS writes it; "" for none.
            reason: Why it is named, for people.

        Raises:
            InputError: It is no pattern, would match nothing, or says two things of the version.
        """
        name = package_name(purl)
        if name is None or not name.name:
            raise InputError(f"{purl[:80]!r} is not a package URL", hint=f"as in {_WRITTEN}")
        if "?" in purl or "#" in purl:
            raise InputError(f"{purl[:80]!r} has qualifiers, which are not compared", hint=_WRITTEN)
        if name.type not in _TYPES:
            hint = nearest(name.type, _TYPES)
            raise InputError(f"{name.type[:40]!r} is not a type of packages", hint=hint)
        if not name.namespace and name.type in _SPACED and name.name != "*":
            raise InputError(
                f"{purl[:80]!r} names no namespace, so no {name.type} package would match",
                hint=f"as in pkg:{name.type}/{_SPACED[name.type]}/{name.name}, or * in its place",
            )
        if name.name.count("*") + name.namespace.count("*") > _MOST_STARS:
            raise InputError(f"{purl[:80]!r} has too many *", hint=f"at most {_MOST_STARS}")
        if name.version and versions:
            raise InputError(f"{purl[:80]!r} names a version beside a range", hint="leave one out")
        versions = f"={name.version}" if name.version else versions
        bare = purl.rpartition("@")[0] if name.version else purl
        return cls(
            bare,
            VersionRange.parse(name.type, versions) if versions else None,
            reason,
            name.type,
            _path(name.type, name.namespace, name.name),
        )

    def covers(self, purl: str) -> Match:
        """Whether a package is meant; UNKNOWN where its version, or what it is, cannot be told."""
        package = package_of(purl)
        return Match.UNKNOWN if package is None else self.covers_package(package)

    def covers_package(self, package: Package) -> Match:
        """The same for what was read already."""
        if package.type != self.type or not self._named(package.path):
            return Match.OUTSIDE
        return Match.INSIDE if self.versions is None else self.versions.covers(package.version)

    def resembles(self, name: str) -> bool:
        """Whether a name without type and namespace may be one of a package that is meant."""
        path = _path(self.type, "", name.replace(":", "/"))
        return self._named(path) or self.path.rpartition("/")[2] in {path, "*"}

    def _named(self, path: str) -> bool:
        if "*" not in self.path:
            return path == self.path
        return _glob(self.path).fullmatch(path) is not None

    def __str__(self) -> str:
        """For people: the package URL, and the range where there is one."""
        return f"{self.purl} {self.versions.text}" if self.versions else self.purl


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    # Several stars in a row say no more than one, and cost more.
    parts = re.split(r"\*+", pattern)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Written:
    """A pattern as a mapping says it."""

    purl: str = field(metadata=option(TEXT, "the package URL; * stands for any characters"))
    versions: str = field(
        default="", metadata=option(TEXT, "which versions, as >=2.0, <2.2.9 or as VERS writes them")
    )
    reason: str = field(default="", metadata=option(TEXT, "why it is named, for people"))


@dataclass(frozen=True, slots=True)
class _PackagePatternKind:
    """A package URL, or a mapping with one and a range of versions."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        written: dict[str, Json] = {"type": "string", "pattern": "^pkg:[^/]+/.+"}
        options = options_schema(_Written)
        mapping: dict[str, Json] = {
            "type": "object",
            "properties": {**options, "purl": written},
            "required": ["purl"],
            "additionalProperties": False,
        }
        return {"anyOf": [written, mapping]}

    def read(self, node: Node, reading: Reading, /) -> PackagePattern:
        """See `Kind.read`."""
        if isinstance(node, Mapping):
            said = read_as(_Written, node, "a package", reading)
            if said is None:
                raise reading.problems.pop()
        else:
            said = _Written(scalar(node, "a package URL").text)
        try:
            return PackagePattern.parse(said.purl, said.versions, said.reason)
        except InputError as error:
            raise ProblemError(node.position, str(error), error.hint) from None

    def write(self, value: PackagePattern, /) -> Json:
        """See `Kind.write`."""
        versions = value.versions.text if value.versions else ""
        said = {"purl": value.purl, "versions": versions, "reason": value.reason}
        return {k: v for k, v in said.items() if v} if versions or value.reason else value.purl


PACKAGE_PATTERN = _PackagePatternKind()
