"""What is believed under the legacy tags, and each forgery that is refused, with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, RegistryError, VerificationError
from supplychain.model.artifact import (
    MANIFEST_LIMIT,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import dsse, found, legacy, publication, simplesigning, statement
from supplychain.signing.encoding import write_base64
from supplychain.signing.formats import Format
from supplychain.signing.publication import SIGNATURE, Claim
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import VerificationReport, verify, verify_document
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer
from tests.kit.legacy import SIGNATURE as ANNOTATION
from tests.kit.legacy import attestation, layer, put, put_raw

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX","version":1}\n'
KEY = signer().public_key
LEGACY = (Format.LEGACY,)
CLAIMS = (SIGNATURE, Claim(CYCLONEDX_PREDICATE, SBOM))
OTHER = Subject("other", Digest.of(b"another image"))


def _verify(store: MemoryStore, subject: Subject) -> VerificationReport:
    return verify(store, subject, Trust((KEY,)), at=AT)


def _reason(report: VerificationReport) -> str:
    assert (report.documents, report.copies) == ((), ())
    (rejection,) = report.rejected
    return rejection.reason


def test_a_signature_and_an_attestation_are_believed() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = publication.publish(store, subject, signer(), CLAIMS, at=AT, formats=LEGACY)
    report = _verify(store, subject)
    signed, attested = report.verified
    assert (report.rejected, report.foreign, report.copies) == ((), (), ())
    assert [a.predicate_type for a in report.verified] == [SIGNATURE_PREDICATE, CYCLONEDX_PREDICATE]
    assert [a.envelope for a in report.verified] == [m.envelope for m in made]
    assert [a.payload for a in report.verified] == [m.payload for m in made]
    assert {a.key_fingerprint for a in report.verified} == {KEY.fingerprint}
    assert (signed.subject, signed.predicate_digest) == (subject, None)
    assert attested.predicate_digest == Digest.of(SBOM)
    assert [d.manifest for d in report.documents] == [m.manifest for m in made]


def test_what_was_verified_can_be_verified_again_from_the_bytes_alone() -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.publish(store, subject, signer(), CLAIMS, at=AT)
    report = _verify(store, subject)
    for one in (*report.documents, *report.copies):
        assert Digest.of(one.data) == one.attestation.envelope
        again = verify_document(one.data, one.media_type, subject, Trust((KEY,)), at=AT)
        assert again == one.attestation


def test_one_statement_in_two_forms_counts_once_as_its_bundle() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = publication.publish(store, subject, signer(), CLAIMS, at=AT)
    report = _verify(store, subject)
    held = {m.format: [one.envelope for one in made if one.format is m.format] for m in made}
    assert [d.attestation.envelope for d in report.documents] == held[Format.BUNDLE]
    assert [d.attestation.envelope for d in report.copies] == held[Format.LEGACY]
    assert len(report.signatures) == 1


def test_what_another_key_or_another_document_says_is_no_copy() -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.publish(store, subject, signer(), CLAIMS, at=AT, formats=(Format.BUNDLE,))
    publication.publish(store, subject, signer("second"), CLAIMS, at=AT, formats=LEGACY)
    changed = (Claim(CYCLONEDX_PREDICATE, SBOM.strip()),)
    publication.publish(store, subject, signer(), changed, at=AT, formats=LEGACY)
    report = verify(store, subject, Trust((KEY, signer("second").public_key)), at=AT)
    assert (len(report.documents), report.copies) == (5, ())


def test_the_name_that_the_signer_gave_proves_nothing_and_harms_nothing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    elsewhere = simplesigning.write(Subject("registry.example/elsewhere", subject.digest))
    put(store, subject, [layer(store, elsewhere)])
    report = _verify(store, subject)
    assert [a.subject for a in report.signatures] == [subject]
    assert b"elsewhere" in simplesigning.SignatureLayer.parse(report.documents[0].data).payload


def _payload(subject: Subject, **changes: Any) -> bytes:
    value = json.loads(simplesigning.write(subject)) | changes
    return json.dumps(value).encode()


def _critical(subject: Subject, **changes: Any) -> bytes:
    critical = json.loads(simplesigning.write(subject))["critical"] | changes
    return _payload(subject, critical=critical)


Forgery = Callable[[MemoryStore, Subject], dict[str, Any]]


def _says(make: Callable[[Subject], bytes]) -> Forgery:
    """A payload that we signed and that is not what it should be."""
    return lambda store, subject: layer(store, make(subject))


def _differs(**changes: Any) -> Forgery:
    """A genuine layer whose descriptor differs."""
    return lambda store, subject: layer(store, simplesigning.write(subject), **changes)


def _annotated(**more: str) -> Forgery:
    def forge(store: MemoryStore, subject: Subject) -> dict[str, Any]:
        made = layer(store, simplesigning.write(subject))
        return made | {"annotations": made["annotations"] | more}

    return forge


def _by_another(store: MemoryStore, subject: Subject) -> dict[str, Any]:
    payload = simplesigning.write(subject)
    signature = write_base64(signer("attacker").sign(payload))
    return layer(store, payload, annotations={ANNOTATION: signature})


def _resigned(store: MemoryStore, subject: Subject) -> dict[str, Any]:
    """Our signature over another image's payload, on the payload of this one."""
    theirs = write_base64(signer().sign(simplesigning.write(OTHER)))
    return layer(store, simplesigning.write(subject), annotations={ANNOTATION: theirs})


def _pae(store: MemoryStore, subject: Subject) -> dict[str, Any]:
    """What we signed as an attestation, offered as an image signature."""
    payload = simplesigning.write(subject)
    signature = write_base64(dsse.seal(payload, signer()).signature)
    return layer(store, payload, annotations={ANNOTATION: signature})


def _not_canonical(store: MemoryStore, subject: Subject) -> dict[str, Any]:
    made = layer(store, simplesigning.write(subject))
    return made | {"annotations": {ANNOTATION: made["annotations"][ANNOTATION] + "\n"}}


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "by another key": (_by_another, "no given key verifies the signature"),
    # CVE-2022-36056: a signature, its payload and its image that do not belong together.
    "another image's payload and signature": (
        _says(lambda _: simplesigning.write(OTHER)),
        "about another digest",
    ),
    "another image's signature on our payload": (_resigned, "no given key verifies"),
    "an attestation's signature on our payload": (_pae, "no given key verifies"),
    # CVE-2022-35929: a payload that is not parsed, or not what it is taken for.
    "an unparsable payload": (_says(lambda _: b"\x00"), "the payload is not strict JSON"),
    "an empty payload": (_says(lambda _: b""), "the payload is not strict JSON"),
    "a payload and more": (_says(lambda s: simplesigning.write(s) + b"{}"), "more after its end"),
    "another type of payload": (
        _says(lambda s: _critical(s, type="atomic container signature")),
        "'atomic container signature', not",
    ),
    "no type": (
        _says(lambda s: _payload(s, critical={"identity": {}, "image": {}})),
        "has no 'type'",
    ),
    "a statement for a payload": (
        _says(lambda s: statement.write(s, SIGNATURE_PREDICATE, b"{}")),
        "the payload has no 'critical'",
    ),
    "two digests": (
        _says(
            lambda s: simplesigning.write(s).replace(
                b'"docker-manifest-digest"',
                b'"docker-manifest-digest":"%b","docker-manifest-digest"'
                % str(OTHER.digest).encode(),
            )
        ),
        "the same member twice",
    ),
    "a digest that differs by case": (
        _says(lambda s: simplesigning.write(s).replace(b"manifest-digest", b"Manifest-digest")),
        "the image has no 'docker-manifest-digest'",
    ),
    "a look-alike beside": (
        _says(lambda s: _payload(s, Critical={})),
        "a member that is not understood: 'Critical'",
    ),
    "a null digest": (
        _says(lambda s: _critical(s, image={"docker-manifest-digest": None})),
        "docker-manifest-digest is not a string",
    ),
    "an optional part that is no object": (
        _says(lambda s: _payload(s, optional=[])),
        "optional part is not an object",
    ),
    "no annotations": (_differs(annotations=None), "carries no signature"),
    "no signature among the annotations": (_differs(annotations={"x": "y"}), "no signature"),
    "an empty signature": (_differs(annotations={ANNOTATION: ""}), "no given key verifies"),
    "a signature that is no text": (_differs(annotations={ANNOTATION: 1}), "is not a string"),
    "a signature that is not canonical base64": (_not_canonical, "is not base64"),
    "a certificate that is none": (
        _annotated(**{"dev.sigstore.cosign/certificate": "x"}),
        "the layer's certificate is none",
    ),
    "a log entry that is none": (
        _annotated(**{"dev.sigstore.cosign/bundle": "{}"}),
        "no 'SignedEntryTimestamp'",
    ),
    "an annotation that is not understood": (
        _annotated(**{"dev.sigstore.cosign/revoked": "true"}),
        "'revoked', which is not understood",
    ),
    # CVE-2023-46737, CVE-2024-29902: what is too much to read is not begun with.
    "a payload that says it is huge": (
        _differs(size=simplesigning.PAYLOAD_LIMIT + 1),
        "at most 1048576 are read",
    ),
    "a payload that is longer than it says": (_differs(size=3), "larger"),
    "a negative size": (_differs(size=-1), "the layer has no size"),
    "a layer that is not there": (_differs(digest=str(OTHER.digest)), "there is no blob"),
    "a weak digest": (_differs(digest="md5:" + "0" * 32), "'md5' is not accepted"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_signature_is_rejected_with_its_reason(forge: Forgery, words: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest = put(store, subject, [forge(store, subject)])
    report = _verify(store, subject)
    assert words in _reason(report)
    assert report.rejected[0].reason.startswith("layer 1 of .sig: ")
    assert report.rejected[0].manifest == digest


@pytest.mark.parametrize("forge", [forge for forge, _ in FORGERIES.values()], ids=FORGERIES.keys())
def test_one_forgery_does_not_hide_what_is_genuine_beside_it(forge: Forgery) -> None:
    store = MemoryStore()
    subject = put_image(store)
    put(store, subject, [forge(store, subject), layer(store, simplesigning.write(subject))])
    report = _verify(store, subject)
    assert (len(report.signatures), len(report.rejected)) == (1, 1)


def test_signatures_swapped_between_two_layers_are_rejected() -> None:
    """CVE-2022-36056: each is genuine, and neither belongs to its payload."""
    store = MemoryStore()
    subject = put_image(store)
    first = layer(store, simplesigning.write(subject))
    second = layer(store, simplesigning.write(Subject("elsewhere", subject.digest)))
    first["annotations"], second["annotations"] = second["annotations"], first["annotations"]
    put(store, subject, [first, second])
    report = _verify(store, subject)
    assert report.documents == ()
    assert ["no given key verifies" in r.reason for r in report.rejected] == [True, True]


def test_a_signature_said_twice_in_one_layer_is_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = json.dumps(layer(store, simplesigning.write(subject)))
    twice = made.replace(f'"{ANNOTATION}"', f'"{ANNOTATION}":"AAAA","{ANNOTATION}"')
    put_raw(store, subject, b'{"layers":[%b]}' % twice.encode())
    assert "the same member twice" in _reason(_verify(store, subject))


def test_other_bytes_than_the_layer_names_are_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = layer(store, simplesigning.write(subject))
    store.blobs[Digest.parse(made["digest"])] = simplesigning.write(OTHER)
    put(store, subject, [made | {"size": len(simplesigning.write(OTHER))}])
    assert "other bytes came" in _reason(_verify(store, subject))


def _an_index(store: MemoryStore, subject: Subject) -> tuple[bytes, str]:
    return b'{"schemaVersion":2,"manifests":[]}', OCI_INDEX


def _the_image_itself(store: MemoryStore, subject: Subject) -> tuple[bytes, str]:
    return store.manifests[subject.digest].raw, OCI_MANIFEST


def _holding(*layers: Any) -> Callable[[MemoryStore, Subject], tuple[bytes, str]]:
    return lambda store, subject: (json.dumps({"layers": list(layers)}).encode(), OCI_MANIFEST)


def _too_many(store: MemoryStore, subject: Subject) -> tuple[bytes, str]:
    layers = [layer(store, simplesigning.write(subject))] * (legacy.LAYER_LIMIT + 1)
    return json.dumps({"layers": layers}).encode(), OCI_MANIFEST


OCCUPIED: dict[str, tuple[Callable[[MemoryStore, Subject], tuple[bytes, str]], str]] = {
    "an index": (_an_index, f"it is {OCI_INDEX}"),
    "the image itself": (_the_image_itself, "holds nothing that is signed"),
    "another image": (_holding({"mediaType": "application/x-tar"}), "it holds 'application/x-tar'"),
    "attestations": (_holding({"mediaType": dsse.MEDIA_TYPE}), dsse.MEDIA_TYPE),
    "a null layer": (_holding(None), "a layer is not an object"),
    "no JSON": (lambda _store, _subject: (b"[]", OCI_MANIFEST), "is not an object"),
    # CVE-2024-29903: more signatures than anybody reads.
    "1001 layers": (_too_many, "1001 layers, at most 1000"),
}


@pytest.mark.parametrize(("occupy", "words"), OCCUPIED.values(), ids=OCCUPIED.keys())
def test_what_is_no_image_of_signatures_is_rejected(
    occupy: Callable[[MemoryStore, Subject], tuple[bytes, str]], words: str
) -> None:
    store = MemoryStore()
    subject = put_image(store)
    raw, media_type = occupy(store, subject)
    # Behind the store's back: a registry may hold what it should have refused.
    digest = Digest.of(raw)
    store.manifests[digest] = Manifest(media_type, digest, raw)
    store.tags[f"sha256-{subject.digest.hex}.sig"] = digest
    assert words in _reason(_verify(store, subject))
    publication.sign_image(store, subject, signer(), at=AT, formats=(Format.BUNDLE,))
    assert len(_verify(store, subject).signatures) == 1


def test_an_image_of_signatures_that_is_too_large_or_missing_is_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    tag = f"sha256-{subject.digest.hex}.sig"
    raw = b" " * (MANIFEST_LIMIT + 1)
    store.manifests[Digest.of(raw)] = Manifest(OCI_MANIFEST, Digest.of(raw), raw)
    store.tags[tag] = Digest.of(raw)
    assert f"the tag {tag}: manifest" in _reason(_verify(store, subject))
    store.manifests[Digest.of(raw)] = Manifest(OCI_MANIFEST, Digest.of(raw), b"{}")
    assert "other bytes came" in _reason(_verify(store, subject))


class _Garbled(MemoryStore):
    def resolve(self, tag: str) -> Descriptor:
        raise InputError(f"{tag} is neither an image manifest nor an index")


def test_a_tag_that_names_nothing_usable_is_rejected() -> None:
    store = _Garbled()
    subject = put_image(store)
    report = _verify(store, subject)
    assert [r.manifest for r in report.rejected] == [subject.digest] * 2
    assert report.rejected[0].reason.startswith(f"the tag sha256-{subject.digest.hex}.sig: ")


class _Unreachable(MemoryStore):
    def resolve(self, tag: str) -> Descriptor:
        raise RegistryError(f"the registry answered 503 for {tag}")


def test_a_registry_that_fails_is_an_error_and_no_rejection() -> None:
    store = _Unreachable()
    with pytest.raises(RegistryError):
        _verify(store, put_image(store))


def _attested(**changes: Any) -> Forgery:
    def forge(store: MemoryStore, subject: Subject) -> dict[str, Any]:
        data = dsse.seal(statement.write(subject, CYCLONEDX_PREDICATE, SBOM), signer()).encode()
        value = json.dumps(json.loads(data) | changes).encode()
        return layer(store, value, mediaType=dsse.MEDIA_TYPE, annotations={})

    return forge


def _stating(make: Callable[[Subject], bytes], key: str = "release") -> Forgery:
    return lambda store, subject: attestation(store, make(subject), key)


def _enveloped(data: bytes) -> Forgery:
    return lambda store, subject: layer(store, data, mediaType=dsse.MEDIA_TYPE)


ATTESTED: dict[str, tuple[Forgery, str]] = {
    "by another key": (
        _stating(lambda s: statement.write(s, CYCLONEDX_PREDICATE, SBOM), "attacker"),
        "no given key verifies",
    ),
    "another image's": (
        _stating(lambda _: statement.write(OTHER, CYCLONEDX_PREDICATE, SBOM)),
        "about another digest",
    ),
    "a changed payload type": (_attested(payloadType="application/json"), "'application/json'"),
    "no signature": (_attested(signatures=[]), "not exactly one signature"),
    "a changed payload": (_attested(payload=write_base64(b"{}")), "no given key verifies"),
    "something beside": (_attested(extra=1), "not understood: 'extra'"),
    # CVE-2022-35929: cosign verified what it could not parse.
    "an unparsable payload": (_stating(lambda _: b"not json"), "statement is not strict JSON"),
    "no envelope": (_enveloped(b"[]"), "the envelope is not an object"),
    "an unparsable envelope": (_enveloped(b"\xff"), "the envelope is not strict JSON"),
    "a signature's payload": (_stating(simplesigning.write), "the statement has no '_type'"),
    "no SBOM under its type": (
        _stating(
            lambda s: statement.write(s, "https://x.example", b"{}").replace(
                b"https://x.example", CYCLONEDX_PREDICATE.encode()
            )
        ),
        "not a CycloneDX document",
    ),
    "an envelope that says it is huge": (
        lambda store, _: layer(
            store, b"{}", mediaType=dsse.MEDIA_TYPE, size=dsse.ENVELOPE_LIMIT + 1
        ),
        "are read",
    ),
}


@pytest.mark.parametrize(("forge", "words"), ATTESTED.values(), ids=ATTESTED.keys())
def test_a_forged_attestation_is_rejected_with_its_reason(forge: Forgery, words: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    put(store, subject, [forge(store, subject)], "att")
    assert words in _reason(_verify(store, subject))


def test_the_annotation_of_an_attestation_decides_nothing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = attestation(store, statement.write(subject, "https://x.example/v1", b"{}"))
    made["annotations"]["predicateType"] = SIGNATURE_PREDICATE
    put(store, subject, [made], "att")
    report = _verify(store, subject)
    assert [a.predicate_type for a in report.verified] == ["https://x.example/v1"]
    with pytest.raises(VerificationError):
        report.require(SIGNATURE_PREDICATE)


def test_the_tags_of_another_image_do_not_serve_this_one() -> None:
    """A tag of this digest that points at another image's signatures and attestations."""
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    publication.publish(store, other, signer(), CLAIMS, at=AT, formats=LEGACY)
    for suffix in ("sig", "att"):
        theirs = store.tags[f"sha256-{other.digest.hex}.{suffix}"]
        store.tags[f"sha256-{subject.digest.hex}.{suffix}"] = theirs
    report = _verify(store, subject)
    assert report.documents == ()
    assert ["about another digest" in r.reason for r in report.rejected] == [True, True]


def test_endless_bytes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "TOTAL_LIMIT", 1000)
    store = MemoryStore()
    subject = put_image(store)
    put(store, subject, [layer(store, b"%d" % number * 400) for number in range(3)])
    with pytest.raises(InputError, match="more than 1000 bytes together"):
        _verify(store, subject)


def test_a_document_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError, match="'text/plain' is no form"):
        verify_document(b"{}", "text/plain", OTHER, Trust((KEY,)), at=AT)


def test_a_kept_layer_must_hold_what_it_names() -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.sign_image(store, subject, signer(), at=AT, formats=LEGACY)
    (document,) = _verify(store, subject).documents
    value = json.loads(document.data)
    for change in ({"size": 1}, {"digest": str(OTHER.digest)}, {"data": write_base64(b"{}")}):
        with pytest.raises(VerificationError, match="content is not"):
            verify_document(
                json.dumps(value | change).encode(),
                document.media_type,
                subject,
                Trust((KEY,)),
                at=AT,
            )
    with pytest.raises(InputError, match="no signature"):
        verify_document(
            json.dumps(value | {"mediaType": "text/plain"}).encode(),
            document.media_type,
            subject,
            Trust((KEY,)),
            at=AT,
        )
