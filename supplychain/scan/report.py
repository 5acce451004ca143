"""Trivy's JSON report (schema 2) as our nouns.

What is not of the expected shape is refused: a report that is half understood would be half clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from supplychain.errors import InputError, ToolOutputError
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.finding import Finding, Severity

_OS, _LANGUAGE = "os-pkgs", "lang-pkgs"
# Of these Trivy gathers all files under one heading, and each package says where it lies;
# of all others the heading is the file.
_GATHERED = frozenset({"python-pkg", "node-pkg", "jar", "gemspec", "conda-pkg"})
_HASHES = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}

_Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The system in the image, as Trivy recognises it.

    Attributes:
        family: `debian`, `alpine` …; "none" where there are packages and no system that owns them.
        release: `12.5` …
        end_of_life: Nobody publishes advisories for it any more.
    """

    family: str
    release: str
    end_of_life: bool

    @property
    def key(self) -> str:
        """The key of the system's own component."""
        return f"operating-system:{self.family}@{self.release}".replace(" ", "%20")


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    Attributes:
        version: Trivy's version.
        config_digest: The image's configuration ("image ID").
        diff_ids: The layers' diffIDs.
        os: The image's operating system by its configuration: `linux`.
        architecture: The image's architecture.
        system: The operating system found in it; None where there is none.
        has_system_packages: Whether any package of the operating system was found.
        ecosystems: Trivy's types of the language packages found, `python-pkg`; sorted.
        components: Everything found, sorted by key.
        findings: Everything wrong, sorted by vulnerability, purl and path.
    """

    version: str
    config_digest: Digest
    diff_ids: tuple[Digest, ...]
    os: str
    architecture: str
    system: OperatingSystem | None
    has_system_packages: bool
    ecosystems: tuple[str, ...]
    components: tuple[Component, ...]
    findings: tuple[Finding, ...]


def read_report(data: bytes) -> Report:
    """Read a report of `trivy image --format json`.

    Raises:
        ToolOutputError: It is not JSON, of another schema, or not of the expected shape.
    """
    try:
        document = orjson.loads(data)
        return _report(document)
    except orjson.JSONDecodeError as error:
        raise _unreadable("it is not JSON") from error
    except (TypeError, ValueError, AttributeError, InputError) as error:
        raise _unreadable(str(error)) from error
    except KeyError as error:
        raise _unreadable(f"{error} is missing") from error


def _unreadable(because: str) -> ToolOutputError:
    return ToolOutputError(
        "Trivy's report cannot be read",
        because=because,
        hint="use a Trivy that this version was tested with: supplychain --version",
    )


def _report(document: _Node) -> Report:
    if document["SchemaVersion"] != 2:
        raise ValueError(f"its schema is version {document['SchemaVersion']!r} and not 2")
    metadata = document["Metadata"]
    configuration = metadata["ImageConfig"]
    system = _system(metadata.get("OS"))
    parts = _Parts()
    if system:
        parts.keep(_system_component(system))
    for result in document.get("Results") or ():
        parts.add(result)
    return Report(
        version=_text(document["Trivy"], "Version"),
        config_digest=Digest.parse(metadata["ImageID"]),
        diff_ids=tuple(Digest.parse(d) for d in metadata.get("DiffIDs") or ()),
        os=_text(configuration, "os"),
        architecture=_text(configuration, "architecture"),
        system=system,
        has_system_packages=parts.has_system_packages,
        ecosystems=tuple(sorted(parts.ecosystems)),
        components=tuple(parts.components[key] for key in sorted(parts.components)),
        findings=tuple(parts.findings[key] for key in sorted(parts.findings)),
    )


def _system(node: _Node | None) -> OperatingSystem | None:
    if node is None:
        return None
    end_of_life = node.get("EOSL", False)
    return OperatingSystem(_text(node, "Family"), _text(node, "Name"), end_of_life is True)


def _system_component(system: OperatingSystem) -> Component:
    return Component(
        purl="",
        name=system.family,
        version=system.release,
        kind="operating-system",
        ecosystem=system.family,
        key=system.key,
    )


def _text(node: _Node, name: str) -> str:
    """A member that must be text, and may be absent or empty only where Trivy leaves it out."""
    value = node.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__} and not text")
    return value


def _required(node: _Node, name: str) -> str:
    """A member that must be text and not empty."""
    value = _text(node, name)
    if not value:
        raise ValueError(f"{name} is missing")
    return value


def _texts(node: _Node, name: str) -> tuple[str, ...]:
    """A member that must be a list of texts, and may be absent."""
    values = node.get(name) or ()
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise TypeError(f"{name} is not a list of texts")
    return tuple(values)


@dataclass(frozen=True, slots=True)
class _Result:
    """One result of the report: packages of one kind from one place.

    Attributes:
        kind: `os` or `library`.
        ecosystem: Trivy's type.
        heading: The file that they are from; "" where each package says it itself.
        ids: Component keys by Trivy's package ID, which dependencies use.
        uids: Component keys by Trivy's package UID, which vulnerabilities use.
    """

    kind: str
    ecosystem: str
    heading: str
    ids: Mapping[str, str]
    uids: Mapping[str, str]


@dataclass(slots=True)
class _Parts:
    """What was gathered so far, by the key that makes it unique."""

    components: dict[str, Component] = field(default_factory=dict)
    findings: dict[tuple[str, ...], Finding] = field(default_factory=dict)
    ecosystems: set[str] = field(default_factory=set)
    has_system_packages: bool = False
    layers: dict[str, Digest] = field(default_factory=dict)

    def add(self, node: _Node) -> None:
        kind = node["Class"]
        if kind not in {_OS, _LANGUAGE}:
            return  # licences and secrets, which the raw report keeps
        packages = node.get("Packages") or ()
        ecosystem = _text(node, "Type")
        gathered = kind == _OS or ecosystem in _GATHERED
        heading = "" if gathered else _text(node, "Target").lstrip("/")
        keys = [_key(package, heading, ecosystem) for package in packages]
        result = _Result(
            kind="os" if kind == _OS else "library",
            ecosystem=ecosystem,
            heading=heading,
            ids={p.get("ID") or "": key for p, key in zip(packages, keys, strict=True)},
            uids={p["Identifier"]["UID"]: key for p, key in zip(packages, keys, strict=True)},
        )
        for package, key in zip(packages, keys, strict=True):
            self.keep(self._component(package, key, result))
        for vulnerability in node.get("Vulnerabilities") or ():
            self._find(vulnerability, result)
        if packages and kind == _OS:
            self.has_system_packages = True
        elif packages:
            self.ecosystems.add(ecosystem)

    def keep(self, component: Component) -> None:
        """Of the same package told twice keep one, whatever the order in which they were told."""
        known = self.components.get(component.key)
        if known is None or repr(component) < repr(known):
            self.components[component.key] = component

    def _component(self, node: _Node, key: str, result: _Result) -> Component:
        needed = {result.ids[i] for i in _texts(node, "DependsOn") if i in result.ids}
        return Component(
            purl=_purl(node["Identifier"]),
            name=_required(node, "Name"),
            version=_version(node),
            kind="application" if node.get("Relationship") == "root" else result.kind,
            ecosystem=result.ecosystem,
            path=_text(node, "FilePath").lstrip("/") or result.heading,
            licences=_texts(node, "Licenses"),
            hashes=_hashes(_text(node, "Digest")),
            layer=self._layer(node.get("Layer")),
            supplier=_text(node, "Maintainer") or None,
            depends_on=tuple(sorted(needed - {key})),
            key=key,
            source_name=_text(node, "SrcName"),
            source_version=_version(node, "Src"),
        )

    def _find(self, node: _Node, result: _Result) -> None:
        identifier = node["PkgIdentifier"]
        published = node.get("PublishedDate")
        finding = Finding(
            vulnerability_id=_required(node, "VulnerabilityID"),
            purl=_purl(identifier),
            package=_required(node, "PkgName"),
            installed_version=_text(node, "InstalledVersion"),
            fixed_version=_text(node, "FixedVersion"),
            severity=Severity.parse(node.get("Severity") or "UNKNOWN"),
            severity_source=_text(node, "SeveritySource"),
            path=_text(node, "PkgPath").lstrip("/") or result.heading,
            status=_text(node, "Status"),
            title=_text(node, "Title"),
            url=_text(node, "PrimaryURL"),
            published_at=_instant(published) if published else None,
            layer=self._layer(node.get("Layer")),
            component=result.uids[identifier["UID"]],
        )
        name = (finding.vulnerability_id, finding.purl, finding.path, finding.component)
        known = self.findings.get(name)
        # Two advisories for one vulnerability: the worse one, then any, but always the same.
        if known is None or _rank(finding) < _rank(known):
            self.findings[name] = finding

    def _layer(self, node: _Node | None) -> Digest | None:
        text = node.get("DiffID") if node else None
        if not text:
            return None
        layer = self.layers.get(text)
        if layer is None:
            layer = self.layers[text] = Digest.parse(text)
        return layer


def _rank(finding: Finding) -> tuple[int, str]:
    return -finding.severity, repr(finding)


def _key(package: _Node, heading: str, ecosystem: str) -> str:
    """A purl holds no space, so what follows the first one is the path."""
    path = _text(package, "FilePath").lstrip("/") or heading
    name = _purl(package["Identifier"])
    if not name:
        name = f"{ecosystem}:{package['Name']}@{_version(package)}".replace(" ", "%20")
    return f"{name} {path}" if path else name


def _purl(identifier: _Node) -> str:
    return _text(identifier, "PURL")


def _version(package: _Node, of: str = "") -> str:
    """Version as the package manager writes it: `epoch:version-release`; of "Src": its source's."""
    version, release = _text(package, f"{of}Version"), _text(package, f"{of}Release")
    epoch = package.get(f"{of}Epoch") or 0
    return (f"{epoch}:" if epoch else "") + version + (f"-{release}" if release else "")


def _hashes(digest: str) -> tuple[tuple[str, str], ...]:
    algorithm, _, value = digest.partition(":")
    name = _HASHES.get(algorithm)
    return ((name, value),) if name and value else ()


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant
