"""Signing and attesting: statements made, sealed and attached to what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from supplychain.errors import InputError, VerificationError
from supplychain.model.artifact import ArtifactStore, Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import dsse, predicates, statement, storage
from supplychain.signing.bundle import Bundle
from supplychain.signing.signer import PublicKey, Signer


@dataclass(frozen=True, slots=True)
class Claim:
    """Something to be said about a subject.

    Attributes:
        predicate_type: The predicate type URI.
        predicate: The predicate, JSON, exactly as it is to be signed.
    """

    predicate_type: str
    predicate: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """A bundle that lies beside its subject.

    Attributes:
        predicate_type: What it says.
        payload: Digest of the signed statement.
        envelope: Digest of the bundle.
        manifest: Digest of the referrer that holds it.
        added: False where the same key had said the very same before.
    """

    predicate_type: str
    payload: Digest
    envelope: Digest
    manifest: Digest
    added: bool


# An image signature: that the key's owner stands for this digest, and nothing more.
SIGNATURE = Claim(SIGNATURE_PREDICATE, predicates.SIGNATURE)


def sign_image(
    store: ArtifactStore, subject: Subject, signer: Signer, *, at: datetime
) -> Publication:
    """Sign a manifest or index; as `publish`."""
    return publish(store, subject, signer, (SIGNATURE,), at=at)[0]


def attest(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer,
    predicate_type: str,
    predicate: bytes,
    *,
    at: datetime,
) -> Publication:
    """Say something about a manifest or index; as `publish`.

    The predicate type is a URI, or a name that cosign's `--type` knows; the predicate, a JSON
    object, is signed byte for byte as it is.
    """
    claim = Claim(predicates.type_uri(predicate_type), predicate)
    return publish(store, subject, signer, (claim,), at=at)[0]


def publish(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer,
    claims: Sequence[Claim],
    *,
    at: datetime,
) -> tuple[Publication, ...]:
    """Sign claims and attach each as a bundle; what was said before is not said again.

    Args:
        store: The repository that holds the subject.
        subject: What the claims are about.
        signer: Who says so.
        claims: What is said.
        at: For the annotation that tells when (aware, UTC).

    Returns:
        One publication per claim, in order.

    Raises:
        InputError: A predicate is not strict JSON or not of its type.
        LimitError: A predicate is too large, or the subject has too many referrers.
        NotFoundError: The subject is not in the store.
        RegistryError: The registry failed.
    """
    payloads = [statement.write(subject, c.predicate_type, c.predicate) for c in claims]
    manifest = store.manifest(subject.digest)
    wanted = dict(zip(payloads, claims, strict=True))
    there = _published(store, subject.digest, signer.public_key, wanted)
    done: list[Publication] = []
    for claim, payload in zip(claims, payloads, strict=True):
        if payload not in there:
            data = Bundle(signer.public_key.hint, dsse.seal(payload, signer)).encode()
            digest = storage.write(
                store, manifest, data, predicate_type=claim.predicate_type, at=at
            )
            there[payload] = _publication(claim, payload, data, digest, added=True)
        done.append(there[payload])
    return tuple(done)


def _published(
    store: ArtifactStore, subject: Digest, key: PublicKey, wanted: dict[bytes, Claim]
) -> dict[bytes, Publication]:
    """Which of the wanted payloads this key has signed and attached already."""
    types = {claim.predicate_type for claim in wanted.values()}

    def choose(referrer: Descriptor) -> bool:
        named = dict(referrer.annotations).get(storage.PREDICATE_TYPE_ANNOTATION)
        return named is None or named in types

    there: dict[bytes, Publication] = {}
    for found in storage.read(store, subject, choose=choose):
        if isinstance(found, storage.StoredBundle):
            payload = _signed_payload(found.data, key)
            if payload in wanted:
                there[payload] = _publication(
                    wanted[payload], payload, found.data, found.manifest, added=False
                )
    return there


def _signed_payload(data: bytes, key: PublicKey) -> bytes | None:
    try:
        envelope = Bundle.parse(data).envelope
        envelope.verify(key)
    except (InputError, VerificationError):
        # Somebody else's, or broken: either way this key has not said it yet.
        return None
    return envelope.payload


def _publication(
    claim: Claim, payload: bytes, data: bytes, manifest: Digest, *, added: bool
) -> Publication:
    return Publication(claim.predicate_type, Digest.of(payload), Digest.of(data), manifest, added)
