"""Statements and predicates: documents keep their bytes, forgeries do not parse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore.dsse import Statement as RefereeStatement

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    CYCLONEDX_PREDICATE,
    SIGNATURE_PREDICATE,
    VULNERABILITY_PREDICATE,
)
from supplychain.model.subject import Subject
from supplychain.signing import predicate_types, predicates, statement
from supplychain.signing.statement import Statement

SUBJECT = Subject("registry.example/team/app", Digest.of(b"a manifest"))
HEX = SUBJECT.digest.hex
CUSTOM = "https://example.com/predicate/v1"
SBOM = b'{\n  "bomFormat": "CycloneDX",\n  "x": "<\xc3\xa9\\u00e9>", "n": 1.0e3\n}\n'
AT = datetime(2026, 1, 15, 12, 0, 0, 999, tzinfo=UTC)


def _vulnerability(report: bytes) -> bytes:
    return predicates.vulnerability(
        report,
        scanner_uri="https://github.com/aquasecurity/trivy",
        scanner_version="0.76.0",
        database_uri="ghcr.io/aquasecurity/trivy-db:2",
        database_version="sha256:00",
        started_at=AT,
        finished_at=(AT + timedelta(seconds=2)).astimezone(timezone(timedelta(hours=2))),
    )


def test_an_image_signature_is_what_cosign_signs() -> None:
    payload = statement.write(SUBJECT, SIGNATURE_PREDICATE, predicates.SIGNATURE)
    assert payload == (
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%b"}}],'
        b'"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}' % HEX.encode()
    )
    assert Statement.parse(payload).document is None


@pytest.mark.parametrize("document", [SBOM, SBOM.strip(), b" \n" + SBOM])
def test_an_sbom_is_in_the_statement_byte_for_byte(document: bytes) -> None:
    payload = statement.write(SUBJECT, CYCLONEDX_PREDICATE, document)
    read = Statement.parse(payload)
    assert document in payload
    assert read.predicate == document
    assert read.document == Digest.of(document)
    assert json.loads(payload)["predicate"] == json.loads(document)


def test_the_name_and_type_are_escaped_as_json_wants_them() -> None:
    subject = Subject('a"\\é', SUBJECT.digest)
    value = json.loads(statement.write(subject, CUSTOM, b"{}"))
    assert value["subject"] == [{"name": 'a"\\é', "digest": {"sha256": HEX}}]


def test_sigstores_own_model_reads_the_statement() -> None:
    payload = statement.write(SUBJECT, CYCLONEDX_PREDICATE, SBOM)
    referee = RefereeStatement(payload)._inner
    assert referee.predicate_type == CYCLONEDX_PREDICATE
    assert referee.subjects[0].name == SUBJECT.name
    assert referee.subjects[0].digest.root == {"sha256": HEX}
    assert referee.predicate == json.loads(SBOM)


REPORT = b'{\n  "SchemaVersion": 2,\n  "ArtifactName": "a\\u003cb"\n}\n'


def test_a_scan_has_the_shape_that_cosign_specifies_and_keeps_the_report() -> None:
    predicate = _vulnerability(REPORT)
    assert json.loads(predicate) == {
        "invocation": {"parameters": None, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "https://github.com/aquasecurity/trivy",
            "version": "0.76.0",
            "db": {"uri": "ghcr.io/aquasecurity/trivy-db:2", "version": "sha256:00"},
            "result": json.loads(REPORT),
        },
        "metadata": {
            "scanStartedOn": "2026-01-15T12:00:00Z",
            "scanFinishedOn": "2026-01-15T12:00:02Z",
        },
    }
    read = Statement.parse(statement.write(SUBJECT, VULNERABILITY_PREDICATE, predicate))
    assert read.predicate == predicate
    assert read.document == Digest.of(REPORT)


@pytest.mark.parametrize("report", [b"", b"[]", b"null", b'{"a":1,"a":2}', b"{}}", b'{},"x":{}'])
def test_a_report_that_would_break_out_of_its_predicate_is_refused(report: bytes) -> None:
    with pytest.raises(InputError, match="the report"):
        _vulnerability(report)


@given(
    st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())),
    st.sampled_from([None, 2]),
)
def test_any_document_comes_out_as_it_went_in(value: dict[str, Any], indent: int | None) -> None:
    document = json.dumps(value, indent=indent).encode()
    for kind, predicate in (
        (CUSTOM, document),
        (VULNERABILITY_PREDICATE, _vulnerability(document)),
    ):
        read = Statement.parse(statement.write(SUBJECT, kind, predicate))
        assert (read.predicate, read.document) == (predicate, Digest.of(document))


WRONG_PREDICATES = {
    "null": (CUSTOM, b"null"),
    "a list": (CUSTOM, b"[]"),
    "text": (CUSTOM, b'"{}"'),
    "not JSON": (CUSTOM, b"{"),
    "one that closes the statement": (CUSTOM, b'{}},{"predicate":{}'),
    "one that adds a member": (CUSTOM, b'{},"predicateType":"x"'),
    "duplicate members": (CUSTOM, b'{"a":1,"a":1}'),
    "an SBOM that is none": (CYCLONEDX_PREDICATE, b'{"bomFormat":"SPDX"}'),
    "an empty SBOM": (CYCLONEDX_PREDICATE, b"{}"),
    "a scan without a scanner": (VULNERABILITY_PREDICATE, b"{}"),
    "a scan without a result": (VULNERABILITY_PREDICATE, b'{"scanner":{}}'),
    "an SBOM as a signature": (SIGNATURE_PREDICATE, SBOM),
}


@pytest.mark.parametrize(("kind", "predicate"), WRONG_PREDICATES.values(), ids=WRONG_PREDICATES)
def test_a_predicate_must_be_what_its_type_says(kind: str, predicate: bytes) -> None:
    with pytest.raises(InputError):
        statement.write(SUBJECT, kind, predicate)
    whole = {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind}
    head = json.dumps({**whole, "subject": [{"digest": {"sha256": HEX}}]})[:-1].encode()
    if not predicate.startswith(b"{},"):
        with pytest.raises(InputError):
            Statement.parse(b'%b,"predicate":%b}' % (head, predicate))


def _statement(**changes: Any) -> bytes:
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": HEX}}],
        "predicateType": CUSTOM,
        "predicate": {},
        **changes,
    }
    return json.dumps({k: v for k, v in value.items() if v != "left out"}).encode()


def test_the_older_statement_is_read_too() -> None:
    read = Statement.parse(_statement(_type="https://in-toto.io/Statement/v0.1"))
    read.require(SUBJECT.digest)


def test_unknown_fields_are_ignored_as_in_toto_demands() -> None:
    subject = {"digest": {"sha256": HEX}, "uri": "x", "annotations": {}}
    Statement.parse(_statement(subject=[subject], later=1)).require(SUBJECT.digest)


OURS = {"digest": {"sha256": HEX}}
MALFORMED: dict[str, dict[str, Any]] = {
    "another type": {"_type": "https://in-toto.io/Statement/v2"},
    "a type in other case": {"_Type": "https://in-toto.io/Statement/v1"},
    "a second predicate by case": {"Predicate": {"x": 1}},
    "a second predicateType by case": {"predicatetype": CYCLONEDX_PREDICATE},
    "no predicate": {"predicate": "left out"},
    "no predicateType": {"predicateType": "left out"},
    "a null predicateType": {"predicateType": None},
    "half a surrogate pair for a predicateType": {"predicateType": "\ud800"},
    "no subject": {"subject": "left out"},
    "null subjects": {"subject": None},
    "an empty list of subjects": {"subject": []},
    "a null subject": {"subject": [None]},
    "a null subject beside ours": {"subject": [OURS, None]},
    "a subject that is ours without a list": {"subject": OURS},
    "a subject without a digest": {"subject": [{"name": "x"}]},
    "a null digest": {"subject": [{"digest": None}]},
    "an empty digest": {"subject": [{"digest": {}}]},
    "a digest that is text": {"subject": [{"digest": f"sha256:{HEX}"}]},
    "a digest that is a list": {"subject": [{"digest": {"sha256": [HEX]}}]},
    "a digest by case": {"subject": [{"digest": {"sha256": "00"}, "Digest": {"sha256": HEX}}]},
    "a name that is a number": {"subject": [{"name": 1, **OURS}]},
    "ours last of ten thousand": {"subject": [{"digest": {"sha256": "00"}}] * 9999 + [OURS]},
}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_statements_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Statement.parse(_statement(**changes))


OTHERS: dict[str, Any] = {
    "another digest": {"sha256": Digest.of(b"another").hex},
    "our digest under another algorithm": {"sha512": HEX},
    "our digest under a weaker algorithm": {"sha1": HEX},
    "our digest in capitals": {"sha256": HEX.upper()},
    "our digest with its algorithm": {"sha256": f"sha256:{HEX}"},
    "our digest and white space": {"sha256": f"{HEX} "},
    "our digest, cut": {"sha256": HEX[:-1]},
    "the algorithm in capitals": {"SHA256": HEX},
    "our digest and another at once": {"sha256": HEX, "sha512": "00" * 64},
}


@pytest.mark.parametrize("digest", OTHERS.values(), ids=OTHERS.keys())
def test_a_statement_about_another_digest_is_refused(digest: dict[str, str]) -> None:
    read = Statement.parse(_statement(subject=[{"name": SUBJECT.name, "digest": digest}]))
    with pytest.raises(VerificationError, match="about another digest"):
        read.require(SUBJECT.digest)


def test_a_build_may_speak_of_several_images_but_a_signature_of_one() -> None:
    other = {"digest": {"sha256": Digest.of(b"another").hex}}
    Statement.parse(_statement(subject=[other, OURS])).require(SUBJECT.digest)
    signature = _statement(subject=[other, OURS], predicateType=SIGNATURE_PREDICATE)
    with pytest.raises(VerificationError, match="more than one subject"):
        Statement.parse(signature).require(SUBJECT.digest)


def test_as_many_subjects_are_read_as_github_attests_at_once_and_no_more() -> None:
    others = [{"digest": {"sha256": f"{number:064x}"}} for number in range(1024)]
    Statement.parse(_statement(subject=[*others[1:], OURS])).require(SUBJECT.digest)
    with pytest.raises(LimitError, match="1025 subjects"):
        Statement.parse(_statement(subject=[*others, OURS]))


def test_a_sha512_digest_is_named_as_such() -> None:
    subject = Subject("x", Digest("sha512", "ab" * 64))
    Statement.parse(statement.write(subject, CUSTOM, b"{}")).require(subject.digest)


def test_a_statement_beyond_the_limit_is_not_parsed() -> None:
    with pytest.raises(LimitError, match="the statement has"):
        Statement.parse(b" " * (32 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("name", "uri"),
    [("cyclonedx", CYCLONEDX_PREDICATE), ("vuln", VULNERABILITY_PREDICATE), (CUSTOM, CUSTOM)],
)
def test_types_go_by_cosigns_name_or_by_uri(name: str, uri: str) -> None:
    assert predicate_types.type_uri(name) == uri


@pytest.mark.parametrize("name", ["", "cyclone", "https://", "x y", "https://a b", "custom\n"])
def test_other_words_are_no_types(name: str) -> None:
    with pytest.raises(InputError, match="not a predicate type"):
        predicate_types.type_uri(name)


def test_a_signature_cannot_be_attested() -> None:
    with pytest.raises(InputError, match="not attested"):
        predicate_types.type_uri(SIGNATURE_PREDICATE)


def test_an_image_signature_may_leave_out_the_predicate_that_is_empty() -> None:
    """Cosign 2.6 writes its signature bundles so; nothing else may, and null is not nothing."""
    whole = json.loads(statement.write(SUBJECT, SIGNATURE_PREDICATE, predicates.SIGNATURE))
    del whole["predicate"]
    read = Statement.parse(json.dumps(whole).encode())
    assert (read.predicate, read.document) == (predicates.SIGNATURE, None)
    changes: tuple[dict[str, object], ...] = (
        {"predicate": None},
        {"predicateType": CUSTOM},
        {"Predicate": {}},
    )
    for change in changes:
        with pytest.raises(InputError, match="redicate"):
            Statement.parse(json.dumps(whole | change).encode())
