"""Signatures and statements about files: bundles that lie wherever somebody has put them.

What an image has in a registry a file has in a bundle beside it, as `cosign sign-blob` and
`cosign attest-blob` write it: a bare signature over the file, or a statement that names it.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import statement
from supplychain.signing.bundle import Bundle, MessageSignature
from supplychain.signing.sealing import Sealer, sealer_of
from supplychain.signing.signer import Signer
from supplychain.signing.statement import Statement
from supplychain.signing.trust.establish import Established, establish
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust

if TYPE_CHECKING:
    from supplychain.signing.publication import Claim

# What the formats call the digests that are compared with a file's.
_IN_BUNDLES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True)
class Blob:
    """A file, or what is known of it.

    Attributes:
        name: What it is called; "" where only a digest is known.
        digests: Its digests, of one algorithm each; never none.
        content: What is in it, where it is small enough to be held: some keys sign no digest.
    """

    name: str
    digests: tuple[Digest, ...]
    content: bytes | None = field(default=None, repr=False)

    def digest(self, algorithm: str) -> Digest | None:
        """One of its digests; None where that was not computed."""
        return next((one for one in self.digests if one.algorithm == algorithm), None)

    @property
    def sha256(self) -> bytes:
        """Its SHA-256.

        Raises:
            InputError: Only another digest is known.
        """
        found = self.digest("sha256")
        if found is None:
            raise InputError(
                f"{self.digests[0]} is not enough to know the file by",
                because="signatures are over a SHA-256",
                hint="give the file, or sha256:DIGEST",
            )
        return bytes.fromhex(found.hex)


@dataclass(frozen=True, slots=True)
class VerifiedBlob:
    """What a bundle proves about a file.

    Attributes:
        blob: The file.
        predicate_type: What its statement says; None for a bare signature.
        established: Who signed, and when.
    """

    blob: Blob
    predicate_type: str | None
    established: Established


def sign(blob: Blob, signer: Signer | Sealer) -> bytes:
    """A bare signature over a file, as `cosign sign-blob` makes it: a bundle.

    Raises:
        InputError: The file's SHA-256 is not known.
        SupplyChainError: It could not be signed.
    """
    return sealer_of(signer).sign_file(blob.sha256)


def attest(blob: Blob, signer: Signer | Sealer, claim: Claim) -> bytes:
    """A statement about a file, as `cosign attest-blob` makes it: a bundle.

    Raises:
        InputError: The file's SHA-256 is not known; or the predicate is not of its type.
        LimitError: It would be larger than anybody reads.
        SupplyChainError: It could not be signed.
    """
    subject = Subject(blob.name, Digest("sha256", blob.sha256.hex()))
    sealer = sealer_of(signer)
    payload = statement.write(subject, claim.predicate_type, claim.predicate)
    return sealer.bundle(sealer.seal(payload))


def verify(
    data: bytes, blob: Blob, trust: Trust, *, at: datetime, predicate_type: str | None = None
) -> VerifiedBlob:
    """Check a bundle that is said to be about a file.

    Args:
        data: The bundle.
        blob: The file.
        trust: Whose word counts.
        at: Now (aware, UTC).
        predicate_type: Demand a statement of this type; None takes a signature or any statement.

    Raises:
        InputError: Nobody's word counts; or the bundle is malformed.
        VerificationError: Nobody trusted signed it, or it is about something else.
    """
    trust.require_anybody()
    bundle = _read(data)
    if isinstance(bundle.content, MessageSignature):
        if predicate_type is not None:
            raise VerificationError(
                f"the bundle states no {predicate_type}", because="it is a bare signature"
            )
        _require_named(bundle.content, blob)
        signed = Signed(bundle.content.signature, blob.sha256, blob.content)
        return VerifiedBlob(blob, None, establish(signed, bundle.material, trust, at=at))
    established = establish(bundle.content.signed(), bundle.material, trust, at=at)
    found = Statement.parse(bundle.content.payload)
    _require_subject(found, blob)
    if predicate_type not in {None, found.predicate_type}:
        raise VerificationError(
            f"the bundle states no {predicate_type}", because=f"it states {found.predicate_type}"
        )
    return VerifiedBlob(blob, found.predicate_type, established)


def _read(data: bytes) -> Bundle:
    try:
        return Bundle.parse(data)
    except LimitError:
        raise
    except InputError as error:
        raise InputError(
            "the bundle cannot be read",
            because=f"{error}" + (f": {error.because}" if error.because else ""),
            hint="give what `sign-blob --bundle` has written, here or with cosign",
        ) from None


def _require_named(signature: MessageSignature, blob: Blob) -> None:
    """The digest in the bundle proves nothing, but one of another file must not stand there."""
    own = blob.digest(_IN_BUNDLES.get(signature.algorithm, ""))
    if own is not None and signature.digest.hex() != own.hex:
        raise VerificationError(
            "the bundle is about another file",
            because=f"it names {own.algorithm}:{signature.digest.hex()}, and this is {own}",
        )


def _require_subject(found: Statement, blob: Blob) -> None:
    """One subject is the file: a digest of it is there, and no digest of something else."""
    own = {one.algorithm: one.hex for one in blob.digests}
    for named in found.subjects:
        both = own.keys() & named.keys()
        if both and all(named[algorithm] == own[algorithm] for algorithm in both):
            if found.predicate_type == SIGNATURE_PREDICATE and len(found.subjects) != 1:
                raise VerificationError("the signature has more than one subject")
            return
    raise VerificationError(
        "the statement is about another file",
        because=f"none of its {len(found.subjects)} subjects is {blob.digests[0]}",
    )
