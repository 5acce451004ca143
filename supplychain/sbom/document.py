"""Read a CycloneDX document: what it is about, and the same document as XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, Sbom, SbomElement
from supplychain.sbom.quality import elements
from supplychain.sbom.schema import parse_valid

if TYPE_CHECKING:
    from lxml.etree import _Element

_ALGORITHM = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
# What cyclonedx-python-lib can carry from JSON to XML, beside what is added here.
_CARRIED = frozenset(
    {
        *("$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata"),
        *("components", "dependencies", "compositions", "properties", "externalReferences"),
    }
)
_COMPOSITION = frozenset({"aggregate", "assemblies", "dependencies"})
# The library recurses, and so must not meet what a parser still takes.
_DEPTH_LIMIT = 64


@dataclass(frozen=True, slots=True)
class SbomFacts:
    """What a document says about itself.

    Attributes:
        spec_version: CycloneDX version, "1.6" or "1.7".
        serial_number: `urn:uuid:…`; "" where it has none.
        component_count: Components in it at any depth, without the image itself.
        subject: Digest of the image that it is about.
        elements: The minimum elements, each measured.
    """

    spec_version: str
    serial_number: str
    component_count: int
    subject: Digest
    elements: tuple[SbomElement, ...]


def read(document: bytes, *, subject: Digest) -> SbomFacts:
    """Read a document that has to be valid and about `subject`.

    Raises:
        InputError: It is not a CycloneDX JSON document of a supported version.
        LimitError: It is too large.
        VerificationError: It breaks its schema, names no image, or names another one.
    """
    parsed = parse_valid(document)
    named = _named_digests(parsed)
    if named != {subject}:
        raise VerificationError(
            f"the SBOM is not about {subject}",
            because=f"it is about {', '.join(map(str, sorted(named)))}"
            if named
            else "its metadata.component carries no digest",
        )
    return SbomFacts(
        spec_version=parsed["specVersion"],
        serial_number=parsed.get("serialNumber", ""),
        component_count=_count(parsed),
        subject=subject,
        elements=elements(parsed),
    )


def described(document: bytes, evidence: Evidence) -> Sbom:
    """A valid document as evidence: its CycloneDX version, how much is in it and how good.

    What it is about has to be known otherwise: a signed statement says so.

    Raises:
        InputError: It is not a CycloneDX JSON document of a supported version.
        LimitError: It is too large.
        VerificationError: It breaks its schema.
    """
    parsed = parse_valid(document)
    return Sbom(evidence, parsed["specVersion"], _count(parsed), elements(parsed))


def to_xml(document: bytes) -> bytes:
    """The same document as CycloneDX XML of the same version, checked against the official XSD.

    The same JSON gives the same bytes.

    Raises:
        InputError: It is no CycloneDX document, or has parts that the XML would not have.
        LimitError: It is too large, or nested too deeply.
        VerificationError: It breaks its schema as JSON, or would break it as XML.
    """
    parsed = parse_valid(document)
    _require_shallow(parsed)
    lost = sorted(parsed.keys() - _CARRIED)
    lost += sorted({key for one in parsed.get("compositions", ()) for key in one} - _COMPOSITION)
    if lost:
        raise InputError(
            f"the SBOM cannot be written as XML: {', '.join(lost)} would be lost",
            hint="take it as JSON: supplychain export sbom IMAGE --output cyclonedx-json",
        )
    xml = _complete(_converted(parsed), parsed)
    _require_valid_xml(xml, parsed["specVersion"])
    return xml


def _named_digests(parsed: dict[str, Any]) -> set[Digest]:
    """Every digest by which `metadata.component` says what the document is about."""
    component = parsed.get("metadata", {}).get("component", {})
    named = {
        Digest(_ALGORITHM[one["alg"]], one["content"].lower())
        for one in component.get("hashes", ())
        if one["alg"] in _ALGORITHM
    }
    purl = component.get("purl", "")
    if purl.startswith("pkg:oci/"):
        _, at, version = unquote(purl.partition("?")[0]).rpartition("@")
        if at:
            named.add(Digest.parse(version))
    return named


def _count(parsed: dict[str, Any]) -> int:
    waiting = list(parsed.get("components", ()))
    count = 0
    while waiting:
        component = waiting.pop()
        count += 1
        waiting.extend(component.get("components", ()))
    return count


def _require_shallow(parsed: dict[str, Any]) -> None:
    level: list[Any] = [parsed]
    for _ in range(_DEPTH_LIMIT):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    if level:
        raise LimitError(f"the SBOM is nested more than {_DEPTH_LIMIT} levels deep")


def _converted(parsed: dict[str, Any]) -> str:
    """XML as cyclonedx-python-lib writes it."""
    from cyclonedx.exception import CycloneDxException
    from cyclonedx.model.bom import Bom
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    version = SchemaVersion.from_version(parsed["specVersion"])
    try:
        bom = Bom.from_json(parsed)  # type: ignore[attr-defined]  # added by a decorator
        return make_outputter(bom, OutputFormat.XML, version).output_as_string()
    except (CycloneDxException, ValueError) as error:
        raise InputError("the SBOM cannot be written as XML", because=str(error)[:300]) from error


def _complete(xml: str, parsed: dict[str, Any]) -> bytes:
    """Put right what the library loses or adds.

    It has no compositions, and it writes an empty dependency for every component, which would
    say that a component needs nothing where the document says that nobody knows.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise InputError("the SBOM cannot be written as XML", because=str(error)[:300]) from error
    space = f"{{{etree.QName(root).namespace}}}"
    known = {one["ref"] for one in parsed.get("dependencies", ())}
    dependencies = root.find(f"{space}dependencies")
    if dependencies is not None:
        for entry in dependencies.findall(f"{space}dependency"):
            if entry.get("ref") not in known:
                dependencies.remove(entry)
    _add_compositions(root, space, parsed.get("compositions", ()))
    written: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return written


def _add_compositions(root: _Element, space: str, compositions: Any) -> None:
    from lxml.etree import Element, SubElement

    if not compositions:
        return
    made = Element(f"{space}compositions")
    for one in compositions:
        composition = SubElement(made, f"{space}composition")
        SubElement(composition, f"{space}aggregate").text = one["aggregate"]
        for group, member in (("assemblies", "assembly"), ("dependencies", "dependency")):
            if one.get(group):
                parent = SubElement(composition, f"{space}{group}")
                for reference in one[group]:
                    SubElement(parent, f"{space}{member}", ref=reference)
    before = root.find(f"{space}properties")
    root.insert(len(root) if before is None else root.index(before), made)


def _require_valid_xml(xml: bytes, version: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.xml import XmlValidator

    error = XmlValidator(SchemaVersion.from_version(version)).validate_str(xml.decode())
    if error is not None:
        raise VerificationError(
            f"the SBOM would break the CycloneDX {version} XML schema",
            because=str(error.data)[:300],
        )
