"""What is written under the legacy tags: what cosign writes there, added to and never replaced."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.model.artifact import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Manifest
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import legacy, publication, simplesigning
from supplychain.signing.dsse import Envelope
from supplychain.signing.formats import FORMATS, Format, read_formats
from supplychain.signing.publication import SIGNATURE, Claim, Publication
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer
from tests.kit.legacy import layer, put, put_raw

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SBOM = b'{"bomFormat":"CycloneDX"}\n'
CLAIMS = (SIGNATURE, Claim(CYCLONEDX_PREDICATE, SBOM), Claim("https://x.example/v1", b"{}"))
LEGACY = (Format.LEGACY,)


def _sign(store: MemoryStore, subject: Subject, key: str = "release") -> Publication:
    return publication.sign_image(store, subject, signer(key), at=AT, formats=LEGACY)


def _under(store: MemoryStore, subject: Subject, suffix: str = "sig") -> Manifest:
    return store.manifest(store.tags[f"sha256-{subject.digest.hex}.{suffix}"])


def _value(store: MemoryStore, subject: Subject, suffix: str = "sig") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_under(store, subject, suffix).raw)
    return value


def test_the_signature_is_exactly_what_cosign_stores() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = _sign(store, subject)
    held = _under(store, subject)
    value = json.loads(held.raw)
    payload = (
        b'{"critical":{"identity":{"docker-reference":"registry.example/team/app"},'
        b'"image":{"docker-manifest-digest":"%b"},'
        b'"type":"cosign container image signature"},"optional":null}'
    ) % str(subject.digest).encode()
    (only,) = value["layers"]
    signature = only.pop("annotations")
    assert (held.media_type, held.digest) == (OCI_MANIFEST, made.manifest)
    assert only == {
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "size": len(payload),
        "digest": str(Digest.of(payload)),
    }
    assert [*signature] == ["dev.cosignproject.cosign/signature"]
    signer().public_key.verify(base64.b64decode(signature.popitem()[1]), payload)
    assert store.blobs[Digest.of(payload)] == payload
    assert made.payload == Digest.of(payload)
    config = store.blobs[Digest.parse(value["config"]["digest"])]
    assert value["config"] == {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "size": len(config),
        "digest": str(Digest.of(config)),
    }
    assert json.loads(config) == {
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": [{"created": "0001-01-01T00:00:00Z"}],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(payload))]},
        "config": {},
    }


def test_names_are_escaped_as_go_escapes_them() -> None:
    subject = Subject("a<b>&c\u2028é", Digest.of(b"x"))
    payload = simplesigning.write(subject)
    assert rb'"docker-reference":"a\u003cb\u003e\u0026c\u2028' in payload
    assert "é".encode() in payload
    assert json.loads(payload)["critical"]["identity"]["docker-reference"] == subject.name


def test_an_attestation_holds_the_very_envelope_of_its_bundle() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = publication.publish(store, subject, signer(), CLAIMS[1:], at=AT)
    bundles, layers = made[:2], made[2:]
    value = _value(store, subject, "att")
    assert [one["annotations"] for one in value["layers"]] == [
        {"dev.cosignproject.cosign/signature": "", "predicateType": claim.predicate_type}
        for claim in CLAIMS[1:]
    ]
    assert [one["mediaType"] for one in value["layers"]] == [
        "application/vnd.dsse.envelope.v1+json"
    ] * 2
    for bundle, kept in zip(bundles, layers, strict=True):
        envelope = json.loads(store.blobs[bundle.envelope])["dsseEnvelope"]
        assert json.loads(store.blobs[kept.envelope]) == envelope
        assert bundle.payload == kept.payload
    config = json.loads(store.blobs[Digest.parse(value["config"]["digest"])])
    assert config["rootfs"]["diff_ids"] == [one["digest"] for one in value["layers"]]


def test_each_form_is_published_for_each_claim() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = publication.publish(store, subject, signer(), CLAIMS, at=AT)
    types = [claim.predicate_type for claim in CLAIMS]
    assert [(m.format, m.predicate_type) for m in made] == [
        (form, kind) for form in FORMATS for kind in types
    ]
    assert len(store.referrers(subject.digest)) == 3
    assert [len(_value(store, subject, suffix)["layers"]) for suffix in ("sig", "att")] == [1, 2]


@pytest.mark.parametrize("form", FORMATS)
def test_one_form_alone_leaves_no_trace_of_the_other(form: Format) -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.publish(store, subject, signer(), CLAIMS, at=AT, formats=(form,))
    assert len(store.tags) == (2 if form is Format.LEGACY else 0)
    assert len(store.referrers(subject.digest)) == (3 if form is Format.BUNDLE else 0)


def test_signing_the_same_again_adds_nothing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    made = publication.publish(store, subject, signer(), CLAIMS, at=AT)
    before = (dict(store.blobs), dict(store.manifests), dict(store.tags))
    again = publication.publish(store, subject, signer(), CLAIMS, at=AT)
    assert [m.added for m in (*made, *again)] == [True] * 6 + [False] * 6
    assert [m.manifest for m in again] == [m.manifest for m in made]
    assert [m.envelope for m in again] == [m.envelope for m in made]
    assert (store.blobs, store.manifests, store.tags) == before


@pytest.mark.parametrize(("first", "second"), [FORMATS, FORMATS[::-1]])
def test_the_other_form_is_added_later_with_the_same_envelope(
    first: Format, second: Format
) -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.publish(store, subject, signer(), CLAIMS, at=AT, formats=(first,))
    made = publication.publish(store, subject, signer(), CLAIMS, at=AT)
    assert {m.format: m.added for m in made} == {first: False, second: True}
    report = verify(store, subject, Trust((signer().public_key,)), at=AT)
    envelopes = {
        Envelope.decode(one.data).signature for one in report.copies if "dsse" in one.media_type
    }
    bundles = [json.loads(one.data)["dsseEnvelope"] for one in report.documents]
    assert envelopes == {Envelope.parse(one).signature for one in bundles[1:]}


def test_another_key_another_document_another_image_each_add_a_layer() -> None:
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    first = _sign(store, subject)
    second = _sign(store, subject, "second")
    _sign(store, other)
    value = _value(store, subject)
    assert first.manifest != second.manifest
    assert len(value["layers"]) == 2
    assert len(_value(store, other)["layers"]) == 1
    config = json.loads(store.blobs[Digest.parse(value["config"]["digest"])])
    assert config["rootfs"]["diff_ids"] == [one["digest"] for one in value["layers"]]
    assert len(config["history"]) == 2


def test_signing_at_once_loses_nothing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    names = [f"key {number}" for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda name: _sign(store, subject, name), names))
    keys = tuple(signer(name).public_key for name in names)
    report = verify(store, subject, Trust(keys), at=AT)
    assert {a.key_fingerprint for a in report.signatures} == {key.fingerprint for key in keys}


def test_what_others_wrote_there_stays_as_it_is() -> None:
    store = MemoryStore()
    subject = put_image(store)
    config = b'{"author":"them","created":"2024-01-01T00:00:00Z","rootfs":{"diff_ids":["x"]}}'
    theirs = layer(store, simplesigning.write(subject), annotations={"theirs": "1"}, urls=["u"])
    described = {"mediaType": "text/x", "size": len(config), "digest": str(store.put_blob(config))}
    raw = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": described,
        "layers": [theirs],
        "annotations": {"kept": "yes"},
    }
    put_raw(store, subject, json.dumps(raw).encode(), media_type=DOCKER_MANIFEST)
    _sign(store, subject)
    held, value = _under(store, subject), _value(store, subject)
    assert held.media_type == value["mediaType"] == DOCKER_MANIFEST
    assert (value["layers"][0], value["annotations"]) == (theirs, {"kept": "yes"})
    assert value["config"]["mediaType"] == "text/x"
    assert json.loads(store.blobs[Digest.parse(value["config"]["digest"])]) == {
        "author": "them",
        "created": "2024-01-01T00:00:00Z",
        "rootfs": {"diff_ids": ["x", value["layers"][1]["digest"]]},
        "history": [{"created": "0001-01-01T00:00:00Z"}],
    }


def _an_index(store: MemoryStore, subject: Subject) -> None:
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    put_raw(store, subject, raw.encode(), media_type=OCI_INDEX)


def _the_image_itself(store: MemoryStore, subject: Subject) -> None:
    put_raw(store, subject, store.manifests[subject.digest].raw)


def _another_image(store: MemoryStore, subject: Subject) -> None:
    put(store, subject, [layer(store, b"x", mediaType="application/vnd.oci.image.layer.v1.tar")])


def _two_meanings(store: MemoryStore, subject: Subject) -> None:
    put_raw(store, subject, b'{"layers":[],"layers":[]}')


@pytest.mark.parametrize("occupy", [_an_index, _the_image_itself, _another_image, _two_meanings])
def test_what_is_no_image_of_signatures_is_not_written_over(
    occupy: Callable[[MemoryStore, Subject], None],
) -> None:
    store = MemoryStore()
    subject = put_image(store)
    occupy(store, subject)
    before = dict(store.tags)
    with pytest.raises(VerificationError, match="cannot be added to") as refused:
        _sign(store, subject)
    assert "nothing was changed" in str(refused.value.hint)
    assert store.tags == before


def test_there_is_no_layer_that_nobody_would_read() -> None:
    store = MemoryStore()
    subject = put_image(store)
    one = layer(store, b"x")
    put(store, subject, [one] * legacy.LAYER_LIMIT)
    with pytest.raises(LimitError, match="more than 1000 layers"):
        _sign(store, subject)
    put(store, subject, [one] * (legacy.LAYER_LIMIT + 1))
    with pytest.raises(LimitError, match="1001 layers"):
        _sign(store, subject)


def test_a_digest_without_legacy_tags_is_refused_before_anything_is_written() -> None:
    store = MemoryStore()
    subject = Subject(store.name, Digest("sha512", "0" * 128))
    with pytest.raises(InputError, match="legacy format") as refused:
        publication.sign_image(store, subject, signer(), at=AT)
    assert 'signature_formats = "bundle"' in str(refused.value.hint)
    assert store.blobs == {}
    assert verify(store, subject, Trust((signer().public_key,)), at=AT).documents == ()


def test_formats_are_read_as_people_write_them() -> None:
    assert read_formats(("legacy", "bundle", "legacy")) == FORMATS
    assert read_formats(("legacy",)) == LEGACY
    with pytest.raises(InputError, match="'sig' is no format"):
        read_formats(("bundle", "sig"))
    with pytest.raises(InputError, match="no format of signatures is given"):
        read_formats(())


def test_a_forged_twin_does_not_keep_us_from_signing() -> None:
    store = MemoryStore()
    subject = put_image(store)
    payload = simplesigning.write(subject)
    annotations = {"dev.cosignproject.cosign/signature": "AAAA"}
    put(store, subject, [layer(store, payload, annotations=annotations)], config=None)
    assert _sign(store, subject).added
    report = verify(store, subject, Trust((signer().public_key,)), at=AT)
    assert [a.predicate_type for a in report.verified] == [SIGNATURE_PREDICATE]
    assert len(report.rejected) == 1
