"""What bundles prove about files, and what they do not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.gate.identities import TrustedIdentity
from supplychain.model.digest import Digest
from supplychain.signing import blobs
from supplychain.signing.blobs import Blob
from supplychain.signing.publication import Claim
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.trust import Trust
from tests.kit.keys import signer
from tests.kit.sigstore import AT, HOUR, ISSUER, Forge, Identity

FILE = b"what is in the file"
ALICE = "alice@example.com"
REVIEW = "https://example.com/review/v1"
NOW = AT + HOUR


def blob(data: bytes = FILE, name: str = "file", *, held: bool = True) -> Blob:
    digests = tuple(Digest(a, hashlib.new(a, data).hexdigest()) for a in ("sha256", "sha512"))
    return Blob(name, digests, data if held else None)


def statement(*subjects: dict[str, str], kind: str = REVIEW) -> bytes:
    listed = [{"name": "file", "digest": one} for one in subjects or ({"sha256": sha("sha256")},)]
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": listed,
        "predicateType": kind,
        "predicate": {} if "sign/v1" in kind else {"good": True},
    }
    return json.dumps(value).encode()


def sha(algorithm: str, data: bytes = FILE) -> str:
    return hashlib.new(algorithm, data).hexdigest()


@pytest.fixture(scope="module")
def forge() -> Forge:
    return Forge.create()


def trusting(forge: Forge, name: str = ALICE, issuer: str = ISSUER) -> Trust:
    identity = TrustedIdentity(identity=name, issuer=issuer)
    root = TrustedRoot.parse(forge.trusted_root())
    return Trust(identities=(identity,), root=lambda: root)


def test_what_a_key_signs_it_verifies() -> None:
    made = blobs.sign(blob(), signer())
    for held in (True, False):
        found = blobs.verify(made, blob(held=held), Trust((signer().public_key,)), at=NOW)
        assert found.predicate_type is None
        assert found.established.key_fingerprint == signer().public_key.fingerprint
    value = json.loads(made)
    assert value["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert set(value["messageSignature"]) == {"messageDigest", "signature"}
    with pytest.raises(VerificationError, match="no given key"):
        blobs.verify(made, blob(), Trust((signer("other").public_key,)), at=NOW)


def test_what_a_key_states_it_verifies() -> None:
    made = blobs.attest(blob(), signer(), Claim(REVIEW, b'{"good":true}'))
    trust = Trust((signer().public_key,))
    assert blobs.verify(made, blob(), trust, at=NOW).predicate_type == REVIEW
    blobs.verify(made, blob(), trust, at=NOW, predicate_type=REVIEW)
    with pytest.raises(VerificationError, match=r"states no https://slsa"):
        blobs.verify(made, blob(), trust, at=NOW, predicate_type="https://slsa.dev/provenance/v1")
    with pytest.raises(VerificationError, match="about another file"):
        blobs.verify(made, blob(b"another"), trust, at=NOW)


@pytest.mark.parametrize("log", ["rekor", "tiles"])
@pytest.mark.parametrize("held", [True, False])
def test_what_an_identity_signs_is_theirs(forge: Forge, log: str, held: bool) -> None:
    made = forge.sign(FILE, log=getattr(forge, log)).bundle()
    found = blobs.verify(made, blob(held=held), trusting(forge), at=NOW)
    assert found.established.identity is not None
    assert found.established.identity.name == ALICE
    for name, issuer in ((f"{ALICE}.evil", ISSUER), (ALICE, f"{ISSUER}/"), ("alice", ISSUER)):
        with pytest.raises(VerificationError, match="somebody who is not trusted"):
            blobs.verify(made, blob(held=held), trusting(forge, name, issuer), at=NOW)
    with pytest.raises(VerificationError):
        blobs.verify(made, blob(b"another", held=held), trusting(forge), at=NOW)


def test_a_key_of_another_curve_counts_where_a_certificate_names_it(forge: Forge) -> None:
    made = forge.sign(FILE, key=generate_private_key(SECP384R1())).bundle()
    for held in (True, False):
        blobs.verify(made, blob(held=held), trusting(forge), at=NOW)


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_bundles_of_every_version_are_read(forge: Forge, version: str) -> None:
    value: dict[str, Any] = forge.sign(FILE).value()
    value["mediaType"] = f"application/vnd.dev.sigstore.bundle+json;version={version}"
    if version != "0.3":
        material = value["verificationMaterial"]
        certificates = [material.pop("certificate")]
        material["x509CertificateChain"] = {"certificates": certificates}
    blobs.verify(json.dumps(value).encode(), blob(), trusting(forge), at=NOW)


def test_a_statement_counts_for_the_file_wherever_that_stands_in_it(forge: Forge) -> None:
    others = [{"sha256": sha("sha256", b"%d" % number)} for number in range(1000)]
    for subjects in (
        ({"sha256": sha("sha256")},),
        ({"sha512": sha("sha512")},),
        ({"sha256": sha("sha256"), "sha512": sha("sha512"), "gitBlob": "1234"},),
        (*others, {"sha256": sha("sha256")}),
    ):
        made = forge.attest(statement(*subjects)).bundle()
        assert blobs.verify(made, blob(), trusting(forge), at=NOW).predicate_type == REVIEW


@pytest.mark.parametrize(
    "subject",
    [
        {"sha256": sha("sha256", b"another")},
        # One digest of ours does not outweigh one of something else.
        {"sha256": sha("sha256"), "sha512": sha("sha512", b"another")},
        {"sha256": sha("sha256").upper()},
        {"sha1": sha("sha1")},
        {"SHA256": sha("sha256")},
    ],
)
def test_a_statement_about_something_else_is_refused(forge: Forge, subject: dict[str, str]) -> None:
    made = forge.attest(statement(subject)).bundle()
    with pytest.raises(VerificationError, match="about another file"):
        blobs.verify(made, blob(), trusting(forge), at=NOW)


def test_a_list_of_everything_is_not_searched(forge: Forge) -> None:
    others = [{"sha256": sha("sha256", b"%d" % number)} for number in range(10_000)]
    made = forge.attest(statement(*others, {"sha256": sha("sha256")})).bundle()
    with pytest.raises(LimitError):
        blobs.verify(made, blob(), trusting(forge), at=NOW)


def test_a_signature_in_an_envelope_is_about_one_thing(forge: Forge) -> None:
    kind = "https://sigstore.dev/cosign/sign/v1"
    one, other = {"sha256": sha("sha256")}, {"sha256": sha("sha256", b"another")}
    made = forge.attest(statement(one, kind=kind)).bundle()
    assert blobs.verify(made, blob(), trusting(forge), at=NOW).predicate_type == kind
    made = forge.attest(statement(one, other, kind=kind)).bundle()
    with pytest.raises(VerificationError, match="more than one subject"):
        blobs.verify(made, blob(), trusting(forge), at=NOW)


def test_a_bundle_that_names_another_file_is_refused(forge: Forge) -> None:
    value: dict[str, Any] = forge.sign(FILE).value()
    other = forge.sign(b"another").value()
    named: Any = other["messageSignature"]
    value["messageSignature"]["messageDigest"] = named["messageDigest"]
    with pytest.raises(VerificationError, match="about another file"):
        blobs.verify(json.dumps(value).encode(), blob(), trusting(forge), at=NOW)


def test_a_bare_signature_states_nothing(forge: Forge) -> None:
    made = forge.sign(FILE).bundle()
    with pytest.raises(VerificationError, match="states no") as caught:
        blobs.verify(made, blob(), trusting(forge), at=NOW, predicate_type=REVIEW)
    assert caught.value.because == "it is a bare signature"


def test_a_statement_that_nobody_logged_or_that_another_signed_is_refused(forge: Forge) -> None:
    good = forge.attest(statement())
    for bad in (
        forge.attest(statement(), log=None),
        forge.attest(statement(), identity=Identity.email("eve@example.com")),
        replace(good, signature=forge.attest(statement()).signature),
        replace(good, payload_type="text/plain"),
    ):
        with pytest.raises((VerificationError, InputError)):
            blobs.verify(bad.bundle(), blob(), trusting(forge), at=NOW)


def test_without_anybody_to_believe_nothing_is_verified(forge: Forge) -> None:
    with pytest.raises(InputError, match="no key was given"):
        blobs.verify(forge.sign(FILE).bundle(), blob(), Trust(), at=NOW)


def test_a_digest_that_signatures_are_not_over_is_refused() -> None:
    known = Blob("", (Digest("sha512", sha("sha512")),))
    with pytest.raises(InputError, match="not enough to know the file by"):
        blobs.sign(known, signer())
    made = blobs.sign(blob(), signer())
    with pytest.raises(InputError, match="not enough to know the file by"):
        blobs.verify(made, known, Trust((signer().public_key,)), at=NOW)
