"""The validator, and what the CycloneDX project's own library says to the same documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.sbom.cyclonedx import SpecVersion
from supplychain.sbom.parsing import SIZE_LIMIT
from supplychain.sbom.schema import validate
from tests.kit.sboms import changed, make_sbom

Change = Callable[[dict[str, Any]], object]


def first(document: dict[str, Any]) -> dict[str, Any]:
    component: dict[str, Any] = document["components"][0]
    return component


ACCEPTED: dict[str, Change] = {
    "as made": lambda d: None,
    "no components": lambda d: d.pop("components"),
    "no serial number": lambda d: d.pop("serialNumber"),
    "a nested component": lambda d: first(d).update(components=[{"type": "file", "name": "f"}]),
    "an SPDX expression": lambda d: first(d).update(licenses=[{"expression": "MIT OR ISC"}]),
    "a named licence": lambda d: first(d).update(licenses=[{"license": {"name": "Ours"}}]),
    "a JSF signature": lambda d: d.update(signature={"signers": []}),
}
REFUSED: dict[str, tuple[Change, str]] = {
    "no name": (lambda d: first(d).pop("name"), "/components/0"),
    "unknown type": (lambda d: first(d).update(type="gadget"), "/components/0/type"),
    "unknown member": (lambda d: first(d).update(colour="red"), "/components/0"),
    "unknown top-level member": (lambda d: d.update(colour="red"), "its root"),
    "not an SPDX identifier": (
        lambda d: first(d).update(licenses=[{"license": {"id": "NOPE"}}]),
        "/components/0/licenses/0/license/id",
    ),
    "neither licence nor expression": (
        lambda d: first(d).update(licenses=[{}]),
        "/components/0/licenses/0",
    ),
    "unknown hash algorithm": (
        lambda d: first(d).update(hashes=[{"alg": "CRC-32", "content": "ab" * 16}]),
        "/components/0/hashes/0/alg",
    ),
    "hash of a wrong length": (
        lambda d: first(d).update(hashes=[{"alg": "SHA-256", "content": "abc"}]),
        "/components/0/hashes/0/content",
    ),
    "serial number that is no UUID": (lambda d: d.update(serialNumber="urn:x"), "/serialNumber"),
    "version below one": (lambda d: d.update(version=0), "/version"),
    "the same component twice": (
        lambda d: d["components"].append(first(d)),
        "/components",
    ),
    "unknown aggregate": (
        lambda d: d["compositions"][0].update(aggregate="perhaps"),
        "/compositions/0/aggregate",
    ),
    "a signature without a value": (
        lambda d: d.update(signature={"algorithm": "HS256"}),
        "/signature",
    ),
}


def referee(document: bytes, spec_version: str) -> bool:
    validator = JsonStrictValidator(SchemaVersion.from_version(spec_version))
    return validator.validate_str(document.decode()) is None


@pytest.mark.parametrize("spec_version", ["1.6", "1.7"])
@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts_what_the_referee_accepts(change: Change, spec_version: SpecVersion) -> None:
    document = changed(make_sbom(spec_version=spec_version), change)

    assert referee(document, spec_version)
    validate(document)


@pytest.mark.parametrize("spec_version", ["1.6", "1.7"])
@pytest.mark.parametrize(("change", "pointer"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_the_referee_refuses_and_says_where(
    change: Change, pointer: str, spec_version: SpecVersion
) -> None:
    document = changed(make_sbom(spec_version=spec_version), change)

    assert not referee(document, spec_version)
    with pytest.raises(VerificationError) as caught:
        validate(document)
    assert str(caught.value) == (
        f"the SBOM breaks the CycloneDX {spec_version} schema at {pointer}"
    )
    assert caught.value.because


def test_formats_are_checked() -> None:
    document = changed(make_sbom(), lambda d: d["metadata"].update(timestamp="yesterday"))
    with pytest.raises(VerificationError, match="/metadata/timestamp") as caught:
        validate(document)
    assert "date-time" in (caught.value.because or "")


def test_pointer_is_escaped() -> None:
    broken = changed(make_sbom(), lambda d: d["metadata"].update(tools=[{"name": "a", "~/": 1}]))
    with pytest.raises(VerificationError, match="/metadata/tools/0"):
        validate(broken)


def test_mixed_licences_are_what_1_7_brought() -> None:
    mixed = [{"license": {"id": "MIT"}}, {"expression": "ISC OR Zlib"}]
    validate(changed(make_sbom(spec_version="1.7"), lambda d: first(d).update(licenses=mixed)))
    with pytest.raises(VerificationError, match="/components/0/licenses"):
        validate(changed(make_sbom(), lambda d: first(d).update(licenses=mixed)))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff{}", "not JSON"),
        (b'{"bomFormat": NaN}', "not JSON"),
        (b"[" * 1100 + b"]" * 1100, "not JSON"),
        (b"[]", "not a CycloneDX SBOM"),
        (b"{}", "not a CycloneDX SBOM"),
        (b'{"spdxVersion":"SPDX-2.3"}', "not a CycloneDX SBOM"),
        (b'{"bomFormat":"CycloneDX"}', "CycloneDX None is not supported"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.3"}', "CycloneDX 1.3 is not supported"),
        (b'{"bomFormat":"CycloneDX","specVersion":"9.9"}', "CycloneDX 9.9 is not supported"),
        (b'{"bomFormat":"CycloneDX","specVersion":["1.6"]}', "is not supported"),
    ],
)
def test_what_is_no_supported_document_is_refused(document: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate(document)


def test_size_is_limited_before_anything_is_parsed() -> None:
    with pytest.raises(LimitError, match="bytes"):
        validate(b" " * (SIZE_LIMIT + 1))


def test_deep_nesting_is_judged_without_harm() -> None:
    inner: dict[str, Any] = {"type": "library"}  # it lacks a name
    opening = b'{"type":"library","name":"x","components":['
    deep = opening * 400 + orjson.dumps(inner) + b"]}" * 400
    document = b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[' + deep + b"]}"

    with pytest.raises(VerificationError, match=r"/components/0/components/0/.*"):
        validate(document)
