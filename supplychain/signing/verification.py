"""Whose word is believed: the only maker of `VerifiedAttestation`.

The order matters. A signature is checked over opaque bytes first; only what a given key has
signed is parsed; only what is about the very digest asked for is believed. Everything else is a
rejection with its reason, and nothing that was found is silently dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from supplychain.errors import InputError, VerificationError
from supplychain.model.artifact import ArtifactStore
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE, VerifiedAttestation
from supplychain.model.subject import Subject
from supplychain.signing import storage
from supplychain.signing.bundle import Bundle
from supplychain.signing.dsse import Envelope
from supplychain.signing.signer import PublicKey
from supplychain.signing.statement import Statement
from supplychain.signing.storage import Foreign, Rejection


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle that holds, with its bytes, so that they can be kept verbatim.

    Attributes:
        attestation: What it proves.
        data: The bundle's exact bytes; `attestation.envelope` is their digest.
        manifest: The referrer that holds it; None where it came as a file.
    """

    attestation: VerifiedAttestation
    data: bytes = field(repr=False)
    manifest: Digest | None = None


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What was found beside a digest, and what became of it.

    Attributes:
        subject: What was asked about.
        bundles: What holds, in the store's order.
        rejected: Bundles that prove nothing, each with its reason.
        foreign: Referrers that are no bundles.
    """

    subject: Subject
    bundles: tuple[VerifiedBundle, ...]
    rejected: tuple[Rejection, ...]
    foreign: tuple[Foreign, ...]

    @property
    def verified(self) -> tuple[VerifiedAttestation, ...]:
        """The statements that hold, signatures among them."""
        return tuple(bundle.attestation for bundle in self.bundles)

    @property
    def signatures(self) -> tuple[VerifiedAttestation, ...]:
        """The image signatures that hold."""
        return self.find(SIGNATURE_PREDICATE)

    def find(
        self, predicate_type: str, *, document: Digest | None = None
    ) -> tuple[VerifiedAttestation, ...]:
        """The statements of one type that hold.

        Args:
            predicate_type: The predicate type URI.
            document: Only those that carry the document with this digest, byte for byte.
        """
        return tuple(
            a
            for a in self.verified
            if a.predicate_type == predicate_type and document in (None, a.predicate_digest)
        )

    def require(
        self, predicate_type: str, *, document: Digest | None = None
    ) -> tuple[VerifiedAttestation, ...]:
        """As `find`, but at least one.

        Raises:
            VerificationError: There is none; says what was found instead.
        """
        found = self.find(predicate_type, document=document)
        if not found:
            reasons = "; ".join(f"{r.manifest.short}: {r.reason}" for r in self.rejected[:3])
            more = f"; and {len(self.rejected) - 3} more" if len(self.rejected) > 3 else ""
            raise VerificationError(
                f"{self.subject} has no {predicate_type} that the given keys verify",
                because=f"{reasons}{more}" if reasons else "there is none of this type beside it",
            )
        return found


def verify(
    store: ArtifactStore, subject: Subject, keys: tuple[PublicKey, ...], *, at: datetime
) -> VerificationReport:
    """Check everything that is attached to a digest.

    Args:
        store: The repository that holds it.
        subject: What is asked about.
        keys: Whose word counts.
        at: Now (aware, UTC).

    Raises:
        InputError: There are no keys: then nothing could ever be believed.
        LimitError: More is attached than anybody needs.
        RegistryError: The registry failed.
    """
    _require_keys(keys)
    bundles: list[VerifiedBundle] = []
    rejected: list[Rejection] = []
    foreign: list[Foreign] = []
    for found in storage.read(store, subject.digest):
        if isinstance(found, Foreign):
            foreign.append(found)
        elif isinstance(found, Rejection):
            rejected.append(found)
        else:
            try:
                attestation = verify_bundle(found.data, subject, keys, at=at)
            except (InputError, VerificationError) as error:
                rejected.append(Rejection.of(found.manifest, error))
            else:
                bundles.append(VerifiedBundle(attestation, found.data, found.manifest))
    return VerificationReport(subject, tuple(bundles), tuple(rejected), tuple(foreign))


def verify_bundle(
    data: bytes, subject: Subject, keys: tuple[PublicKey, ...], *, at: datetime
) -> VerifiedAttestation:
    """Check one bundle, wherever its bytes came from.

    Args:
        data: The bundle.
        subject: What it must be about.
        keys: Whose word counts.
        at: Now (aware, UTC).

    Raises:
        InputError: There are no keys; or the bundle or its statement is malformed.
        VerificationError: No key verifies it, or it is about something else.
    """
    _require_keys(keys)
    envelope = Bundle.parse(data).envelope
    key = _signed_by(envelope, keys)
    statement = Statement.parse(envelope.payload)
    statement.require(subject.digest)
    return VerifiedAttestation(
        subject=subject,
        predicate_type=statement.predicate_type,
        payload=Digest.of(envelope.payload),
        envelope=Digest.of(data),
        key_fingerprint=key.fingerprint,
        verified_at=at,
        predicate_digest=statement.document,
    )


def _signed_by(envelope: Envelope, keys: tuple[PublicKey, ...]) -> PublicKey:
    for key in keys:
        try:
            envelope.verify(key)
        except VerificationError:
            continue
        return key
    raise VerificationError(
        "no given key verifies the signature",
        because=f"tried {', '.join(k.fingerprint[:19] for k in keys[:5])}",
    )


def _require_keys(keys: tuple[PublicKey, ...]) -> None:
    if not keys:
        raise InputError(
            "no key was given to verify with",
            because="without one, nothing could be believed",
            hint="give the signer's public key: --key cosign.pub",
        )
