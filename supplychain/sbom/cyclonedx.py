"""Make a CycloneDX document from a scan (CycloneDX 1.6 is ECMA-424; 1.7 adds nothing we need).

The same scan gives the same bytes but for the serial number and the timestamp. Facts that a
scanner reported and CycloneDX has no field for are written as the properties that Trivy itself
uses, so that `trivy sbom` finds in the document what it found in the image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import Producer, Scan
from supplychain.model.subject import Platform, Subject
from supplychain.sbom.graph import entry_points, require_closed
from supplychain.sbom.licences import choices
from supplychain.sbom.parsing import parse
from supplychain.sbom.purls import group_and_name, image_purl

SpecVersion = Literal["1.6", "1.7"]
MEDIA_TYPE = "application/vnd.cyclonedx+json"

_ALGORITHM = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_TYPE = {"os": "library"}
_SYSTEM = "operating-system"
_TRIVY = "aquasecurity:trivy:"
_IMAGE = "supplychain:image:"


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """What is known of an image beside its components.

    Attributes:
        subject: The platform manifest.
        platform: What it runs on.
        config: Digest of the image configuration (the "image ID").
        layers: `(digest, diff_id)` of every layer, lowest first.
    """

    subject: Subject
    platform: Platform
    config: Digest
    layers: tuple[tuple[Digest, Digest], ...]


def make(
    scan: Scan,
    image: ImageDescription,
    *,
    spec_version: SpecVersion,
    serial: UUID,
    made_at: datetime,
    tool: Producer,
    author: str | None = None,
) -> bytes:
    """The SBOM of one platform's image as CycloneDX JSON, UTF-8, with a newline at its end.

    Args:
        scan: What was found in the image.
        image: The image itself.
        spec_version: Which CycloneDX to write.
        serial: The document's serial number, new for every document.
        made_at: When it is made (aware).
        tool: This program; the scanner is named beside it.
        author: The organisation that publishes the SBOM; None leaves it out.

    Raises:
        VerificationError: The scan is of another image.
        InputError: Components share a key, depend on absent ones, or the time is naive.
    """
    import orjson

    if scan.evidence.subject.digest != image.subject.digest:
        raise VerificationError(
            "the scan is not of this image",
            because=f"it is of {scan.evidence.subject.digest}, not {image.subject.digest}",
        )
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": _metadata(scan, image, made_at, tool, author),
        **_inventory(scan, image),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def content_digest(document: bytes) -> Digest:
    """The digest of what a document says, whatever its serial number and time of making.

    Raises:
        InputError: It is not a CycloneDX JSON document of a supported version.
    """
    import orjson

    parsed = parse(document)
    parsed.pop("serialNumber", None)
    if isinstance(parsed.get("metadata"), dict):
        parsed["metadata"].pop("timestamp", None)
    return Digest.of(orjson.dumps(parsed, option=orjson.OPT_SORT_KEYS))


def _metadata(
    scan: Scan, image: ImageDescription, made_at: datetime, tool: Producer, author: str | None
) -> dict[str, Any]:
    if made_at.utcoffset() is None:
        raise InputError("the time of the SBOM has no time zone")
    made: dict[str, Any] = {
        "timestamp": made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycles": [{"phase": "post-build"}],
        "tools": {"components": [_tool(scan.evidence.producer), _tool(tool)]},
    }
    if author:
        made["manufacturer"] = {"name": author}
    made["component"] = _image(image)
    return made


def _tool(producer: Producer) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "application", "name": producer.name}
    if producer.name == "trivy":
        # By this group and name Trivy recognises its own documents.
        made = {"type": "application", "group": "aquasecurity", "name": "trivy"}
    if producer.version:
        made["version"] = producer.version
    if producer.digest:
        made["hashes"] = [_hash(producer.digest)]
    return made


def _image(image: ImageDescription) -> dict[str, Any]:
    purl = image_purl(image.subject, image.platform)
    layers = (
        (f"{_IMAGE}layer:{number}:{name}", str(digest))
        for number, layer in enumerate(image.layers)
        for name, digest in zip(("digest", "diff_id"), layer, strict=True)
    )
    return {
        "bom-ref": purl,
        "type": "container",
        "name": image.subject.name,
        "version": str(image.subject.digest),
        "hashes": [_hash(image.subject.digest)],
        "purl": purl,
        "properties": _properties(
            (f"{_IMAGE}config", str(image.config)),
            *layers,
            (f"{_IMAGE}platform", str(image.platform)),
        ),
    }


def _inventory(scan: Scan, image: ImageDescription) -> dict[str, Any]:
    """`components`, `dependencies` and `compositions`: what is in it and how it hangs together."""
    components = sorted(scan.components, key=lambda c: c.key)
    root = image_purl(image.subject, image.platform)
    _require_unique([root, *(component.key for component in components)])
    opaque = _opaque(components)
    return {
        "components": [_component(component) for component in components],
        "dependencies": _dependencies(components, root, opaque),
        "compositions": [
            # A scanner sees what package databases declare, not everything that is there.
            {"aggregate": "unknown", "assemblies": [root]}
            | ({"dependencies": sorted(opaque)} if opaque else {})
        ],
    }


def _component(component: Component) -> dict[str, Any]:
    """One component, in the schema's order; what is empty is left out, but for the name."""
    group, name = group_and_name(component.purl, component.name)
    path = component.path
    return {
        key: value
        for key, value in (
            ("bom-ref", component.key),
            ("type", _TYPE.get(component.kind, component.kind)),
            ("supplier", {"name": component.supplier} if component.supplier else None),
            ("group", group),
            ("name", name),
            ("version", component.version),
            ("hashes", [{"alg": a, "content": c} for a, c in sorted(set(component.hashes))]),
            ("licenses", choices(component.licences)),
            ("purl", component.purl),
            ("evidence", {"occurrences": [{"location": path}]} if path else None),
            ("properties", _facts(component)),
        )
        if value or key == "name"
    }


def _facts(component: Component) -> list[dict[str, str]]:
    """What Trivy needs to find a component's vulnerabilities again, and where it was."""
    if component.kind == _SYSTEM:
        return _properties((f"{_TRIVY}Class", "os-pkgs"), (f"{_TRIVY}Type", component.name))
    epoch, version, release = _parts(component)
    return _properties(
        (f"{_TRIVY}FilePath", component.path),
        (f"{_TRIVY}LayerDiffID", str(component.layer or "")),
        (f"{_TRIVY}PkgType", component.ecosystem),
        (f"{_TRIVY}SrcEpoch", epoch),
        (f"{_TRIVY}SrcName", component.source_name),
        (f"{_TRIVY}SrcRelease", release),
        (f"{_TRIVY}SrcVersion", version),
    )


def _parts(component: Component) -> tuple[str, str, str]:
    """Epoch, version and release of the source package: dpkg and rpm write `[e:]version[-r]`."""
    whole = component.source_version
    if not component.purl.startswith(("pkg:deb/", "pkg:rpm/")):
        return "", whole, ""
    epoch, rest = whole.split(":", 1) if ":" in whole else ("", whole)
    version, dash, release = rest.rpartition("-")
    return epoch, version if dash else release, release if dash else ""


def _dependencies(components: list[Component], root: str, opaque: set[str]) -> list[dict[str, Any]]:
    """The graph: the image needs its operating system, and that its packages.

    What `opaque` holds has no entry of its own, which says that nobody knows what it needs.
    """
    edges = {component.key: sorted(set(component.depends_on)) for component in components}
    require_closed(edges)
    for system in (c.key for c in components if c.kind == _SYSTEM):
        edges[system] = entry_points((c.key for c in components if c.kind == "os"), edges)
    edges[root] = entry_points((component.key for component in components), edges)
    return [
        {"ref": reference, "dependsOn": targets}
        for reference, targets in sorted(edges.items())
        if reference not in opaque
    ]


def _opaque(components: Iterable[Component]) -> set[str]:
    """Components of ecosystems for which the scanner knows no dependencies at all."""
    known = {component.ecosystem for component in components if component.depends_on}
    return {
        component.key
        for component in components
        if component.ecosystem not in known and component.kind != _SYSTEM
    }


def _require_unique(references: list[str]) -> None:
    for reference, times in Counter(references).items():
        if times > 1 or not reference:
            raise InputError(
                f"{times} components are named {reference!r}",
                because="every component of an SBOM needs a reference of its own",
            )


def _hash(digest: Digest) -> dict[str, str]:
    return {"alg": _ALGORITHM[digest.algorithm], "content": digest.hex}


def _properties(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs if value]
