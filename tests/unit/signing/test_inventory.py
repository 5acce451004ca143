"""What there is beside a digest: each thing once, with what became of it, and nothing believed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, LimitError
from supplychain.model.artifact import OCI_INDEX, OCI_MANIFEST, Manifest
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE, SIGNATURE_PREDICATE
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.signing import buildkit, bundle_files, inventory, publication
from supplychain.signing.documents import Document
from supplychain.signing.inventory import Attached, Form, State
from supplychain.signing.publication import SIGNATURE, Claim
from supplychain.signing.statement import write
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.trust import NOBODY, Trust
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.keys import signer
from tests.kit.predicates import PREDICATES
from tests.kit.sigstore.forge import Forge

AT = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
REVIEW = "https://example.com/review/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
OLD_PROVENANCE = "https://slsa.dev/provenance/v0.2"
OURS = Trust((signer().public_key,))
STATEMENT = "application/vnd.in-toto+json"


def _stock(store: MemoryStore, subject: Subject, trust: Trust = OURS) -> tuple[Attached, ...]:
    return inventory.take_stock(store, subject, trust, at=AT)


def _states(found: tuple[Attached, ...]) -> list[tuple[str, str, str]]:
    return [(o.state, o.form, o.says.predicate_type if o.says else "") for o in found]


def _published(store: MemoryStore, name: str = "release") -> Subject:
    subject = put_image(store)
    claims = (SIGNATURE, Claim(REVIEW, b'{"by":"Ann"}'))
    publication.publish(store, subject, signer(name), claims, at=AT)
    return subject


def test_everything_is_told_of_in_each_of_its_forms() -> None:
    store = MemoryStore()
    subject = _published(store)
    found = _stock(store, subject)
    kinds = (SIGNATURE_PREDICATE, REVIEW)
    assert _states(found) == [
        (State.VERIFIED, form, kind) for form in (Form.BUNDLE, Form.LEGACY) for kind in kinds
    ]
    assert {one.attestation.verified_by for one in found if one.attestation} == {
        f"key:{signer().public_key.fingerprint}"
    }
    review = found[1]
    assert review.says is not None
    assert review.says.predicate == b'{"by":"Ann"}'
    assert store.blobs[review.digest] == review.data


def test_without_a_key_nothing_is_verified_however_good_it_is() -> None:
    store = MemoryStore()
    found = _stock(store, _published(store), NOBODY)
    assert {one.state for one in found} == {State.UNVERIFIED}
    assert all(one.attestation is None for one in found)


def test_what_another_signed_is_rejected_and_still_says_what_it_is() -> None:
    store = MemoryStore()
    found = _stock(store, _published(store, "another"))
    assert {one.state for one in found} == {State.REJECTED}
    assert all("signature" in one.reason for one in found)
    assert [kind for _, _, kind in _states(found)] == [SIGNATURE_PREDICATE, REVIEW] * 2


@pytest.mark.parametrize("trust", [OURS, NOBODY])
def test_what_is_about_another_image_is_rejected_whoever_asks(trust: Trust) -> None:
    store = MemoryStore()
    _published(store)
    bundles = [m for m in store.manifests.values() if b'"subject"' in m.raw]
    other = put_image(store, "other")
    for manifest in bundles:
        moved = json.loads(manifest.raw)
        moved["subject"]["digest"] = str(other.digest)
        store.put_manifest(json.dumps(moved).encode(), OCI_MANIFEST)
    found = _stock(store, other, trust)
    assert [one.state for one in found] == [State.REJECTED] * 2
    assert all("about another digest" in one.reason for one in found)


def test_what_is_no_bundle_is_foreign_and_what_is_broken_is_rejected() -> None:
    store = MemoryStore()
    subject = put_image(store)
    for media_type, data in (
        ("application/spdx+json", b"{}"),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", b"{}"),
    ):
        layer = {
            "mediaType": media_type,
            "digest": str(store.put_blob(data)),
            "size": len(data),
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "layers": [layer],
            "subject": {"digest": str(subject.digest)},
        }
        store.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST)
    foreign, broken = _stock(store, subject)
    assert (foreign.state, foreign.media_type) == (State.FOREIGN, "application/spdx+json")
    assert (broken.state, broken.says) == (State.REJECTED, None)
    assert "mediaType" in broken.reason


@pytest.mark.parametrize(
    ("kind", "name"), [(PROVENANCE, "slsaprovenance1"), (OLD_PROVENANCE, "slsaprovenance")]
)
def test_provenance_is_shown_with_who_built_and_how(kind: str, name: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    claim = Claim(kind, json.dumps(PREDICATES[name]).encode())
    publication.publish(store, subject, signer(), (claim,), at=AT)
    for one in _stock(store, subject):
        assert one.says is not None
        assert one.says.build is not None
        assert (one.says.build.builder, one.says.build.kind, one.says.build.source) == (
            "https://example.com/builder",
            "https://example.com/build/v1",
            "https://example.com/shop",
        )
        assert one.attestation is not None
        assert one.attestation.build == one.says.build


def test_who_refers_to_an_sbom_that_is_there_states_it() -> None:
    store = MemoryStore()
    subject = put_image(store)
    sbom = json.dumps(PREDICATES["cyclonedx"]).encode()
    claim = publication.referring(Document.of(sbom), subject, "https://ci.example")
    publication.publish(store, subject, signer(), (claim,), at=AT)
    (stated,) = [o for o in _stock(store, subject) if o.form is Form.BUNDLE and o.attestation]
    assert stated.predicate_type == CYCLONEDX_PREDICATE
    assert stated.says is not None
    assert "reference" in stated.says.predicate_type
    # Unverified, it is what it says: a reference to something.
    blind = [o for o in _stock(store, subject, NOBODY) if o.state is State.UNVERIFIED]
    assert {o.predicate_type for o in blind} == {stated.says.predicate_type}


class _Anybody:
    def accepts(self, identity: Identity, /) -> bool:
        return bool(identity.name)


def test_bundles_of_the_field_are_verified_by_whom_they_were_issued_to() -> None:
    """As GitHub and GitLab leave them: a certificate, a log entry, several subjects."""
    store, forge = MemoryStore(), Forge.create()
    subject = put_image(store)
    trust = Trust((), (_Anybody(),), root=lambda: TrustedRoot.parse(forge.trusted_root()))
    whole = json.loads(
        write(subject, PROVENANCE, json.dumps(PREDICATES["slsaprovenance1"]).encode())
    )
    whole["subject"] += [{"name": "other", "digest": {"sha256": "00" * 32}}]
    attested = forge.attest(json.dumps(whole).encode())
    lines = b"\n".join((attested.bundle(), attested.bundle())) + b"\n"
    documents = bundle_files.read(lines, "shop.jsonl")
    found = inventory.of_file(documents, (put_image(store, "other"), subject), trust, at=AT)
    assert [(o.state, o.form, o.subject) for o in found] == [
        (State.VERIFIED, Form.FILE, subject)
    ] * 2
    assert found[0].data == attested.bundle()
    assert found[0].attestation is not None
    assert found[0].attestation.identity is not None
    (refused,) = inventory.of_file(documents[:1], (subject,), OURS, at=AT)
    assert refused.state is State.REJECTED


def test_a_bundle_in_a_file_about_something_else_is_refused() -> None:
    store = MemoryStore()
    subject = _published(store)
    bundle = next(b for b in store.blobs.values() if b.startswith(b'{"mediaType"'))
    other = put_image(store, "other")
    for trust in (OURS, NOBODY):
        (found,) = inventory.of_file(bundle_files.read(bundle, "f"), (other,), trust, at=AT)
        assert (found.state, found.subject) == (State.REJECTED, other)
    (found,) = inventory.of_file(bundle_files.read(bundle, "f"), (other, subject), OURS, at=AT)
    assert (found.state, found.subject) == (State.VERIFIED, subject)


def _bundle() -> bytes:
    store = MemoryStore()
    _published(store)
    return next(b for b in store.blobs.values() if b.startswith(b'{"mediaType"'))


def test_a_file_holds_one_bundle_or_one_on_each_line() -> None:
    bundle = _bundle()
    pretty = json.dumps(json.loads(bundle), indent=2).encode() + b"\n"
    envelope = json.dumps(json.loads(bundle)["dsseEnvelope"]).encode()
    assert [one.data for one in bundle_files.read(bundle + b"\n", "f")] == [bundle]
    assert [one.data for one in bundle_files.read(pretty, "f")] == [pretty]
    lines = b"\r\n".join((bundle, b"", envelope, b""))
    assert [one.data for one in bundle_files.read(lines, "f")] == [bundle, envelope]
    assert [one.media_type for one in bundle_files.read(lines, "f")] == [
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dsse.envelope.v1+json",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n \n",
        b"[]",
        b"null",
        b"{}",
        b'{"mediaType":"application/json"}',
        b'{"mediaType":1}\n{"mediaType":1}',
        b'{"payloadType":"x"}\n[]',
        b'{"payloadType":"x"} {"payloadType":"x"}',
        b'{"payloadType":"x","payloadType":"x"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        bundle_files.read(data, "f")


def test_a_file_with_more_than_anybody_needs_is_refused() -> None:
    with pytest.raises(LimitError, match="1001 lines"):
        bundle_files.read(b'{"payloadType":"x"}\n' * 1001, "f")


def _index(store: MemoryStore, children: list[dict[str, Any]]) -> Manifest:
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).encode()
    return store.manifest(store.put_manifest(raw, OCI_INDEX))


def _kept(
    store: MemoryStore, about: str, payload: bytes, *, media_type: str = STATEMENT
) -> dict[str, Any]:
    """An attestation manifest of BuildKit's, as an index lists it."""
    layer = {
        "mediaType": media_type,
        "digest": str(store.put_blob(payload)),
        "size": len(payload),
        "annotations": {"in-toto.io/predicate-type": OLD_PROVENANCE},
    }
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [layer]}
    raw = json.dumps(manifest).encode()
    return {
        "mediaType": OCI_MANIFEST,
        "digest": str(store.put_manifest(raw, OCI_MANIFEST)),
        "size": len(raw),
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": about,
        },
    }


def _unsigned(store: MemoryStore, subject: Subject, child: dict[str, Any]) -> Attached:
    ((about, found),) = buildkit.read(store, _index(store, [child]))
    assert about == subject.digest
    return inventory.of_buildkit(subject, found)


def test_what_buildkit_left_is_unsigned_and_shows_who_says_to_have_built() -> None:
    store = MemoryStore()
    subject = put_image(store)
    payload = write(subject, OLD_PROVENANCE, json.dumps(PREDICATES["slsaprovenance"]).encode())
    found = _unsigned(store, subject, _kept(store, str(subject.digest), payload))
    assert (found.state, found.form, found.data) == (State.UNSIGNED, Form.BUILDKIT, payload)
    assert found.says is not None
    assert found.says.build is not None
    assert (found.says.predicate_type, found.says.build.builder) == (
        OLD_PROVENANCE,
        "https://example.com/builder",
    )
    assert (found.reason, found.attestation) == ("", None)


def test_buildkit_that_was_told_no_builder_is_still_shown_with_what_is_wrong() -> None:
    store = MemoryStore()
    subject = put_image(store)
    predicate = {"builder": {"id": ""}, "buildType": "https://mobyproject.org/buildkit@v1"}
    whole = json.loads(write(subject, REVIEW, json.dumps(predicate).encode()))
    payload = json.dumps(whole | {"predicateType": OLD_PROVENANCE}).encode()
    found = _unsigned(store, subject, _kept(store, str(subject.digest), payload))
    assert found.state is State.UNSIGNED
    assert found.says is not None
    assert (found.says.predicate_type, found.says.build) == (OLD_PROVENANCE, None)
    assert "id is empty" in found.reason


def test_a_statement_about_another_platform_says_so() -> None:
    store = MemoryStore()
    subject, other = put_image(store), put_image(store, "other")
    payload = write(other, REVIEW, b"{}")
    found = _unsigned(store, subject, _kept(store, str(subject.digest), payload))
    assert (found.state, "another digest" in found.reason) == (State.UNSIGNED, True)


def test_one_broken_attestation_manifest_hides_no_other() -> None:
    store = MemoryStore()
    subject = put_image(store)
    digest, payload = str(subject.digest), write(subject, REVIEW, b"{}")
    good = _kept(store, digest, payload)
    children = [
        _kept(store, "nonsense", payload),
        good | {"digest": str(Digest.of(b"gone"))},
        {"digest": 1, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        {"digest": digest, "annotations": None},
        _kept(store, digest, b"\xff"),
        _kept(store, digest, b"x", media_type="text/plain"),
        good,
    ]
    index = _index(store, children)
    found = [
        inventory.of_buildkit(Subject("x", about), one)
        for about, one in buildkit.read(store, index)
    ]
    assert [one.state for one in found] == [
        State.REJECTED,
        State.REJECTED,
        State.REJECTED,
        State.UNSIGNED,
        State.FOREIGN,
        State.UNSIGNED,
    ]
    assert found[0].subject.digest == index.digest
    assert "UTF-8" in found[3].reason or "utf-8" in found[3].reason
    assert found[-1].reason == ""


def test_an_image_without_an_index_holds_nothing_of_buildkit() -> None:
    store = MemoryStore()
    assert list(buildkit.read(store, store.manifest(put_image(store).digest))) == []


def test_more_than_anybody_needs_is_refused_and_not_cut_short() -> None:
    store = MemoryStore()
    subject = put_image(store)
    child = _kept(store, str(subject.digest), b"{}")
    with pytest.raises(LimitError, match="1001 attestation manifests"):
        list(buildkit.read(store, _index(store, [child] * 1001)))


def test_a_statement_in_base64_is_no_statement() -> None:
    """Nobody decodes for a forger: what is signed is what is read."""
    store = MemoryStore()
    subject = put_image(store)
    payload = base64.b64encode(write(subject, REVIEW, b"{}"))
    found = _unsigned(store, subject, _kept(store, str(subject.digest), payload))
    assert "strict JSON" in found.reason


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_bundles_are_found_by_what_older_versions_were_called(version: str) -> None:
    store = MemoryStore()
    subject = put_image(store)
    publication.sign_image(store, subject, signer(), at=AT)
    (made,) = (m for m in store.manifests.values() if b'"subject"' in m.raw)
    older = json.loads(made.raw)
    older["layers"][0]["mediaType"] = f"application/vnd.dev.sigstore.bundle+json;version={version}"
    store.put_manifest(json.dumps(older).encode(), OCI_MANIFEST)
    found = [one for one in _stock(store, subject) if one.form is Form.BUNDLE]
    assert [one.state for one in found] == [State.VERIFIED] * 2
