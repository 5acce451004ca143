"""Provenance of our own steps: complete, the same for the same facts, and no build's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from supplychain.images.layout import OciLayout
from supplychain.images.resolve import PlatformImage, resolve
from supplychain.model.digest import Digest
from supplychain.model.evidence import PIPELINE_BUILD_TYPE, PROVENANCE_PREDICATE, Producer
from supplychain.model.subject import Subject
from supplychain.pipeline.provenance import Invocation, Purpose, provenance
from supplychain.scan.scanner import ScanResult
from supplychain.signing import statement
from supplychain.signing.statement import Statement
from tests.kit.forging import child, forge, forge_index
from tests.kit.runs import sbom_record, scan_record
from tests.kit.scans import AT, DATABASE, TRIVY
from tests.kit.shop import digest_of

POLICY = Digest.of(b"a policy")
NAME = "registry.test/shop/web"
DONE_AT = AT + timedelta(minutes=2)


@pytest.fixture
def image(tmp_path: Path) -> PlatformImage:
    layout = forge(tmp_path / "layout")
    (image,) = resolve(OciLayout(layout), Digest.parse(digest_of(layout)), name=NAME).images
    return image


def _invocation(image: Subject, **changes: Any) -> Invocation:
    run = Invocation(
        builder="https://ci.example/shop",
        product=Producer("supplychain", "1.2.3"),
        image=image,
        tag="1.4",
        purpose=Purpose("prod", POLICY),
        begun_at=AT,
    )
    return replace(run, **changes)


def _provenance(image: PlatformImage, run: Invocation) -> bytes:
    scan = scan_record(subject=image.subject)
    sbom = sbom_record(subject=image.subject)
    return provenance(run, image, ScanResult(scan.scan, scan.report), sbom, finished_at=DONE_AT)


def test_it_says_by_what_means_the_evidence_was_made(image: PlatformImage) -> None:
    said = json.loads(_provenance(image, _invocation(image.subject)))
    digest, short = image.subject.digest, image.subject.digest.short
    purl = f"pkg:oci/web@{digest}?arch=amd64&repository_url={NAME}"
    assert said == {
        "buildDefinition": {
            "buildType": PIPELINE_BUILD_TYPE,
            "externalParameters": {
                "source": f"{NAME}:1.4",
                "environment": "prod",
                "policy": str(POLICY),
            },
            "internalParameters": {"platform": "linux/amd64"},
            "resolvedDependencies": [
                {"name": "image", "uri": purl, "digest": {"sha256": digest.hex}},
                {
                    "name": "scanner",
                    "uri": "pkg:github/aquasecurity/trivy@0.76.0",
                    "digest": {"sha256": _hex(TRIVY.digest)},
                },
                {
                    "name": "vulnerability database",
                    "uri": "pkg:github/aquasecurity/trivy-db",
                    "digest": {"sha256": DATABASE.digest.hex},
                    "annotations": {"updatedAt": "2026-01-15T06:00:00Z"},
                },
                {"name": "policy", "digest": {"sha256": POLICY.hex}},
            ],
        },
        "runDetails": {
            "builder": {"id": "https://ci.example/shop", "version": {"supplychain": "1.2.3"}},
            "metadata": {
                "invocationId": f"{short}-20260115T120000.000000Z",
                "startedOn": "2026-01-15T12:00:00Z",
                "finishedOn": "2026-01-15T12:02:00Z",
            },
            "byproducts": [
                {
                    "name": "scan",
                    "digest": {"sha256": Digest.of(b"{}").hex},
                    "mediaType": "application/vnd.aquasecurity.trivy.report+json",
                },
                {
                    "name": "sbom",
                    "digest": {"sha256": Digest.of(b'{"sbom": 1}').hex},
                    "mediaType": "application/vnd.cyclonedx+json",
                },
            ],
        },
    }


def _hex(digest: Digest | None) -> str:
    assert digest is not None
    return digest.hex


def test_the_same_facts_are_the_same_bytes_and_another_run_is_another_statement(
    image: PlatformImage,
) -> None:
    run = _invocation(image.subject)
    assert _provenance(image, run) == _provenance(image, _invocation(image.subject))
    later = replace(run, begun_at=AT + timedelta(microseconds=1))
    assert _provenance(image, later) != _provenance(image, run)


def test_it_can_be_signed_and_read_as_provenance(image: PlatformImage) -> None:
    predicate = _provenance(image, _invocation(image.subject))
    read = Statement.parse(statement.write(image.subject, PROVENANCE_PREDICATE, predicate))
    assert read.predicate == predicate


def test_what_nobody_said_is_left_out(image: PlatformImage) -> None:
    run = _invocation(image.subject, tag=None, purpose=Purpose())
    definition = json.loads(_provenance(image, run))["buildDefinition"]
    assert definition["externalParameters"] == {"source": f"{NAME}@{image.subject.digest}"}
    assert "policy" not in [one["name"] for one in definition["resolvedDependencies"]]


def test_of_an_index_each_platform_names_the_index_and_itself(tmp_path: Path) -> None:
    path = tmp_path / "layout"
    forge_index(path, [child(path, "linux/amd64"), child(path, "linux/arm64")])
    found = resolve(OciLayout(path), Digest.parse(digest_of(path)), name=NAME)
    for image in found.images:
        said = json.loads(_provenance(image, _invocation(found.subject)))["buildDefinition"]
        index, own, *_ = said["resolvedDependencies"]
        assert (index["name"], index["digest"]) == ("index", {"sha256": found.subject.digest.hex})
        assert index["uri"] == f"pkg:oci/web@{found.subject.digest}?repository_url={NAME}"
        assert (own["name"], own["digest"]) == ("image", {"sha256": image.subject.digest.hex})
        assert said["internalParameters"] == {"platform": str(image.platform)}
