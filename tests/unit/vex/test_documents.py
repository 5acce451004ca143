"""VEX documents: what is read of each form, and that what is wrong is named with place and cure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from packageurl import PackageURL

from supplychain.errors import InputError, LimitError
from supplychain.model.digest import Digest
from supplychain.model.vex import VexClaim, VexFormat, VexProduct, VexStatus
from supplychain.vex import document as documents
from supplychain.vex.document import read_vex
from supplychain.vex.nodes import SIZE_LIMIT
from tests.kit.scans import SUBJECT
from tests.kit.vex import (
    CVE,
    IMAGE_PURL,
    analysed,
    csaf,
    csaf_product,
    csaf_vulnerability,
    cyclonedx,
    openvex,
    openvex_statement,
    product_tree,
    related,
)

ISSUED = datetime(2026, 1, 10, 10, tzinfo=UTC)
CANONICAL = str(PackageURL.from_string(IMAGE_PURL).to_string())


def claim(data: bytes, **options: Any) -> VexClaim:
    (only,) = read_vex(data, **options).claims
    return only


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_vex(data)
    error = caught.value
    return " · ".join(filter(None, [str(error), error.because, error.hint]))


def statement(**changes: Any) -> bytes:
    return openvex(openvex_statement(**changes))


def test_openvex_is_read() -> None:
    data = statement(
        vulnerability={"name": CVE, "aliases": ["GHSA-1"]},
        products=[
            {
                "@id": IMAGE_PURL,
                "hashes": {"sha-256": SUBJECT.digest.hex, "md5": "00"},
                "subcomponents": [{"@id": "pkg:deb/debian/libssl3"}],
            }
        ],
        status_notes="looked at",
    )
    read = read_vex(data)
    assert (read.format, read.author, read.digest) == (
        VexFormat.OPENVEX,
        "Vendor PSIRT",
        Digest.of(data),
    )
    (found,) = read.claims
    assert found.vulnerability == (CVE, "GHSA-1")
    assert found.status is VexStatus.NOT_AFFECTED
    assert (found.justification, found.detail) == (
        "vulnerable_code_not_in_execute_path",
        "looked at",
    )
    assert found.issued_at == datetime(2026, 1, 10, 10, 0, 0, 123456, tzinfo=UTC)
    (product,) = found.products
    assert product.digests == (SUBJECT.digest,)
    assert product.names == ("md5:00",)
    assert product.packages == ("pkg:deb/debian/libssl3",)
    assert product.purls == (CANONICAL,)


def test_the_older_form_of_openvex_is_read() -> None:
    older = openvex(
        {
            "vulnerability": CVE,
            "products": ["pkg:apk/wolfi/git@2.38.1-r0?arch=x86_64"],
            "subcomponents": ["pkg:apk/wolfi/openssl"],
            "status": "affected",
            "action_statement": "upgrade",
            "timestamp": "2026-01-11T10:00:00-06:00",
        },
        **{"@context": "https://openvex.dev/ns", "version": "1"},
    )
    found = claim(older)
    assert found.products == (
        VexProduct(
            purls=("pkg:apk/wolfi/git@2.38.1-r0?arch=x86_64",),
            packages=("pkg:apk/wolfi/openssl",),
        ),
    )
    assert found.issued_at == datetime(2026, 1, 11, 16, tzinfo=UTC)


def test_what_names_no_product_is_about_the_image_that_it_is_attached_to() -> None:
    bare = statement(products=None)
    assert claim(bare, attached_to=SUBJECT.digest).products == (
        VexProduct(digests=(SUBJECT.digest,)),
    )
    assert "$.statements[0]: the statement names no products" in refusal(bare)


WRONG_OPENVEX = {
    "no justification": (
        statement(justification=None),
        "$.statements[0]: not_affected needs a justification or an impact_statement",
    ),
    "no action": (
        statement(status="affected", justification=None),
        "$.statements[0]: affected needs an action_statement",
    ),
    "justified and affected": (
        statement(status="affected", action_statement="x"),
        "a justification stands beside affected",
    ),
    "an unknown status": (statement(status="not_afected"), "did you mean not_affected?"),
    "an unknown justification": (
        statement(justification="because"),
        "$.statements[0].justification: 'because' is not known here",
    ),
    "a misspelt member": (
        statement(justification=None, jutification="component_not_present"),
        "did you mean justification?",
    ),
    "no products": (statement(products=[]), "$.statements[0].products: the list is empty"),
    "a product of nothing": (statement(products=[{}]), "nothing says what this is"),
    "a purl that is none": (
        statement(products=[{"@id": "pkg:oci"}]),
        "$.statements[0].products[0].@id: 'pkg:oci' is no package URL",
    ),
    "a digest that is none": (
        statement(products=[{"hashes": {"sha-256": "00"}}]),
        "$.statements[0].products[0].hashes.sha-256",
    ),
    "no vulnerability": (statement(vulnerability=None), "there is no 'vulnerability'"),
    "no statements": (openvex(statements=[]), "$.statements: the list is empty"),
    "no author": (openvex(author=None), "$: there is no 'author'"),
    "no zone": (
        openvex(timestamp="2026-01-10T10:00:00"),
        "$.timestamp: '2026-01-10T10:00:00' is no instant",
    ),
    "an unknown version": (openvex(**{"@context": "https://openvex.dev/ns/v9"}), "$.@context"),
    "half a letter": (openvex(author="\ud800"), "$.author: this is not Unicode text"),
    "a list": (b"[]", "$: expected an object, found a list"),
    "nothing of ours": (b"{}", "this is no VEX document"),
    "no JSON": (b"{", "not strict JSON"),
    "a member said twice": (b'{"@context": "a", "@context": "b"}', "the same member twice"),
    "a number that is none": (b'{"@context": NaN}', "not strict JSON"),
    "nested without end": (b'{"a":' * 100_000, "the VEX document is"),
}


@pytest.mark.parametrize(("data", "words"), WRONG_OPENVEX.values(), ids=WRONG_OPENVEX)
def test_openvex_that_is_wrong_is_refused(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LimitError):
        read_vex(b" " * (SIZE_LIMIT + 1))
    monkeypatch.setattr(documents, "CLAIM_LIMIT", 1)
    with pytest.raises(LimitError, match="2 claims"):
        read_vex(openvex(openvex_statement(), openvex_statement(status_notes="again")))
    with pytest.raises(LimitError, match="at most"):
        read_vex(openvex(author="x" * 2000))


def test_cyclonedx_is_read() -> None:
    states = {
        "not_affected": VexStatus.NOT_AFFECTED,
        "false_positive": VexStatus.NOT_AFFECTED,
        "resolved": VexStatus.FIXED,
        "resolved_with_pedigree": VexStatus.FIXED,
        "exploitable": VexStatus.AFFECTED,
        "in_triage": VexStatus.UNDER_INVESTIGATION,
    }
    for state, status in states.items():
        found = claim(cyclonedx(analysed(analysis={"state": state, "detail": "said"})))
        assert (found.status, found.detail) == (status, "said")
        assert found.issued_at == ISSUED
    later = analysed(
        references=[{"id": "GHSA-1", "source": {}}],
        analysis={
            "state": "resolved",
            "lastUpdated": "2026-01-12T00:00:00Z",
        },
    )
    found = claim(cyclonedx({"id": "CVE-1"}, later))
    assert (found.position, found.vulnerability) == (2, (CVE, "GHSA-1"))
    assert found.issued_at == datetime(2026, 1, 12, tzinfo=UTC)


def affected(ref: str, **changes: Any) -> VexProduct:
    (product,) = claim(cyclonedx(analysed(affects=[{"ref": ref}]), **changes)).products
    return product


def test_what_cyclonedx_refers_to() -> None:
    ssl = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2"
    image = affected("image")
    assert image.purls
    assert not image.packages
    assert affected("ssl") == VexProduct(purls=image.purls, packages=(ssl,))
    serial = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1"
    at = {"timestamp": "2026-01-10T10:00:00Z"}
    for ref in (f"{serial}#{ssl}", f"{serial}#pkg%3Adeb%2Fdebian%2Flibssl3%403.0.11-1~deb12u2"):
        assert affected(ref, metadata=at) == VexProduct(purls=(ssl,))
        assert affected(ref) == VexProduct(purls=image.purls, packages=(ssl,))
    assert affected(serial, metadata=at) == VexProduct(names=(serial,))
    digest = {"type": "container", "name": "web", "version": str(SUBJECT.digest), "bom-ref": "i"}
    assert affected("i", metadata={**at, "component": digest}) == VexProduct(
        digests=(SUBJECT.digest,)
    )
    narrowed = analysed(affects=[{"ref": "ssl", "versions": [{"version": "1"}]}])
    (some,) = claim(cyclonedx(narrowed)).products
    assert some.names
    assert not some.purls


def test_cyclonedx_that_is_attached_is_about_the_image_unless_it_says_better() -> None:
    bare = {"timestamp": "2026-01-10T10:00:00Z"}
    (product,) = claim(
        cyclonedx(analysed(affects=[{"ref": "ssl"}]), metadata=bare), attached_to=SUBJECT.digest
    ).products
    assert product.digests == (SUBJECT.digest,)
    assert product.packages == ("pkg:deb/debian/libssl3@3.0.11-1~deb12u2",)
    other = Digest.of(b"another image")
    (named,) = claim(cyclonedx(), attached_to=other).products
    assert named.purls
    assert not named.digests


WRONG_CYCLONEDX = {
    "no reason": (
        cyclonedx(analysed(analysis={"state": "not_affected"})),
        "$.vulnerabilities[0].analysis: not_affected needs a justification or a detail",
    ),
    "an unknown state": (cyclonedx(analysed(analysis={"state": "fine"})), "'fine' is not known"),
    "an unknown justification": (
        cyclonedx(analysed(analysis={"state": "not_affected", "justification": "x"})),
        "$.vulnerabilities[0].analysis.justification",
    ),
    "nothing affected": (cyclonedx(analysed(affects=[])), "affects: the list is empty"),
    "an unknown reference": (
        cyclonedx(analysed(affects=[{"ref": "gone"}])),
        "no component has the bom-ref 'gone'",
    ),
    "a reference said twice": (
        cyclonedx(components=[{"name": "a", "bom-ref": "x"}, {"name": "b", "bom-ref": "x"}]),
        "the bom-ref 'x' is given twice",
    ),
    "no claims": (cyclonedx({"id": "CVE-1"}), "nothing is claimed"),
    "an unknown version": (cyclonedx(specVersion="2.0"), "$.specVersion"),
    "no time": (cyclonedx(metadata={}, components=None), "$.vulnerabilities[0]"),
}


@pytest.mark.parametrize(("data", "words"), WRONG_CYCLONEDX.values(), ids=WRONG_CYCLONEDX)
def test_cyclonedx_that_is_wrong_is_refused(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_csaf_is_read() -> None:
    everything = csaf_vulnerability(
        ids=[{"system_name": "GitHub", "text": "GHSA-1"}],
        product_status={
            "known_not_affected": ["IMG"],
            "fixed": ["SSL"],
            "known_affected": ["IMG-SSL"],
            "recommended": ["SSL"],
        },
        threats=[{"category": "impact", "details": "not called", "group_ids": ["ALL"]}],
        remediations=[{"category": "vendor_fix", "details": "upgrade", "product_ids": ["IMG-SSL"]}],
    )
    read = read_vex(csaf(everything))
    assert (read.identifier, read.author, read.issued_at) == ("VEX-1", "Vendor PSIRT", ISSUED)
    by_status = {one.status: one for one in read.claims}
    assert by_status.keys() == {VexStatus.NOT_AFFECTED, VexStatus.FIXED, VexStatus.AFFECTED}
    cleared = by_status[VexStatus.NOT_AFFECTED]
    assert cleared.vulnerability == (CVE, "GHSA-1")
    assert (cleared.justification, cleared.detail) == ("vulnerable_code_not_present", "not called")
    assert cleared.products[0].names == ("the product IMG",)
    assert by_status[VexStatus.AFFECTED].detail == "upgrade"
    (part,) = by_status[VexStatus.AFFECTED].products
    assert part.purls == cleared.products[0].purls
    assert part.packages == ("pkg:deb/debian/libssl3",)


def tree(**changes: Any) -> bytes:
    return csaf(tree=product_tree(**changes))


WRONG_CSAF = {
    "no reason": (
        csaf(csaf_vulnerability(flags=None)),
        "known_not_affected of 'IMG' needs a reason",
    ),
    "a reason for another product": (
        csaf(
            csaf_vulnerability(flags=[{"label": "component_not_present", "product_ids": ["SSL"]}])
        ),
        "$.vulnerabilities[0].product_status.known_not_affected[0]",
    ),
    "no action": (
        csaf(csaf_vulnerability(product_status={"known_affected": ["IMG"]})),
        "known_affected of 'IMG' needs an action",
    ),
    "an unknown status": (
        csaf(csaf_vulnerability(product_status={"known_notaffected": ["IMG"]})),
        "did you mean known_not_affected?",
    ),
    "no product": (csaf(csaf_vulnerability(product_status={})), "it names no product"),
    "an empty list": (csaf(csaf_vulnerability(product_status={"fixed": []})), "list is empty"),
    "an unknown product": (
        csaf(csaf_vulnerability(product_status={"fixed": ["GONE"]})),
        "no product has the ID 'GONE'",
    ),
    "two things of one product": (
        csaf(csaf_vulnerability(product_status={"fixed": ["IMG"], "under_investigation": ["IMG"]})),
        "'IMG' is said to be fixed and under_investigation",
    ),
    "a product twice": (
        tree(full_product_names=[csaf_product("SSL"), csaf_product("IMG")]),
        "the product 'IMG' is defined twice",
    ),
    "a cycle": (
        tree(relationships=[related("A", "SSL", "B"), related("B", "SSL", "A")]),
        "the product tree is cyclic: A -> B -> A",
    ),
    "a part of itself": (
        tree(relationships=[related("A", "A", "IMG")]),
        "the product tree is cyclic: A -> A",
    ),
    "a relation to nothing": (
        tree(relationships=[related("A", "SSL", "GONE")]),
        "$.product_tree.relationships[0].relates_to_product_reference",
    ),
    "an unknown label": (
        csaf(csaf_vulnerability(flags=[{"label": "fine", "product_ids": ["IMG"]}])),
        "$.vulnerabilities[0].flags[0].label",
    ),
    "an unknown group": (
        csaf(csaf_vulnerability(flags=[{"label": "component_not_present", "group_ids": ["X"]}])),
        "no group has the ID 'X'",
    ),
    "another profile": (csaf(category="csaf_security_advisory"), "only csaf_vex makes"),
    "another version": (csaf(csaf_version="3.0"), "$.document.csaf_version"),
    "no vulnerability's name": (csaf(csaf_vulnerability(cve=None)), "add its 'cve'"),
}


@pytest.mark.parametrize(("data", "words"), WRONG_CSAF.values(), ids=WRONG_CSAF)
def test_csaf_that_is_wrong_is_refused(data: bytes, words: str) -> None:
    assert words in refusal(data)


def test_a_draft_claims_nothing() -> None:
    draft = json.loads(csaf())
    draft["document"]["tracking"]["status"] = "draft"
    assert "a draft claims nothing yet" in refusal(json.dumps(draft).encode())


def test_branches_without_end_are_refused() -> None:
    branch: dict[str, Any] = {"category": "vendor", "name": "v"}
    for _ in range(150):
        branch = {"category": "vendor", "name": "v", "branches": [branch]}
    assert "nested more than 100 deep" in refusal(tree(branches=[branch]))
