"""Every name of a predicate type means the same to cosign and to us, in both forms."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from supplychain.images.documents import ImageConfig, ImageManifest
from supplychain.images.reference import Reference
from supplychain.images.resolve import PlatformImage
from supplychain.model.artifact import OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import Producer
from supplychain.pipeline.provenance import Invocation, Purpose, provenance
from supplychain.scan.scanner import ScanResult
from supplychain.signing.predicate_types import NAMES
from tests.interop import tools
from tests.interop.matrix import COSIGN_2, COSIGN_3, OURS
from tests.interop.tools import SIGNING, Bench
from tests.kit.cli import PROGRAM
from tests.kit.forging import forge
from tests.kit.predicates import PREDICATES, SPDX_TEXT
from tests.kit.runs import sbom_record, scan_record
from tests.kit.scans import AT, PLATFORM, SUBJECT
from tests.kit.shop import push

# Cosign has no name for these; it takes their URI.
_UNNAMED = {"vsa"}
_FORMS = ["bundle", "legacy"]
_COSIGNS = [COSIGN_3, COSIGN_2]
_ROOT = {COSIGN_3: (), COSIGN_2: ("--trusted-root", "root.json")}
NOTHING = Descriptor("", Digest.of(b""), 0)
CONFIG = ImageConfig(PLATFORM, ())


@pytest.fixture
def image(tmp_path: Path, with_the_api: str) -> str:
    reference = Reference(with_the_api, f"types/{tmp_path.name.replace('_', '-').lower()}")
    return f"{reference}@{push(forge(tmp_path / 'layout'), reference)}"


def _name(name: str, program: str) -> str:
    return NAMES[name] if program != OURS and name in _UNNAMED else name


@pytest.mark.parametrize("reader", _COSIGNS)
@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_cosign_verifies_what_we_attest(
    name: str, form: str, reader: str, image: str, bench: Bench
) -> None:
    cosign = tools.program(reader)
    document = json.dumps(PREDICATES[name])
    (bench.folder / "stated.json").write_text(document)
    stated = ("attest", image, "--key", "release.key", "--predicate", "stated.json")
    done = bench.type(PROGRAM, *stated, "--type", name, SUPPLYCHAIN_SIGNATURE_FORMATS=form)
    assert done.returncode == 0, done.stderr
    read = bench.type(
        cosign,
        *("verify-attestation", "--key", "release.pub", "--insecure-ignore-tlog=true"),
        *("--type", _name(name, reader), *_ROOT[reader], image),
    )
    assert read.returncode == 0, read.stderr
    payload = json.loads(base64.b64decode(json.loads(read.stdout)["payload"]))
    assert payload["predicateType"] == NAMES[name]
    assert payload["predicate"] == PREDICATES[name]


@pytest.mark.parametrize("by", _COSIGNS)
@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_we_verify_what_cosign_attests(
    name: str, form: str, by: str, image: str, bench: Bench
) -> None:
    (bench.folder / "stated.json").write_text(json.dumps(PREDICATES[name]))
    _cosign_attests(bench, by, form, image, _name(name, by))
    assert _verified(bench, image, name) == NAMES[name]


@pytest.mark.parametrize("form", _FORMS)
def test_we_verify_spdx_that_cosign_took_as_text(form: str, image: str, bench: Bench) -> None:
    cosign = tools.program(COSIGN_3)
    (bench.folder / "stated.json").write_text(SPDX_TEXT)
    _cosign_attests(bench, COSIGN_3, form, image, "spdx")
    assert _verified(bench, image, "spdx") == NAMES["spdx"]
    # Cosign itself does not: so there is nothing to be had from writing it.
    asked = ("--key", "release.pub", "--insecure-ignore-tlog=true", "--type", "spdx", image)
    assert bench.type(cosign, "verify-attestation", *asked).returncode != 0


@pytest.mark.parametrize("form", _FORMS)
def test_what_cosign_downloads_is_taken_from_a_file(form: str, image: str, bench: Bench) -> None:
    cosign = tools.program(COSIGN_3)
    (bench.folder / "stated.json").write_text(json.dumps(PREDICATES["openvex"]))
    _cosign_attests(bench, COSIGN_3, form, image, "openvex")
    downloaded = bench.type(cosign, "download", "attestation", image)
    assert downloaded.returncode == 0, downloaded.stderr
    (bench.folder / "downloaded.jsonl").write_text(downloaded.stdout)
    listed = bench.type(
        *(PROGRAM, "attestations", "list", image, "--key", "release.pub", "-o", "json"),
        *("--bundle", "downloaded.jsonl"),
    )
    assert listed.returncode == 0, listed.stderr
    found = [(o["form"], o["state"]) for o in json.loads(listed.stdout)["attestations"]]
    assert found == [(form, "verified"), ("file", "verified")]


def test_cosign_takes_our_provenance_for_what_slsa_defines(image: str, bench: Bench) -> None:
    """It reads the predicate by SLSA's own schema before it signs it."""
    cosign = tools.program(COSIGN_3)
    scan, sbom = scan_record(), sbom_record()
    run = Invocation(
        "https://ci.example", Producer("supplychain", "1"), SUBJECT, "1.0", Purpose("prod"), AT
    )
    about = PlatformImage(
        SUBJECT, PLATFORM, OCI_MANIFEST, b"", ImageManifest(NOTHING, ()), b"", CONFIG
    )
    result = ScanResult(scan.scan, scan.report)
    predicate = provenance(run, about, result, sbom, finished_at=AT)
    (bench.folder / "stated.json").write_bytes(predicate)
    _cosign_attests(bench, COSIGN_3, "bundle", image, "slsaprovenance1")
    options = ("--key", "release.pub", "--insecure-ignore-tlog=true", "--type", "slsaprovenance1")
    read = bench.type(cosign, "verify-attestation", *options, image)
    assert read.returncode == 0, read.stderr
    payload = json.loads(base64.b64decode(json.loads(read.stdout)["payload"]))
    assert payload["predicate"] == json.loads(predicate)


def _cosign_attests(bench: Bench, by: str, form: str, image: str, name: str) -> None:
    options = ("--key", "release.key", *SIGNING[by, form])
    stated = ("--type", name, "--predicate", "stated.json")
    done = bench.type(tools.program(by), "attest", *options, *stated, image)
    assert done.returncode == 0, done.stderr


def _verified(bench: Bench, image: str, name: str) -> str:
    """What kind of statement is found, once the image is signed too."""
    signed = bench.type(PROGRAM, "sign", image, "--key", "release.key")
    assert signed.returncode == 0, signed.stderr
    asked = ("verify", image, "--key", "release.pub", "--type", name, "-o", "json")
    done = bench.type(PROGRAM, *asked)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rejected"] == []
    kinds = [one["predicate_type"] for one in found["verified"]]
    return str(next(kind for kind in kinds if "cosign/sign" not in kind))
