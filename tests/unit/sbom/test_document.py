from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from lxml import etree

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import SbomElement
from supplychain.sbom.cyclonedx import SpecVersion
from supplychain.sbom.document import SbomFacts, read, to_xml
from supplychain.sbom.quality import assess
from tests.kit.sboms import SERIAL, changed, make_sbom
from tests.kit.scans import SUBJECT, make_component, realistic_components

VERSIONS: list[SpecVersion] = ["1.6", "1.7"]
NAMESPACE = "{http://cyclonedx.org/schema/bom/1.6}"


# The readers are added by a decorator that type checkers do not see through.
BOM: Any = Bom


def as_json(bom: Bom, spec_version: SpecVersion) -> dict[str, Any]:
    version = SchemaVersion.from_version(spec_version)
    written = make_outputter(bom, OutputFormat.JSON, version).output_as_string()
    made: dict[str, Any] = orjson.loads(written)
    return made


def comparable(of: Any) -> Any:
    """JSON in one order, for CycloneDX gives none a meaning."""
    if isinstance(of, dict):
        return {key: comparable(of[key]) for key in sorted(of)}
    if isinstance(of, list):
        return sorted((comparable(one) for one in of), key=repr)
    return of


@pytest.mark.parametrize("spec_version", VERSIONS)
def test_facts_are_read(spec_version: SpecVersion) -> None:
    document = make_sbom(spec_version=spec_version)
    assert read(document, subject=SUBJECT.digest) == SbomFacts(
        spec_version=spec_version,
        serial_number=f"urn:uuid:{SERIAL}",
        component_count=11,
        subject=SUBJECT.digest,
        elements=tuple(
            SbomElement(one.element, one.total, one.missing) for one in assess(document).elements
        ),
    )


def test_document_about_another_image_is_refused() -> None:
    other = Digest.of(b"another image")
    with pytest.raises(VerificationError, match=f"not about {other}") as caught:
        read(make_sbom(), subject=other)
    assert str(SUBJECT.digest) in (caught.value.because or "")


def test_document_that_contradicts_itself_is_refused() -> None:
    """The hash names the right image, the purl another."""
    other = Digest.of(b"another image")

    def lie(document: dict[str, Any]) -> None:
        document["metadata"]["component"]["purl"] = f"pkg:oci/web@{other}"

    with pytest.raises(VerificationError) as caught:
        read(changed(make_sbom(), lie), subject=SUBJECT.digest)
    assert str(other) in (caught.value.because or "")


def test_document_without_a_digest_is_refused() -> None:
    anonymous = changed(make_sbom(), lambda d: d["metadata"].pop("component"))
    with pytest.raises(VerificationError) as caught:
        read(anonymous, subject=SUBJECT.digest)
    assert caught.value.because == "its metadata.component carries no digest"


def test_purl_alone_names_the_image() -> None:
    """As Trivy writes it: the version percent-encoded, and no hashes."""

    def strip(document: dict[str, Any]) -> None:
        image = document["metadata"]["component"]
        del image["hashes"]
        image["purl"] = f"pkg:oci/web@sha256%3A{SUBJECT.digest.hex}?arch=amd64"

    facts = read(changed(make_sbom(), strip), subject=SUBJECT.digest)
    assert facts.subject == SUBJECT.digest


def test_invalid_document_is_not_read() -> None:
    with pytest.raises(VerificationError, match="breaks the CycloneDX"):
        read(changed(make_sbom(), lambda d: d.update(version=0)), subject=SUBJECT.digest)


@pytest.mark.parametrize("spec_version", VERSIONS)
def test_the_library_reads_ours_and_loses_nothing_but_compositions(
    spec_version: SpecVersion,
) -> None:
    document = make_sbom(realistic_components(30), spec_version=spec_version)
    ours = orjson.loads(document)
    theirs = as_json(BOM.from_json(ours), spec_version)

    assert [one["aggregate"] for one in ours.pop("compositions")] == ["unknown"]
    # It adds an empty entry for what has none, and leaves an empty list out.
    known = {one["ref"] for one in ours["dependencies"]}
    theirs["dependencies"] = [one for one in theirs["dependencies"] if one["ref"] in known]
    ours["dependencies"] = [{k: v for k, v in one.items() if v} for one in ours["dependencies"]]
    ours["metadata"]["timestamp"] = theirs["metadata"]["timestamp"]
    assert comparable(theirs) == comparable(ours)


@pytest.mark.parametrize("spec_version", VERSIONS)
def test_round_trip_to_xml_and_back_keeps_everything_the_library_knows(
    spec_version: SpecVersion,
) -> None:
    document = make_sbom(realistic_components(30), spec_version=spec_version)
    there = BOM.from_json(orjson.loads(document))
    back = BOM.from_xml(ElementTree.fromstring(to_xml(document)))

    assert as_json(back, spec_version) == as_json(there, spec_version)


def test_xml_keeps_compositions_and_claims_no_needs_that_nobody_knows() -> None:
    flat = make_component("lodash", "1", ecosystem="node-pkg")
    leaf = make_component("libc6")
    needs = make_component("libssl3", depends_on=(leaf.key,))
    root = etree.fromstring(to_xml(make_sbom([flat, leaf, needs])))
    graph = {
        one.get("ref"): [inner.get("ref") for inner in one]
        for one in root.find(f"{NAMESPACE}dependencies")
    }
    (composition,) = root.find(f"{NAMESPACE}compositions")

    assert flat.key not in graph
    assert graph[leaf.key] == []
    assert graph[needs.key] == [leaf.key]
    assert composition.findtext(f"{NAMESPACE}aggregate") == "unknown"
    assert [one.get("ref") for one in composition.find(f"{NAMESPACE}dependencies")] == [flat.key]


def test_xml_is_the_same_for_the_same_document() -> None:
    document = make_sbom()
    assert to_xml(document) == to_xml(document)
    assert to_xml(document).endswith(b"</bom>\n")


def test_document_without_compositions_is_written_too() -> None:
    bare = b'{"bomFormat":"CycloneDX","specVersion":"1.6","properties":[{"name":"a"}],"version":1}'
    root = etree.fromstring(to_xml(bare))
    assert root.find(f"{NAMESPACE}compositions") is None


def test_compositions_stand_before_the_properties_of_the_document() -> None:
    document = changed(make_sbom(), lambda d: d.update(properties=[{"name": "a", "value": "b"}]))
    names = [etree.QName(one).localname for one in etree.fromstring(to_xml(document))]
    assert names[-2:] == ["compositions", "properties"]


@pytest.mark.parametrize(
    ("member", "value"),
    [("annotations", []), ("formulation", []), ("services", []), ("signature", {"signers": []})],
)
def test_what_xml_would_lose_is_refused(member: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{member} would be lost") as caught:
        to_xml(changed(make_sbom(), lambda d: d.update({member: value})))
    assert "cyclonedx-json" in (caught.value.hint or "")


def test_composition_with_more_than_xml_would_get_is_refused() -> None:
    with pytest.raises(InputError, match="bom-ref would be lost"):
        to_xml(changed(make_sbom(), lambda d: d["compositions"][0].update({"bom-ref": "c"})))


def test_what_the_library_cannot_read_is_refused_in_our_words() -> None:
    document = changed(make_sbom(), lambda d: d["components"][0].update(purl="no purl at all"))
    with pytest.raises(InputError, match="cannot be written as XML") as caught:
        to_xml(document)
    assert "purl" in (caught.value.because or "")


def test_characters_that_xml_cannot_hold_are_refused() -> None:
    document = changed(make_sbom(), lambda d: d["components"][0].update(name="a\u0000b"))
    with pytest.raises(InputError, match="cannot be written as XML"):
        to_xml(document)


def test_deep_nesting_is_refused_before_the_library_recurses() -> None:
    opening = b'{"type":"library","name":"x","components":['
    deep = opening * 300 + b'{"type":"library","name":"x"}' + b"]}" * 300
    document = b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[' + deep + b"]}"

    with pytest.raises(LimitError, match="levels deep"):
        to_xml(document)
