"""Types of predicates: each name means the URI that cosign means, and nothing passes as another."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing import predicate_types, predicates, statement
from supplychain.signing.predicate_types import CUSTOM_PREDICATE, NAMES, check
from supplychain.signing.statement import Statement
from tests.kit.predicates import PREDICATES, SPDX, SPDX_TEXT

AT = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
SUBJECT = Subject("registry.example/team/app", Digest.of(b"a manifest"))
# cosign 3.1, cmd/cosign/cli/options/predicate.go; `vsa` is ours.
URIS = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "cyclonedx": "https://cyclonedx.org/bom",
    "link": "https://in-toto.io/Link/v1",
    "openvex": "https://openvex.dev/ns",
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "vsa": "https://slsa.dev/verification_summary/v1",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
}


def test_names_mean_what_they_mean_to_cosign() -> None:
    assert dict(NAMES) == URIS
    assert {*PREDICATES} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_of_its_type_is_stated_byte_for_byte(name: str) -> None:
    document = json.dumps(PREDICATES[name], indent=1).encode()
    uri, predicate = predicates.prepared(name, document, at=AT)
    read = Statement.parse(statement.write(SUBJECT, uri, predicate))
    assert (read.predicate_type, read.predicate) == (URIS[name], document)


# What is changed: the path to a member and its new value; None takes it away.
WRONG: dict[str, tuple[str, tuple[str | int, ...], Any]] = {
    "custom without data": ("custom", ("Data",), None),
    "custom without a time": ("custom", ("Timestamp",), None),
    "custom with an empty time": ("custom", ("Timestamp",), ""),
    "CycloneDX by another name": ("cyclonedx", ("bomFormat",), "SPDX"),
    "a link of another type": ("link", ("_type",), "layout"),
    "a link without materials": ("link", ("materials",), None),
    "a link whose command is text": ("link", ("command",), "make"),
    "OpenVEX in another context": ("openvex", ("@context",), "https://example.com/ns"),
    "OpenVEX in a context that begins alike": ("openvex", ("@context",), "https://openvex.dev/nsx"),
    "OpenVEX without statements": ("openvex", ("statements",), None),
    "OpenVEX with none": ("openvex", ("statements",), []),
    "OpenVEX with a status of its own": ("openvex", ("statements", 0, "status"), "ignored"),
    "OpenVEX about nothing": ("openvex", ("statements", 0, "vulnerability"), None),
    "old provenance without a builder": ("slsaprovenance", ("builder",), None),
    "old provenance by nobody": ("slsaprovenance02", ("builder", "id"), ""),
    "old provenance of no kind of build": ("slsaprovenance", ("buildType",), None),
    "provenance without a definition": ("slsaprovenance1", ("buildDefinition",), None),
    "provenance of no kind": ("slsaprovenance1", ("buildDefinition", "buildType"), 1),
    "provenance of unknown parameters": (
        "slsaprovenance1",
        ("buildDefinition", "externalParameters"),
        None,
    ),
    "provenance of no run": ("slsaprovenance1", ("runDetails",), None),
    "provenance by nobody": ("slsaprovenance1", ("runDetails", "builder", "id"), None),
    "SPDX without a version": ("spdx", ("spdxVersion",), None),
    "SPDX of a version unknown": ("spdxjson", ("spdxVersion",), "SPDX-9.9"),
    "SPDX that is not itself": ("spdxjson", ("SPDXID",), None),
    "a summary by nobody": ("vsa", ("verifier", "id"), None),
    "a summary at no time": ("vsa", ("timeVerified",), None),
    "a summary at no instant": ("vsa", ("timeVerified",), "2026-13-01T00:00:00Z"),
    "a summary at a time without a zone": ("vsa", ("timeVerified",), "2026-01-01T00:00:00"),
    "a summary about nothing": ("vsa", ("resourceUri",), None),
    "a summary by no policy": ("vsa", ("policy",), None),
    "a summary by a policy without a name": ("vsa", ("policy", "uri"), None),
    "a summary that says maybe": ("vsa", ("verificationResult",), "passed"),
    "a summary without levels": ("vsa", ("verifiedLevels",), None),
    "a summary with a level that is none": ("vsa", ("verifiedLevels", 0), 2),
    "a scan without a scanner": ("vuln", ("scanner",), None),
    "a scan without a result": ("vuln", ("scanner", "result"), None),
}


@pytest.mark.parametrize(("name", "path", "value"), WRONG.values(), ids=WRONG)
def test_what_is_not_of_its_type_is_refused(
    name: str, path: tuple[str | int, ...], value: object
) -> None:
    changed = deepcopy(PREDICATES[name])
    check(NAMES[name], changed)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    if value is None:
        del place[path[-1]]
    with pytest.raises(InputError):
        check(NAMES[name], changed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, [], {}, "", "text", 1, True])
def test_nothing_else_is_of_any_type(name: str, value: object) -> None:
    with pytest.raises(InputError):
        check(NAMES[name], value)


@pytest.mark.parametrize(
    "uri",
    [
        "https://spdx.dev/Document/v2.3",
        "https://openvex.dev/ns/v0.2.0",
        "https://cyclonedx.org/bom/v1.6",
    ],
)
def test_a_version_behind_the_type_does_not_spare_the_check(uri: str) -> None:
    with pytest.raises(InputError):
        check(uri, {"anything": 1})


def test_spdx_3_is_known_by_its_context_and_graph() -> None:
    context = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    check(NAMES["spdx"], {"@context": context, "@graph": []})
    with pytest.raises(InputError):
        check(NAMES["spdx"], {"@context": context})


@pytest.mark.parametrize("text", [SPDX_TEXT, "# made by hand\r\n" + SPDX_TEXT, json.dumps(SPDX)])
def test_spdx_that_cosign_took_as_text_is_read_and_not_written(text: str) -> None:
    """Its document is the text, however JSON spells that."""
    head = json.loads(statement.write(SUBJECT, NAMES["spdx"], json.dumps(SPDX).encode()))
    payload = json.dumps(head | {"predicate": text}).encode()
    assert Statement.parse(payload).document == Digest.of(text.encode())
    with pytest.raises(InputError, match="not an object"):
        statement.write(SUBJECT, NAMES["spdx"], json.dumps(text).encode())


def test_spdx_that_is_not_json_is_not_stated() -> None:
    with pytest.raises(InputError, match="not JSON"):
        predicates.prepared("spdx", SPDX_TEXT.encode(), at=AT)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SPDX | {"spdxVersion": "1"}),
        '{"spdxVersion":"SPDX-2.3","spdxVersion":"SPDX-2.2","SPDXID":"x"}',
        "{",
        "SPDXVersion: 9",
        "xSPDXVersion: SPDX-2.3",
        "\ud800SPDXVersion: SPDX-2.3",
    ],
)
def test_text_that_is_no_spdx_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        check(NAMES["spdx"], text)


def test_custom_text_is_wrapped_as_cosign_does_and_not_twice() -> None:
    uri, wrapped = predicates.prepared("custom", "it <is> good\né".encode(), at=AT)
    assert uri == CUSTOM_PREDICATE
    assert json.loads(wrapped) == {"Data": "it <is> good\né", "Timestamp": "2026-01-15T12:00:00Z"}
    assert predicates.prepared("custom", wrapped, at=AT) == (uri, wrapped)
    other = b'{"Data": 1, "Timestamp": "now", "more": 2}'
    assert json.loads(predicates.prepared("custom", other, at=AT)[1])["Data"] == other.decode()


def test_what_is_no_text_cannot_be_wrapped() -> None:
    with pytest.raises(InputError, match="UTF-8"):
        predicates.prepared("custom", b"\xff\xfe", at=AT)


@pytest.mark.parametrize("name", ["slsaprovenance2", "VSA", "https://", "spdx.dev/Document"])
def test_other_words_are_no_types(name: str) -> None:
    with pytest.raises(InputError, match="not a predicate type"):
        predicate_types.type_uri(name)
