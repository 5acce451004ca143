"""Who seals statements: the holder of a key, or an identity with a certificate.

A key makes both forms that statements are stored in. An identity makes bundles only: in the older
form a certificate counts by the promise of a log (Rekor v1's "signed entry timestamp"), which the
logs of today do not give.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.signing import bundle, dsse, embedded
from supplychain.signing.bundle import Bundle, MessageSignature
from supplychain.signing.dsse import Envelope
from supplychain.signing.formats import FORMATS, Format
from supplychain.signing.found import Stored
from supplychain.signing.signer import Signer
from supplychain.signing.simplesigning import SignatureLayer
from supplychain.signing.trust.material import ALONE, Material
from supplychain.signing.trust.trust import Trust

if TYPE_CHECKING:
    from supplychain.signing.keyless.signer import KeylessSigner


@dataclass(frozen=True, slots=True)
class SealedBundle:
    """A statement in a bundle that says itself who signed, and when.

    Attributes:
        payload: The statement.
        data: The bundle.
    """

    payload: bytes = field(repr=False)
    data: bytes = field(repr=False)


Sealed = Envelope | SignatureLayer | SealedBundle


class Sealer(ABC):
    """Whoever makes statements."""

    formats: tuple[Format, ...]

    @abstractmethod
    def prepare(self) -> None:
        """Find out whether sealing can succeed, before anything is done for nothing.

        Raises:
            SupplyChainError: It cannot.
        """

    @abstractmethod
    def trusted(self, others: Trust) -> Trust:
        """Those whose word counts, and the sealer.

        Args:
            others: Whose word counts beside the sealer's.
        """

    @abstractmethod
    def seal(self, payload: bytes) -> Sealed:
        """Sign a statement.

        Raises:
            SupplyChainError: It could not be signed.
        """

    @abstractmethod
    def sign_simple(self, payload: bytes, /) -> SignatureLayer:
        """Sign an image in the legacy form; raises as `seal`.

        Raises:
            InputError: This sealer cannot.
        """

    @abstractmethod
    def sign_file(self, sha256: bytes) -> bytes:
        """A bundle of a bare signature over a file; raises as `seal`.

        Args:
            sha256: The file's SHA-256.
        """

    @abstractmethod
    def bundle(self, sealed: Sealed) -> bytes:
        """The bundle of a statement that this sealer has sealed.

        Raises:
            LimitError: Nobody, we included, would read one so large.
        """

    @abstractmethod
    def recall(self, stored: Stored) -> Sealed | None:
        """What is stored, if this very sealer has said it; None where it is somebody else's."""


@dataclass(frozen=True, slots=True)
class KeySealer(Sealer):
    """The holder of a key."""

    signer: Signer
    formats = FORMATS

    def prepare(self) -> None:
        """Wait for a key that is still being decrypted; raises where the password is wrong."""
        _ = self.signer.public_key

    def trusted(self, others: Trust) -> Trust:
        """The key before those of others."""
        own = self.signer.public_key
        return replace(others, keys=(own, *(key for key in others.keys if key != own)))

    def seal(self, payload: bytes) -> Envelope:
        """The statement in an envelope."""
        return dsse.seal(payload, self.signer)

    def sign_simple(self, payload: bytes, /) -> SignatureLayer:
        """The payload with its signature."""
        return SignatureLayer(payload, self.signer.sign(payload))

    def sign_file(self, sha256: bytes) -> bytes:
        """The signature in a bundle that names the key."""
        return self.bundled(MessageSignature(self.signer.sign_digest(sha256), "SHA2_256", sha256))

    def bundle(self, sealed: Sealed) -> bytes:
        """The envelope in a bundle that names the key."""
        if not isinstance(sealed, Envelope):
            raise InputError("only a statement goes into a bundle")
        return self.bundled(sealed)

    def bundled(self, content: Envelope | MessageSignature) -> bytes:
        """What the key has signed, in a bundle that names the key."""
        return Bundle.by_key(self.signer.public_key.hint, content).encode()

    def recall(self, stored: Stored) -> Sealed | None:
        """What the key verifies, where all that comes with it is what this sealer puts there."""
        try:
            sealed, material = _BY_KEY[stored.media_type](stored.data)
            sealed.verify(self.signer.public_key)
            self.require_own(stored, material)
        except (InputError, VerificationError):
            # Somebody else's, or broken: either way this key has not said it yet.
            return None
        return sealed

    def require_own(self, stored: Stored, material: Material) -> None:
        """Check what comes with a signature of the key's.

        Anybody may store a copy with something beside it that does not hold; then that is refused,
        and must not keep the key from saying it again.

        Raises:
            VerificationError: It is something that this sealer does not put there.
        """
        if material.certificate is not None or material.entries or material.timestamps:
            raise VerificationError(f"{stored.manifest.short} comes with what the key did not sign")


@dataclass(frozen=True, slots=True)
class IdentitySealer(Sealer):
    """An identity with a certificate."""

    signer: KeylessSigner
    formats = (Format.BUNDLE,)

    def prepare(self) -> None:
        """Have a certificate issued."""
        _ = self.signer.identity

    def trusted(self, others: Trust) -> Trust:
        """The identity before those of others, and the root by which it is believed."""
        own = self.signer.trust
        return replace(others, identities=own.identities + others.identities, root=own.root)

    def seal(self, payload: bytes) -> SealedBundle:
        """The statement in a bundle, logged and timestamped."""
        return SealedBundle(payload, self.signer.seal(payload))

    def sign_simple(self, _payload: bytes, /) -> SignatureLayer:
        """Refuse; see the module."""
        raise no_legacy_form()

    def sign_file(self, sha256: bytes) -> bytes:
        """The signature in a bundle, logged and timestamped."""
        return self.signer.sign_blob(Digest("sha256", sha256.hex()))

    def bundle(self, sealed: Sealed) -> bytes:
        """The bundle as it came."""
        if not isinstance(sealed, SealedBundle):
            raise InputError("an identity's statement is in a bundle already")
        return sealed.data

    def recall(self, stored: Stored) -> Sealed | None:
        """What verifies as this identity's, whenever it was said."""
        if stored.media_type != bundle.MEDIA_TYPE:
            return None
        try:
            payload = self.signer.opened(stored.data)
        except (InputError, VerificationError):
            return None
        return SealedBundle(payload, stored.data)


def sealer_of(signer: Signer | Sealer) -> Sealer:
    """Who seals, given whoever signs."""
    return signer if isinstance(signer, Sealer) else KeySealer(signer)


def made_by(signer: Signer | Sealer | None, formats: Sequence[Format]) -> tuple[Format, ...]:
    """Of some forms those that a signer can make.

    Raises:
        InputError: It can make none of them.
    """
    makes = FORMATS if signer is None else sealer_of(signer).formats
    made = tuple(one for one in formats if one in makes)
    if not made:
        raise no_legacy_form()
    return made


def no_legacy_form() -> InputError:
    """Why an identity's statements are bundles; see the module."""
    return InputError(
        "an identity's statements have no legacy form",
        because="there a certificate counts by a log's promise, which new logs do not give",
        hint="set signature_formats to bundle, or sign with a key",
    )


def _of_bundle(data: bytes) -> tuple[Envelope, Material]:
    read = Bundle.parse(data)
    return read.envelope, read.material


def _of_layer(data: bytes) -> tuple[SignatureLayer, Material]:
    layer = SignatureLayer.parse(data)
    return layer, layer.material


_BY_KEY: dict[str, Callable[[bytes], tuple[Envelope | SignatureLayer, Material]]] = {
    bundle.MEDIA_TYPE: _of_bundle,
    dsse.MEDIA_TYPE: lambda data: (Envelope.decode(data), ALONE),
    embedded.MEDIA_TYPE: _of_layer,
}
