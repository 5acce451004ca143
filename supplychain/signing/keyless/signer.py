"""Signing as an identity: with a certificate for minutes, and what logs and clocks say of it.

What the services give is verified before it is handed on, with the very trusted root that readers
will use: a log that promises and a clock that errs are found out here, and not by a gate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.identity import Identity
from supplychain.signing import dsse
from supplychain.signing.bundle import Bundle, MessageSignature
from supplychain.signing.keyless.answers import not_holding
from supplychain.signing.keyless.exchange import Patience
from supplychain.signing.keyless.library import CertifiedKey
from supplychain.signing.keyless.services import Instance
from supplychain.signing.keyless.tokens import Identify
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust

# What a certificate must still have, so that clocks and logs answer before it ends.
_MARGIN = timedelta(seconds=60)


class KeylessSigner:
    """A signer that no key of anybody stands behind.

    The certificate is asked for when it is first needed, serves for everything that is signed
    while it lasts, and is renewed when it is about to end.

    Args:
        instance: The services, and what their statements are believed by.
        identify: Gives an identity token, each time one is needed.
        patience: Time and chance.

    Raises:
        InputError: The signing config or the trusted root cannot be used.
    """

    def __init__(
        self, instance: Instance, identify: Identify, patience: Patience | None = None
    ) -> None:
        self._patience = patience or Patience()
        self._root = TrustedRoot.parse(instance.root)
        self._clocks = instance.clock_count
        self._context = instance.context(self._patience)
        self._identify = identify
        self._key: CertifiedKey | None = None

    @property
    def identity(self) -> Identity:
        """Whom the certificate is issued to.

        Raises:
            SigstoreError: There is no certificate to be had.
            InputError: There is no identity token, or it cannot be used.
        """
        return self._certified().identity

    @property
    def trust(self) -> Trust:
        """What verifies that which is signed here, and nothing else; raises as `identity`."""
        return self._trust(self.identity)

    def seal(self, payload: bytes) -> bytes:
        """A bundle v0.3 of an in-toto statement: signed, logged and timestamped.

        Args:
            payload: The statement; exactly these bytes are signed.

        Raises:
            LimitError: It is larger than anybody reads.
            SigstoreError: A service is not there, refuses, or answers what does not hold.
            InputError: There is no identity token, or it cannot be used.
        """
        dsse.require_size(payload)
        key = self._certified()
        data = key.sign_statement(payload)
        return self._checked(data, key, lambda bundle: _over_statement(bundle, payload))

    def sign_blob(self, digest: Digest) -> bytes:
        """A bundle v0.3 of a bare signature over a file; raises as `seal`.

        Args:
            digest: The file's SHA-256.

        Raises:
            InputError: It is another kind of digest.
        """
        if digest.algorithm != "sha256":
            raise InputError(f"{digest} cannot be signed", hint="give the file's SHA-256")
        sha256 = bytes.fromhex(digest.hex)
        key = self._certified()
        data = key.sign_digest(sha256)
        return self._checked(data, key, lambda bundle: _over_file(bundle, sha256))

    def opened(self, data: bytes) -> bytes:
        """The statement in a bundle that this identity has made, whenever it did.

        Raises:
            InputError: It is no bundle of a statement.
            VerificationError: It is somebody else's, or does not hold.
            SigstoreError: As `identity`.
        """
        bundle = Bundle.parse(data)
        payload = bundle.envelope.payload
        signed = _over_statement(bundle, payload)
        establish(signed, bundle.material, self.trust, at=self._patience.now())
        return payload

    def _trust(self, identity: Identity) -> Trust:
        return Trust(identities=(SameIdentity(identity),), root=lambda: self._root)

    def _certified(self) -> CertifiedKey:
        """The certificate that counts now: a new one where there is none, or not for long."""
        if self._key is None or self._key.ends_at - self._patience.now() < _MARGIN:
            self._key = CertifiedKey.issue(self._identify(), self._context)
        return self._key

    def _checked(self, data: bytes, key: CertifiedKey, signed: Callable[[Bundle], Signed]) -> bytes:
        """The bundle, if it has what was asked for and all of it holds."""
        try:
            bundle = Bundle.parse(data)
            _require_timestamps(bundle, self._clocks)
            trust = self._trust(key.identity)
            establish(signed(bundle), bundle.material, trust, at=self._patience.now())
        except (InputError, VerificationError) as error:
            raise not_holding(error) from None
        return data


@dataclass(frozen=True, slots=True)
class SameIdentity:
    """Whoever has the same name from the same issuer; of two runs the rest differs."""

    identity: Identity

    def accepts(self, identity: Identity, /) -> bool:
        """Whether it is the same."""
        own = self.identity
        return (own.name, own.kind, own.issuer) == (identity.name, identity.kind, identity.issuer)


def _require_timestamps(bundle: Bundle, count: int) -> None:
    """The library only warns where a clock's answer cannot be used, and leaves it out."""
    found = len(bundle.material.timestamps)
    if found != count:
        raise VerificationError(f"{found} timestamps could be used, and {count} are asked for")


def _over_statement(bundle: Bundle, payload: bytes) -> Signed:
    if bundle.envelope.payload != payload:
        raise VerificationError("the bundle holds another payload than was to be signed")
    return bundle.envelope.signed()


def _over_file(bundle: Bundle, sha256: bytes) -> Signed:
    if isinstance(bundle.content, MessageSignature):
        return Signed(bundle.content.signature, sha256)
    raise VerificationError("the bundle holds a statement, and a file was to be signed")
