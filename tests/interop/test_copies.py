"""What cosign signed, cosign verifies where it was copied to; and so does what we refer to."""

from __future__ import annotations

import base64
import json
import re

import pytest

from supplychain.images.reference import Reference
from supplychain.signing.reference import REFERENCE_PREDICATE
from tests.interop import tools
from tests.interop.conftest import Signed
from tests.interop.matrix import COSIGN_2, COSIGN_3, OURS, REGISTRIES, WHATS
from tests.interop.tools import Bench
from tests.kit.cli import PROGRAM
from tests.kit.registry import RunningRegistry


def _copied(bench: Bench, image: str, address: str) -> str:
    """The reference of a copy of an image in another registry."""
    source = Reference.parse(image)
    there = Reference(address, f"copies/{source.repository}")
    done = bench.type(PROGRAM, "copy", image, f"{there}:1.0")
    assert done.returncode == 0, done.stderr
    return f"{there}@{source.digest}"


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize("form", ["bundle", "legacy"])
@pytest.mark.parametrize("by", [COSIGN_3, COSIGN_2])
def test_a_copy_verifies_as_the_original_does(
    by: str,
    form: str,
    registry: str,
    signed: Signed,
    bench: Bench,
    debian_registry: RunningRegistry,
    with_the_api: str,
) -> None:
    image = signed(by, form, registry)
    # From each kind of registry into the other.
    address = debian_registry.address if registry == REGISTRIES[0] else with_the_api
    copy = _copied(bench, image, address)
    for reader in (by, OURS):
        for what in WHATS:
            assert bench.verify(reader, what, copy) == bench.verify(reader, what, image)
            assert bench.verify(reader, what, copy, "other") != ""
    assert bench.verify(by, "signature", copy) == ""


def test_what_others_signed_at_the_destination_counts_on(
    signed: Signed, bench: Bench, debian_registry: RunningRegistry
) -> None:
    image = signed(COSIGN_3, "legacy", REGISTRIES[0])
    source = Reference.parse(image)
    there = Reference(debian_registry.address, f"merged/{source.repository}")
    plain = bench.type(PROGRAM, "copy", signed(OURS, "legacy", REGISTRIES[0]), f"{there}:1.0")
    assert plain.returncode == 0, plain.stderr
    copy = f"{there}@{source.digest}"
    bench.type(PROGRAM, "copy", image, f"{there}:1.0", "--force").check_returncode()
    signing = ("--key", "other.key", *tools.SIGNING[COSIGN_3, "legacy"])
    bench.type(tools.program(COSIGN_3), "sign", *signing, copy).check_returncode()
    bench.type(PROGRAM, "copy", image, f"{there}:1.0", "--force").check_returncode()
    for key in ("release", "other"):
        assert bench.verify(COSIGN_3, "signature", copy, key) == ""


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_cosign_verifies_a_reference_to_a_large_sbom(
    form: str, signed: Signed, bench: Bench
) -> None:
    cosign = tools.program(COSIGN_3)
    image = re.sub(r"/interop/", "/large/", signed(COSIGN_3, form, REGISTRIES[0]))
    copied = bench.type(PROGRAM, "copy", signed(COSIGN_3, form, REGISTRIES[0]), image)
    assert copied.returncode == 0, copied.stderr
    document = json.dumps({"bomFormat": "CycloneDX", "components": [{"name": "x" * 4000}]})
    (bench.folder / "large.json").write_text(document)
    done = bench.type(
        *(PROGRAM, "attest", image, "--key", "release.key"),
        *("--type", "cyclonedx", "--predicate", "large.json"),
        SUPPLYCHAIN_WHOLE_SBOM="1KiB",
        SUPPLYCHAIN_SIGNATURE_FORMATS=form,
    )
    assert done.returncode == 0, done.stderr
    options = ("--key", "release.pub", "--insecure-ignore-tlog=true")
    read = bench.type(cosign, "verify-attestation", *options, "--type", REFERENCE_PREDICATE, image)
    assert read.returncode == 0, read.stderr
    statement = json.loads(base64.b64decode(json.loads(read.stdout)["payload"]))
    assert [one["mediaType"] for one in statement["predicate"]["references"]] == [
        "application/vnd.cyclonedx+json"
    ]
