"""Trivy's JSON report (schema 2) as our nouns.

What is not of the expected shape is refused: a report that is half understood would be half clean.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field

import orjson

from supplychain.errors import InputError, LimitError, ToolOutputError
from supplychain.frozen import dataclass
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.finding import Finding, Severity
from supplychain.model.image_config import Secret
from supplychain.scan.fields import (
    Node,
    component_key,
    hash_pairs,
    instant,
    package_url,
    required,
    text,
    texts,
    whole_version,
)
from supplychain.scan.ratings import ratings, scores
from supplychain.scan.secrets import read_secrets

# An image of 50,000 packages with 10,000 findings reports some 100 MB.
REPORT_LIMIT = 256 * 1024 * 1024
_OS, _LANGUAGE = "os-pkgs", "lang-pkgs"
# Of these Trivy gathers all files under one heading, and each package says where it lies;
# of all others the heading is the file.
_GATHERED = frozenset({"python-pkg", "node-pkg", "jar", "gemspec", "conda-pkg"})


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
        secrets: What looks like a secret, sorted by path, line and rule.
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
    secrets: tuple[Secret, ...] = ()


def read_report(data: bytes) -> Report:
    """Read a report of `trivy image --format json`.

    The parser itself refuses more than 1,024 levels of nesting.

    Raises:
        LimitError: It is larger than `REPORT_LIMIT`.
        ToolOutputError: It is not JSON, of another schema, or not of the expected shape.
    """
    if len(data) > REPORT_LIMIT:
        raise LimitError(f"the report has {len(data)} bytes, at most {REPORT_LIMIT} are read")
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


def _report(document: Node) -> Report:
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
        version=text(document["Trivy"], "Version"),
        config_digest=Digest.parse(metadata["ImageID"]),
        diff_ids=tuple(Digest.parse(d) for d in metadata.get("DiffIDs") or ()),
        os=text(configuration, "os"),
        architecture=text(configuration, "architecture"),
        system=system,
        has_system_packages=parts.has_system_packages,
        ecosystems=tuple(sorted(parts.ecosystems)),
        components=tuple(parts.components[key] for key in sorted(parts.components)),
        findings=tuple(parts.findings[key] for key in sorted(parts.findings)),
        secrets=read_secrets(document.get("Results") or ()),
    )


def _system(node: Node | None) -> OperatingSystem | None:
    if node is None:
        return None
    end_of_life = node.get("EOSL", False)
    return OperatingSystem(text(node, "Family"), text(node, "Name"), end_of_life is True)


def _system_component(system: OperatingSystem) -> Component:
    return Component(
        purl="",
        name=system.family,
        version=system.release,
        kind="operating-system",
        ecosystem=system.family,
        key=system.key,
    )


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


@dataclasses.dataclass(slots=True)
class _Parts:
    """What was gathered so far, by the key that makes it unique."""

    components: dict[str, Component] = field(default_factory=dict)
    findings: dict[tuple[str, ...], Finding] = field(default_factory=dict)
    ecosystems: set[str] = field(default_factory=set)
    has_system_packages: bool = False
    layers: dict[str, Digest] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        kind = node["Class"]
        if kind not in {_OS, _LANGUAGE}:
            if node.get("Vulnerabilities"):
                raise ValueError(f"it has vulnerabilities of the unknown class {kind!r}")
            return  # licences, which the raw report keeps, and secrets, which have their own file
        packages = node.get("Packages") or ()
        ecosystem = text(node, "Type")
        gathered = kind == _OS or ecosystem in _GATHERED
        heading = "" if gathered else text(node, "Target").lstrip("/")
        keys = [component_key(package, heading, ecosystem) for package in packages]
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

    def _component(self, node: Node, key: str, result: _Result) -> Component:
        needed = {result.ids[i] for i in texts(node, "DependsOn") if i in result.ids}
        return Component(
            purl=package_url(node["Identifier"]),
            name=required(node, "Name"),
            version=whole_version(node),
            kind="application" if node.get("Relationship") == "root" else result.kind,
            ecosystem=result.ecosystem,
            path=text(node, "FilePath").lstrip("/") or result.heading,
            licences=texts(node, "Licenses"),
            hashes=hash_pairs(text(node, "Digest")),
            layer=self._layer(node.get("Layer")),
            supplier=text(node, "Maintainer") or None,
            depends_on=tuple(sorted(needed - {key})),
            key=key,
            source_name=text(node, "SrcName"),
            source_version=whole_version(node, "Src"),
        )

    def _find(self, node: Node, result: _Result) -> None:
        identifier = node["PkgIdentifier"]
        published = node.get("PublishedDate")
        finding = Finding(
            vulnerability_id=required(node, "VulnerabilityID"),
            purl=package_url(identifier),
            package=required(node, "PkgName"),
            installed_version=text(node, "InstalledVersion"),
            fixed_version=text(node, "FixedVersion"),
            severity=Severity.parse(node.get("Severity") or "UNKNOWN"),
            severity_source=text(node, "SeveritySource"),
            path=text(node, "PkgPath").lstrip("/") or result.heading,
            status=text(node, "Status"),
            title=text(node, "Title"),
            url=text(node, "PrimaryURL"),
            published_at=instant(published) if published else None,
            layer=self._layer(node.get("Layer")),
            component=result.uids[identifier["UID"]],
            ratings=ratings(node),
            scores=scores(node),
            aliases=texts(node, "VendorIDs"),
            weaknesses=texts(node, "CweIDs"),
        )
        name = (finding.vulnerability_id, finding.purl, finding.path, finding.component)
        known = self.findings.get(name)
        # Two advisories for one vulnerability: the worse one, then any, but always the same.
        if known is None or _rank(finding) < _rank(known):
            self.findings[name] = finding

    def _layer(self, node: Node | None) -> Digest | None:
        name = node.get("DiffID") if node else None
        if not name:
            return None
        layer = self.layers.get(name)
        if layer is None:
            layer = self.layers[name] = Digest.parse(name)
        return layer


def _rank(finding: Finding) -> tuple[int, str]:
    return -finding.severity, repr(finding)
