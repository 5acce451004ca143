"""Signatures that others made with the public Sigstore verify by the root that ships.

Their certificates expired minutes after they signed: what counts is the time of the log.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, VerifiedAttestation
from supplychain.model.identity import Identity, NameKind
from supplychain.model.subject import Subject
from supplychain.signing import bundle, embedded
from supplychain.signing.bundle import Bundle, MessageSignature
from supplychain.signing.encoding import read_pem
from supplychain.signing.trust.entries import Entry
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.material import Material
from supplychain.signing.trust.root import TrustedRoot, public_good
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import LogDemand, Trust
from supplychain.signing.verification import verify_document
from tests.kit.prose import REPOSITORY

DATA = REPOSITORY / "tests" / "data" / "sigstore"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
GITHUB = "https://token.actions.githubusercontent.com"
PERSON = "https://github.com/login/oauth"
SIGSTORE_JS = (
    "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
)


@dataclass(frozen=True)
class Exactly:
    """One name of one issuer."""

    name: str
    issuer: str

    def accepts(self, identity: Identity, /) -> bool:
        return (identity.name, identity.issuer) == (self.name, self.issuer)


@dataclass(frozen=True)
class Recorded:
    """What is in a file, and what it says."""

    file: str
    subject: str
    predicate_type: str
    who: Exactly
    logged: tuple[str, int]
    at: datetime
    media_type: str = bundle.MEDIA_TYPE
    claims: dict[str, str] = field(default_factory=dict)

    def verify(
        self, *, who: Any = None, subject: str = "", data: bytes = b""
    ) -> VerifiedAttestation:
        about = Subject("example", Digest.parse(subject or self.subject))
        trust = Trust(identities=(who or self.who,), root=public_good)
        return verify_document(data or self.data, self.media_type, about, trust, at=NOW)

    @property
    def data(self) -> bytes:
        return (DATA / self.file).read_bytes()


JS_2 = (
    "46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34"
    "640966eee9fc2ccca387082b4c85cd3c"
)
JS_1 = (
    "76176ffa33808b54602c7c35de5c6e9a4deb96066dba6533f50ac234f4f1f4c6b3527515dc17c06fbe2860030f410eee"
    "69ea20079bd3a2c6f3dcf3b329b10751"
)
DEHAMER = (
    "bbfd372fc9beeb777fe35d05bb10c0c70a9733d366a75fed7dd18866c7391de3ee7e88ba74dd47abf3e15c845e547fcf"
    "0e5c3da80854c751554224d3a6d4e55f"
)
RECORDED = [
    Recorded(
        "sigstore-js-2.0.0-provenance.sigstore.json",
        f"sha512:{JS_2}",
        "https://slsa.dev/provenance/v1",
        Exactly(SIGSTORE_JS, GITHUB),
        ("intoto 0.0.2", 31821305),
        datetime(2023, 8, 18, 16, 5, 35, tzinfo=UTC),
        claims={
            "source_repository_uri": "https://github.com/sigstore/sigstore-js",
            "source_repository_digest": "f0b49a04e5a62250e0f60fb128004a73110fe311",
            "run_invocation_uri": "https://github.com/sigstore/sigstore-js/actions/runs/5904696764"
            "/attempts/1",
            "github_workflow_name": "Release",
            "source_repository_visibility_at_signing": "public",
        },
    ),
    Recorded(
        "sigstore-js-1.3.0-provenance.sigstore.json",
        f"sha512:{JS_1}",
        "https://slsa.dev/provenance/v0.2",
        Exactly(SIGSTORE_JS, GITHUB),
        ("intoto 0.0.2", 18300934),
        datetime(2023, 4, 18, 17, 45, 12, tzinfo=UTC),
        claims={"runner_environment": "github-hosted"},
    ),
    Recorded(
        "dsse.sigstore.json",
        f"sha512:{DEHAMER}",
        "https://slsa.dev/provenance/v0.2",
        Exactly("brian@dehamer.com", PERSON),
        ("intoto 0.0.2", 6800908),
        datetime(2022, 11, 9, 23, 0, 36, tzinfo=UTC),
    ),
    Recorded(
        "legacy-signature.json",
        "sha256:623621b56649b5e0c2c7cf3ffd987932f8f9a5a01036e00d6f3ae9480087621c",
        SIGNATURE_PREDICATE,
        Exactly("sozercan@gmail.com", PERSON),
        ("hashedrekord 0.0.1", 13452680),
        datetime(2023, 2, 16, 5, 23, 5, tzinfo=UTC),
        embedded.MEDIA_TYPE,
    ),
    Recorded(
        "legacy-attestation.json",
        "sha256:a1e82f6a5f6dfc735165d3442e7cc5a615f72abac3db19452481f5f3c90fbfa8",
        "cosign.sigstore.dev/attestation/vuln/v1",
        Exactly(
            "https://github.com/distroless/static/.github/workflows/release.yaml@refs/heads/main",
            GITHUB,
        ),
        ("intoto 0.0.1", 3059470),
        datetime(2022, 7, 29, 2, 28, 49, tzinfo=UTC),
        embedded.MEDIA_TYPE,
        {
            "github_workflow_trigger": "schedule",
            "github_workflow_sha": "7e7572e578de7c51a2f1a1791f025cf315503aa2",
            "github_workflow_repository": "distroless/static",
        },
    ),
]
one_by_one = pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one.file)


@one_by_one
def test_what_others_signed_in_public_holds(recorded: Recorded) -> None:
    found = recorded.verify()
    assert found.predicate_type == recorded.predicate_type
    assert found.identity is not None
    assert recorded.who.accepts(found.identity)
    assert [(entry.kind, entry.index) for entry in found.log_entries] == [recorded.logged]
    assert [(time.at, time.name) for time in found.times] == [
        (recorded.at, "https://rekor.sigstore.dev")
    ]
    assert {name: found.identity.claim(name) for name in recorded.claims} == recorded.claims


@one_by_one
def test_another_name_another_issuer_and_another_digest_are_refused(recorded: Recorded) -> None:
    for who in (
        Exactly(f"{recorded.who.name}.evil.example", recorded.who.issuer),
        Exactly(recorded.who.name[:-1], recorded.who.issuer),
        Exactly(recorded.who.name, f"{recorded.who.issuer}/"),
    ):
        with pytest.raises(VerificationError, match="somebody who is not trusted"):
            recorded.verify(who=who)
    with pytest.raises(VerificationError, match="about another digest"):
        recorded.verify(subject=f"sha256:{'0' * 64}")


def _later(value: Any) -> None:
    material = value.get("verificationMaterial")
    if material is not None:
        entry = material["tlogEntries"][0]
        entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)
        return
    _annotated(value, lambda entry: entry["Payload"].update(integratedTime=1893456000))


def _elsewhere(value: Any) -> None:
    material = value.get("verificationMaterial")
    if material is not None:
        material["tlogEntries"][0]["logIndex"] = "1"
        return
    _annotated(value, lambda entry: entry["Payload"].update(logIndex=1))


def _unlogged(value: Any) -> None:
    material = value.get("verificationMaterial")
    if material is not None:
        material["tlogEntries"] = []
        return
    del value["annotations"]["dev.sigstore.cosign/bundle"]


def _annotated(value: Any, edit: Callable[[Any], object]) -> None:
    name = "dev.sigstore.cosign/bundle"
    entry = json.loads(value["annotations"][name])
    edit(entry)
    value["annotations"][name] = json.dumps(entry)


@one_by_one
@pytest.mark.parametrize("edit", [_later, _elsewhere, _unlogged])
def test_what_is_changed_is_refused(recorded: Recorded, edit: Callable[[Any], None]) -> None:
    value = json.loads(recorded.data)
    edit(value)
    with pytest.raises((InputError, VerificationError)):
        recorded.verify(data=json.dumps(value).encode())


@one_by_one
def test_by_the_root_of_others_nothing_holds(recorded: Recorded) -> None:
    root = TrustedRoot.parse((DATA / "scaffolding-root.json").read_bytes())
    trust = Trust(identities=(recorded.who,), root=lambda: root)
    about = Subject("example", Digest.parse(recorded.subject))
    with pytest.raises(VerificationError, match="that the trusted root does not name"):
        verify_document(recorded.data, recorded.media_type, about, trust, at=NOW)


def test_two_signatures_are_one_too_many() -> None:
    data = (DATA / "dsse-2sigs.sigstore.json").read_bytes()
    with pytest.raises(InputError, match="not exactly one signature"):
        Bundle.parse(data)


def test_a_key_in_the_public_log() -> None:
    data = (DATA / "sigstore-js-1.3.0-publish.sigstore.json").read_bytes()
    _, spki = read_pem((DATA / "npm-publish.pub").read_bytes(), "the key")
    trust = Trust((VerifyingKey(spki),), root=public_good, log_of_keys=LogDemand.REQUIRED)
    about = Subject("example", Digest.parse(f"sha512:{JS_1}"))
    found = verify_document(data, bundle.MEDIA_TYPE, about, trust, at=NOW)
    assert found.identity is None
    assert [(e.kind, e.index) for e in found.log_entries] == [("intoto 0.0.2", 18300940)]
    assert [time.at for time in found.times] == [datetime(2023, 4, 18, 17, 45, 16, tzinfo=UTC)]
    value = json.loads(data)
    del value["verificationMaterial"]["tlogEntries"]
    with pytest.raises(VerificationError, match="no transparency log holds"):
        verify_document(json.dumps(value).encode(), bundle.MEDIA_TYPE, about, trust, at=NOW)


def test_somebody_with_a_name_of_another_kind() -> None:
    read = Bundle.parse((DATA / "othername.sigstore.json").read_bytes())
    assert isinstance(read.content, MessageSignature)
    signed = Signed(read.content.signature, read.content.digest)
    root = TrustedRoot.parse((DATA / "scaffolding-root.json").read_bytes())
    who = Exactly("foo!oidc.local", "http://oidc.local:8080")
    trust = Trust(identities=(who,), root=lambda: root)
    found = establish(signed, read.material, trust, at=NOW)
    assert found.identity is not None
    assert found.identity.kind is NameKind.OTHER
    with pytest.raises(SupplyChainError):
        establish(Signed(read.content.signature, b"\0" * 32), read.material, trust, at=NOW)


def test_a_key_with_a_timestamp() -> None:
    content = b"test content"
    read = Bundle.parse((DATA / "public-key-validity.sigstore.json").read_bytes())
    _, spki = read_pem((DATA / "public-key-validity.pub").read_bytes(), "the key")
    root = TrustedRoot.parse((DATA / "public-key-validity-root.json").read_bytes())
    trust = Trust((VerifyingKey(spki),), root=lambda: root, timestamp=True)
    assert isinstance(read.content, MessageSignature)
    signature = read.content.signature
    found = establish(Signed.over(content, signature), read.material, trust, at=NOW)
    assert [time.at for time in found.times] == [datetime(2026, 6, 4, 17, 43, 29, tzinfo=UTC)]
    with pytest.raises(VerificationError, match="no given key"):
        establish(Signed.over(content + b"!", signature), read.material, trust, at=NOW)
    public = Trust((VerifyingKey(spki),), root=public_good)
    with pytest.raises(VerificationError, match="timestamp does not verify"):
        establish(Signed.over(content, signature), read.material, public, at=NOW)


def test_an_entry_of_the_public_log_of_the_second_generation() -> None:
    value = json.loads((DATA / "rekor-v2-entry.json").read_bytes())
    entry = Entry.parse(value)
    said = json.loads(entry.body)["spec"]["hashedRekordV002"]
    spki = b64decode(said["signature"]["verifier"]["publicKey"]["rawBytes"])
    digest = b64decode(said["data"]["digest"])
    signed = Signed(b64decode(said["signature"]["content"]), digest)
    signed.require(VerifyingKey(spki))
    material = Material(entries=(entry,))
    trust = Trust((VerifyingKey(spki),), root=public_good, log_of_keys=LogDemand.REQUIRED)
    found = establish(signed, material, trust, at=NOW)
    assert [(one.log, one.index, one.kind) for one in found.log_entries] == [
        ("https://log2025-1.rekor.sigstore.dev", 412114, "hashedrekord 0.0.2")
    ]
    assert found.times == ()
    value["logIndex"] = "412115"
    with pytest.raises(VerificationError, match="another index than its inclusion proof"):
        establish(signed, Material(entries=(Entry.parse(value),)), trust, at=NOW)
    before = datetime(2025, 9, 22, tzinfo=UTC)
    with pytest.raises(VerificationError, match="the log entry is of"):
        establish(signed, material, trust, at=before)
