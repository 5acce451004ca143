"""`supplychain vex`, typed: claims come in signed, are reviewed, count, and go out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.images.layout import OciLayout
from supplychain.model.finding import Severity
from supplychain.records.folder import FolderStore
from supplychain.records.record import Record
from supplychain.sbom.schema import validate
from supplychain.vex.document import read_vex
from tests.kit.cli import PASSWORD, Desk
from tests.kit.misbehaving import ScriptedServer, scripted_server
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scanlayout import debian, write_image
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.shop import digest_of, serve, serve_beside
from tests.kit.vex import CVE, openvex, openvex_statement

NOW = datetime.now(UTC)
HEAD = "schemaVersion: 1\nenvironment: prod\nrules:\n  - vulnerabilities: {severity: high}\n"
TRUST = "vex:\n  trust: {keys: [../vendor.pub]}\n"
HELD = TRUST + "  review: {reviewers: [alice]}\n"


@pytest.fixture
def desk(bare_desk: Desk) -> Desk:
    """A desk with the keys of a vendor and of a stranger, and an image with a finding on record."""
    bare_desk.environ["SUPPLYCHAIN_KEY_PASSWORD"] = PASSWORD
    for name in ("vendor", "stranger"):
        bare_desk.type("keys", "generate", "--output-key-prefix", name).ended(0)
    bare_desk.data.mkdir(parents=True, exist_ok=True)
    made_at = NOW - timedelta(hours=1)
    findings = [make_finding(severity=Severity.CRITICAL)]
    scan = scan_record(findings=findings, produced_at=made_at)
    url, content = f"sqlite:///{bare_desk.data / 'supplychain.db'}", bare_desk.data / "content"
    with Record.open(url, FolderStore(content), create=True) as record:
        record.save_run(manifest_run(scan=scan), at=made_at)
    policy(bare_desk, "")
    return bare_desk


def policy(desk: Desk, vex: str) -> None:
    (desk.folder / "policies" / "prod.yaml").write_text(HEAD + vex)


def write(desk: Desk, data: bytes, *, key: str = "vendor", name: str = "v.json") -> tuple[str, str]:
    """A document, and somebody's signature of it."""
    bundle = f"{name}.{key}.sigstore.json"
    (desk.folder / name).write_bytes(data)
    desk.type("sign-blob", name, "--key", f"{key}.key", "--bundle", bundle).ended(0)
    return name, bundle


def gate(desk: Desk, code: int) -> str:
    return desk.type("gate", str(SUBJECT), "-e", "prod", "--all").ended(code).stdout


def test_a_claim_comes_in_signed_is_held_accepted_and_counts(desk: Desk) -> None:
    file, bundle = write(desk, openvex())
    taken = desk.type(
        "vex", "import", file, "--bundle", bundle, "--key", "vendor.pub", "-o", "json"
    )
    (claim,) = taken.ended(0).json()["claims"]
    assert (claim["vulnerability"], claim["status"]) == ([CVE], "not_affected")
    assert claim["signed"][0]["attached_to"] is None
    assert "the policy believes nobody" in gate(desk, 10)

    policy(desk, HELD)
    assert f"supplychain vex accept {claim['name']}" in gate(desk, 10)
    short = claim["name"].removeprefix("sha256:")[:12]
    accepting = ("vex", "accept", f"{short}#1", "--reason", "we call none of it")
    desk.type(*accepting, SUPPLYCHAIN_ACTOR="mallory").ended(0)
    gate(desk, 10)
    done = desk.type(*accepting, SUPPLYCHAIN_ACTOR="alice").ended(0)
    assert "accepted by alice" in done.stdout
    shown = gate(desk, 0)
    assert "not_affected (vulnerable_code_not_in_execute_path) with ../vendor.pub" in shown
    assert claim["name"] in shown
    assert "accepted by mallory" in desk.type("vex", "show", short).ended(0).stdout
    desk.type(*accepting, "--withdraw", SUPPLYCHAIN_ACTOR="alice").ended(0)
    gate(desk, 10)
    assert "signed by sha256:" in desk.type("vex", "list").ended(0).stdout
    (listed,) = desk.type("vex", "list", "-o", "json").ended(0).json()["documents"]
    assert listed["digest"] == claim["document"]


def test_what_nobody_trusted_signed_is_refused(desk: Desk) -> None:
    file, bundle = write(desk, openvex(), key="stranger")
    by_vendor = ("--key", "vendor.pub")
    desk.type("vex", "import", file, *by_vendor).refused(
        2, "nobody signed this document", "supplychain sign-blob v.json"
    )
    desk.type("vex", "import", file, "--bundle", bundle, *by_vendor).refused(1, "error: ")
    desk.type("vex", "import", file, "--bundle", bundle).refused(2, "no key was given")
    desk.type("vex", "import", file, "--bundle", bundle, "-e", "prod").refused(
        2, "the policy believes nobody's claims", "vex: {trust: {keys: [vendor.pub]}}"
    )
    policy(desk, TRUST)
    desk.type("vex", "import", file, "--bundle", bundle, "-e", "prod").refused(1, "error: ")
    assert "no VEX document" in desk.type("vex", "list").ended(0).stderr
    file, bundle = write(desk, openvex())
    desk.type("vex", "import", file, "--bundle", bundle, "-e", "prod").ended(0)
    gate(desk, 0)


def test_what_is_wrong_or_foreign_is_refused_with_its_place(desk: Desk) -> None:
    trusted = ("--key", "vendor.pub")
    file, bundle = write(desk, openvex(openvex_statement(justification=None)))
    desk.type("vex", "import", file, "--bundle", bundle, *trusted).refused(
        2, "$.statements[0]: not_affected needs a justification", "add 'justification'"
    )
    foreign = openvex(openvex_statement(products=[{"@id": "pkg:oci/other@sha256:" + "0" * 64}]))
    file, bundle = write(desk, foreign)
    asked = ("vex", "import", file, "--bundle", bundle, *trusted)
    desk.type(*asked, "--image", str(SUBJECT.digest)).refused(
        2, "says nothing about", "pkg:oci/other@", f"pkg:oci/NAME@{SUBJECT.digest}"
    )
    policy(desk, TRUST)
    desk.type(*asked).ended(0)
    assert "not about this" in gate(desk, 10)
    desk.type("vex", "accept", "nonsense", "--reason", "x").refused(2, "names no claim")
    desk.type("vex", "show", "ffffffff").refused(1, "no VEX document")


def test_claims_that_nobody_could_read_are_not_signed(desk: Desk) -> None:
    (desk.folder / "v.json").write_bytes(openvex(openvex_statement(status="fine")))
    stating = ("sign-blob", "v.json", "--type", "openvex", "--predicate", "v.json")
    desk.type(*stating, "--key", "vendor.key").refused(2, "$.statements[0].status", "fixed")


@pytest.mark.parametrize("form", ["openvex", "cyclonedx"])
def test_what_is_believed_goes_out_again_the_same_each_time(desk: Desk, form: str) -> None:
    policy(desk, TRUST)
    asked = ("vex", "export", str(SUBJECT), "-e", "prod", "--format", form, "--author", "acme")
    desk.type(*asked).refused(1, "claims anything about findings")
    file, bundle = write(desk, openvex())
    desk.type("vex", "import", file, "--bundle", bundle, "-e", "prod").ended(0)
    told = desk.type(*asked).ended(0).stdout
    assert desk.type(*asked, "--output-file", "out.json").ended(0).stdout == ""
    assert (desk.folder / "out.json").read_text() == told
    (claim,) = read_vex(told.encode()).claims
    assert (claim.vulnerability, claim.status) == ((CVE,), "not_affected")
    (product,) = claim.products
    assert product.packages
    assert any(str(SUBJECT.digest) in purl.replace("%3A", ":") for purl in product.purls)
    document = json.loads(told)
    if form == "cyclonedx":
        validate(told.encode())
        assert "with ../vendor.pub" in document["vulnerabilities"][0]["analysis"]["detail"]
    else:
        assert "with ../vendor.pub" in document["statements"][0]["status_notes"]
    # What went out comes in again, from whoever signs it.
    file, bundle = write(desk, told.encode(), name="again.json")
    desk.type("vex", "import", file, "--bundle", bundle, "-e", "prod").ended(0)
    gate(desk, 0)


def test_waivers_are_never_told_as_claims(desk: Desk) -> None:
    desk.type("vex", "export", str(SUBJECT), "-e", "prod", "--with-waivers").refused(
        2, "waivers are not exported as VEX"
    )
    desk.type("vex", "export", str(SUBJECT), "-e", "prod").refused(2, "believes nobody")


@pytest.fixture
def registry(desk: Desk) -> Iterator[ScriptedServer]:
    """A registry with an image beside which the vendor, a stranger and a tester say something."""
    layout = desk.folder / "layout"
    made = write_image(layout, debian())
    store = OciLayout(layout)
    image = store.manifest(made.subject.digest)
    store.put_manifest(image.raw, image.media_type, tag="latest")
    desk.type("keys", "generate", "--output-key-prefix", "tester").ended(0)
    stated = {
        "vendor": ("openvex", openvex(openvex_statement(products=None))),
        "stranger": ("openvex", openvex(openvex_statement(products=None), version=2)),
        "tester": ("https://tests.example/passed", b'{"passed": true}'),
    }
    for key, (kind, document) in stated.items():
        (desk.folder / "stated.json").write_bytes(document)
        attest = ("attest", "oci:layout", "--type", kind, "--predicate", "stated.json")
        desk.type(*attest, "--key", f"{key}.key", "--no-record").ended(0)
    with scripted_server() as server:
        serve(layout, server)
        serve_beside(layout, server)
        yield server


def test_what_is_claimed_beside_an_image_in_its_registry_is_taken(
    desk: Desk, registry: ScriptedServer
) -> None:
    """As far as the policy believes whoever signed it; what else is stated there stays there."""
    image = f"{registry.repository}:1"
    take = ("vex", "import", "--attached", image)
    desk.type(*take, "-e", "prod").refused(2, "the policy believes nobody's claims")
    desk.type(*take, "--key", "tester.pub").refused(
        1, "nobody who is trusted claims anything beside", "attestations list"
    )
    assert "no VEX document" in desk.type("vex", "list").ended(0).stderr

    policy(desk, TRUST)
    (claim,) = desk.type(*take, "-e", "prod", "-o", "json").ended(0).json()["claims"]
    assert (claim["vulnerability"], claim["status"]) == ([CVE], "not_affected")
    (listed,) = desk.type("vex", "list", "-o", "json").ended(0).json()["documents"]
    assert listed["attached_to"] == digest_of(desk.folder / "layout")
    assert desk.rows()["attestations"] == 1


def test_a_document_is_a_file_or_lies_beside_an_image(desk: Desk) -> None:
    file, bundle = write(desk, openvex())
    for more in ((file,), ("--bundle", bundle), ("--image", str(SUBJECT.digest))):
        both = ("vex", "import", *more, "--attached", "oci:layout", "--key", "vendor.pub")
        desk.type(*both).refused(2, "a document is a file, or lies beside an image")
    desk.type("vex", "import", "--key", "vendor.pub").refused(2, "no document is named")
    unpublished = ("--key", "vendor.pub", "--insecure-ignore-sct")
    desk.type("vex", "import", file, "--bundle", bundle, *unpublished).refused(
        2, "--insecure-ignore-sct"
    )
