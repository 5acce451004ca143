"""Signing and attesting: statements made, sealed and attached to what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from supplychain.frozen import dataclass
from supplychain.model.artifact import ArtifactStore, Descriptor, Manifest
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import (
    bundle,
    documents,
    legacy,
    predicate_types,
    predicates,
    reference,
    simplesigning,
    statement,
    storage,
)
from supplychain.signing.documents import Document
from supplychain.signing.dsse import Envelope
from supplychain.signing.formats import FORMATS, Format
from supplychain.signing.found import Stored, bounded
from supplychain.signing.legacy_writing import Layer, append
from supplychain.signing.sealing import Sealed, Sealer, made_by, no_legacy_form, sealer_of
from supplychain.signing.signer import Signer
from supplychain.signing.simplesigning import SignatureLayer


@dataclass(frozen=True, slots=True)
class Claim:
    """Something to be said about a subject.

    Attributes:
        predicate_type: The predicate type URI.
        predicate: The predicate, JSON, exactly as it is to be signed.
        document: What the predicate refers to and is stored beside; None where it refers to
            nothing. Until `referring` has written the predicate, there is none.
    """

    predicate_type: str
    predicate: bytes
    document: Document | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """A signed document that lies beside its subject.

    Attributes:
        predicate_type: What it says.
        payload: Digest of the signed payload.
        envelope: Digest of the document: the bundle, the envelope, the signature's layer.
        manifest: Digest of what holds it.
        added: False where the same signer had said the very same before.
        format: In which form it is.
    """

    predicate_type: str
    payload: Digest
    envelope: Digest
    manifest: Digest
    added: bool
    format: Format = Format.BUNDLE


# An image signature: that the key's owner stands for this digest, and nothing more.
SIGNATURE = Claim(SIGNATURE_PREDICATE, predicates.SIGNATURE)


def referring(document: Document, subject: Subject, attester: str) -> Claim:
    """The claim that a document, which is too large to be signed whole, is the subject's SBOM.

    Args:
        document: The document.
        subject: What it is about.
        attester: Who provides it: a URI.
    """
    predicate = reference.write(document.digest, subject, attester)
    return Claim(reference.REFERENCE_PREDICATE, predicate, document)


def sign_image(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer | Sealer,
    *,
    at: datetime,
    formats: Sequence[Format] = FORMATS,
) -> Publication:
    """Sign a manifest or index; as `publish`, of which it gives the first."""
    return publish(store, subject, signer, (SIGNATURE,), at=at, formats=formats)[0]


def attest(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer | Sealer,
    predicate_type: str,
    predicate: bytes,
    *,
    at: datetime,
    formats: Sequence[Format] = FORMATS,
) -> Publication:
    """Say something about a manifest or index; as `publish`, of which it gives the first.

    The predicate type is a URI, or a name that cosign's `--type` knows; the predicate, a JSON
    object, is signed byte for byte as it is.
    """
    claim = Claim(predicate_types.type_uri(predicate_type), predicate)
    return publish(store, subject, signer, (claim,), at=at, formats=formats)[0]


def publish(
    store: ArtifactStore,
    subject: Subject,
    signer: Signer | Sealer,
    claims: Sequence[Claim],
    *,
    at: datetime,
    formats: Sequence[Format] = FORMATS,
) -> tuple[Publication, ...]:
    """Sign claims and attach each in every form; what was said before is not said again.

    An attestation is signed once: the bundle and the legacy layer hold the same envelope.

    Args:
        store: The repository that holds the subject.
        subject: What the claims are about.
        signer: Who says so: whoever holds a key, or seals as an identity.
        claims: What is said.
        at: For the annotation that tells when (aware, UTC).
        formats: The forms.

    Returns:
        For each format, one publication per claim, in their orders.

    Raises:
        InputError: A predicate is not strict JSON or not of its type; or the legacy format cannot
            name the subject, or is not for this signer.
        LimitError: A predicate is too large, or too much is attached to the subject.
        VerificationError: Something else stands where legacy signatures belong.
        NotFoundError: The subject is not in the store.
        RegistryError: The registry failed.
    """
    sealer = sealer_of(signer)
    if made_by(sealer, formats) != tuple(formats):
        raise no_legacy_form()
    if Format.LEGACY in formats:
        # Refuses a digest that these tags cannot name before anything is written.
        legacy.tag(subject.digest, legacy.Suffix.SIGNATURES)
    wanted = _wanted(subject, claims, formats)
    manifest = store.manifest(subject.digest)
    done: dict[_Key, Publication] = {}
    signed: dict[bytes, Sealed] = {}
    for one, word, stored in _said(store, subject.digest, sealer, wanted):
        signed.setdefault(one.payload, word)
        done.setdefault(one.key, one.published(stored, added=False))
    missing = {one.key: one for one in wanted if one.key not in done}.values()
    for one in missing:
        if one.payload not in signed:
            signed[one.payload] = one.seal(sealer)
    for document in {c.document.digest: c.document for c in claims if c.document}.values():
        documents.attach(store, manifest, document)  # whoever finds a statement finds this too
    bundles = [one for one in missing if one.format is Format.BUNDLE]
    layers = [one for one in missing if one.format is Format.LEGACY]
    for one, stored in chain(
        _write_bundles(store, manifest, bundles, signed, sealer, at=at),
        _write_layers(store, subject.digest, layers, signed),
    ):
        done[one.key] = one.published(stored, added=True)
    return tuple(done[one.key] for one in wanted)


_Key = tuple[Format, bytes]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A claim in one form, and what is signed for it."""

    format: Format
    claim: Claim
    payload: bytes

    @property
    def key(self) -> _Key:
        return self.format, self.payload

    @property
    def is_simple(self) -> bool:
        """Whether it is a signature in the legacy form, the one thing that is no statement."""
        return self.format is Format.LEGACY and self.claim.predicate_type == SIGNATURE_PREDICATE

    def seal(self, sealer: Sealer) -> Sealed:
        return sealer.sign_simple(self.payload) if self.is_simple else sealer.seal(self.payload)

    def layer(self, signed: Sealed) -> Layer:
        if isinstance(signed, SignatureLayer):
            return Layer.of_signature(signed)
        if isinstance(signed, Envelope):
            return Layer.of_attestation(signed, self.claim.predicate_type)
        raise no_legacy_form()

    def published(self, stored: Stored, *, added: bool) -> Publication:
        return Publication(
            self.claim.predicate_type,
            Digest.of(self.payload),
            Digest.of(stored.data),
            stored.manifest,
            added,
            self.format,
        )


def _wanted(
    subject: Subject, claims: Sequence[Claim], formats: Sequence[Format]
) -> tuple[_Wanted, ...]:
    statements = [
        (claim, statement.write(subject, claim.predicate_type, claim.predicate)) for claim in claims
    ]
    wanted = [_Wanted(form, claim, payload) for form in formats for claim, payload in statements]
    return tuple(
        replace(one, payload=simplesigning.write(subject)) if one.is_simple else one
        for one in wanted
    )


def _said(
    store: ArtifactStore, subject: Digest, sealer: Sealer, wanted: Sequence[_Wanted]
) -> Iterator[tuple[_Wanted, Sealed, Stored]]:
    """What of all that is wanted this sealer has sealed and attached already."""
    by_key = {one.key: one for one in wanted}
    types = {one.claim.predicate_type for one in wanted}
    formats = {one.format for one in wanted}

    def choose(referrer: Descriptor) -> bool:
        annotations = dict(referrer.annotations)
        named = annotations.get(storage.PREDICATE_TYPE_ANNOTATION) or annotations.get(
            legacy.PREDICATE_TYPE_ANNOTATION
        )
        return named is None or named in types

    found = chain(
        storage.read(store, subject, choose=choose) if Format.BUNDLE in formats else (),
        legacy.read(store, subject, choose=choose) if Format.LEGACY in formats else (),
    )
    for stored in bounded(found, subject):
        if isinstance(stored, Stored):
            form = Format.BUNDLE if stored.media_type == bundle.MEDIA_TYPE else Format.LEGACY
            word = sealer.recall(stored)
            one = None if word is None else by_key.get((form, word.payload))
            if word is not None and one is not None:
                yield one, word, stored


def _write_bundles(
    store: ArtifactStore,
    manifest: Manifest,
    wanted: Sequence[_Wanted],
    signed: Mapping[bytes, Sealed],
    sealer: Sealer,
    *,
    at: datetime,
) -> Iterator[tuple[_Wanted, Stored]]:
    """All at once, as with the layers: what lists referrers may be a tag as well."""
    made = [(one, sealer.bundle(signed[one.payload])) for one in wanted]
    if made:
        bundles = [(one.claim.predicate_type, data) for one, data in made]
        held = storage.write(store, manifest, bundles, at=at)
        for (one, data), digest in zip(made, held, strict=True):
            yield one, Stored(digest, bundle.MEDIA_TYPE, data)


def _write_layers(
    store: ArtifactStore,
    subject: Digest,
    wanted: Sequence[_Wanted],
    signed: Mapping[bytes, Sealed],
) -> Iterator[tuple[_Wanted, Stored]]:
    """All that goes under one tag at once: whoever writes it must look again afterwards."""
    layers = [(one, one.layer(signed[one.payload])) for one in wanted]
    for suffix in legacy.Suffix:
        here = [(one, layer) for one, layer in layers if layer.suffix is suffix]
        if here:
            held = append(store, subject, [layer for _, layer in here])
            yield from ((one, layer.stored(held)) for one, layer in here)
