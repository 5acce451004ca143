"""The forge: a whole Sigstore in memory that signs what it is told to, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from tests.kit.sigstore import bodies, trust
from tests.kit.sigstore.authority import LIFETIME, Authority, Identity
from tests.kit.sigstore.bodies import Body
from tests.kit.sigstore.bundle import IN_TOTO, Signed, pre_authentication
from tests.kit.sigstore.clock import TimestampAuthority
from tests.kit.sigstore.ct import CtLog
from tests.kit.sigstore.keys import AT, Span, new_key, sign
from tests.kit.sigstore.log import TransparencyLog


class Recipe(TypedDict, total=False):
    """How to sign; what is missing is done honestly.

    Attributes:
        at: When everything happens, where nothing else is said.
        identity: Whom the certificate names.
        key: What signs; a new key where missing.
        keyed: No certificate: the verifier knows the key.
        authority: Who issues the certificate.
        valid: When the certificate is valid.
        ct: The logs whose promises the certificate carries.
        certificate: A certificate to use as it is.
        log: The transparency log; None for no entry.
        logged_at: When the log says that it got the entry.
        kind: Kind and version of the entry, such as `intoto/0.0.2`.
        body: An entry to log instead of the one that belongs to this.
        clock: The timestamp authority.
        stamped_at: When it says that it saw the signature, once for each; none by default where
            the log says when.
        payload_type: The envelope's.
    """

    at: datetime
    identity: Identity
    key: EllipticCurvePrivateKey
    keyed: bool
    authority: Authority
    valid: Span
    ct: Sequence[CtLog]
    certificate: x509.Certificate
    log: TransparencyLog | None
    logged_at: datetime
    kind: str
    body: Body
    clock: TimestampAuthority
    stamped_at: Sequence[datetime]
    payload_type: str


class Members(TypedDict, total=False):
    """What a trusted root holds; what is missing is what the forge has."""

    authorities: Iterable[Authority]
    logs: Iterable[TransparencyLog]
    ct_logs: Iterable[CtLog]
    clocks: Iterable[TimestampAuthority]
    media_type: str


@dataclass(frozen=True, slots=True)
class Forge:
    """The forge.

    Attributes:
        at: When everything happens, where nothing else is said.
        authority: Issues certificates.
        ct: Lists them.
        rekor: A log of version 1.
        tiles: A log of version 2.
        clock: Gives timestamps.
    """

    at: datetime
    authority: Authority
    ct: CtLog
    rekor: TransparencyLog
    tiles: TransparencyLog
    clock: TimestampAuthority

    @classmethod
    def create(cls, at: datetime = AT) -> Forge:
        """A new one, with keys that nobody else has."""
        return cls(
            at=at,
            authority=Authority.create(at=at),
            ct=CtLog.create(at=at),
            rekor=TransparencyLog.create("rekor", 1, at=at),
            tiles=TransparencyLog.create("tiles", 2, at=at),
            clock=TimestampAuthority.create(at=at),
        )

    def attest(self, payload: bytes, **recipe: Unpack[Recipe]) -> Signed:
        """Sign a statement in an envelope."""
        payload_type = recipe.get("payload_type", IN_TOTO)
        return self._sign(payload, payload_type, recipe)

    def sign(self, data: bytes, **recipe: Unpack[Recipe]) -> Signed:
        """Sign bytes without an envelope: a file, or the payload of a legacy signature."""
        return self._sign(data, None, recipe)

    def certificate(self, **recipe: Unpack[Recipe]) -> x509.Certificate:
        """A leaf for the recipe's key, or for a new one."""
        at = recipe.get("at", self.at)
        return recipe.get("authority", self.authority).issue(
            (recipe.get("key") or new_key()).public_key(),
            recipe.get("identity", Identity.email()),
            valid=recipe.get("valid", (at, at + LIFETIME)),
            ct=recipe.get("ct", (self.ct,)),
            sct_at=at,
        )

    def trusted_root(self, **members: Unpack[Members]) -> bytes:
        """A trusted root for what the forge holds, or for what is given."""
        return trust.encoded(self.trusted_root_value(**members))

    def trusted_root_value(self, **members: Unpack[Members]) -> dict[str, object]:
        """The same, to be edited."""
        return trust.trusted_root(
            authorities=members.get("authorities", (self.authority,)),
            logs=members.get("logs", (self.rekor, self.tiles)),
            ct_logs=members.get("ct_logs", (self.ct,)),
            clocks=members.get("clocks", (self.clock,)),
            media_type=members.get("media_type", trust.ROOT_0_1),
        )

    def _sign(self, payload: bytes, payload_type: str | None, recipe: Recipe) -> Signed:
        at = recipe.get("at", self.at)
        key = recipe.setdefault("key", new_key())
        signed_bytes = payload
        if payload_type is not None:
            signed_bytes = pre_authentication(payload_type, payload)
        certificate = None
        if not recipe.get("keyed"):
            certificate = recipe.get("certificate") or self.certificate(**recipe)
        chain = recipe.get("authority", self.authority).chain if certificate else ()
        made = Signed(payload, payload_type, sign(key, signed_bytes), key, certificate, chain)
        log = recipe.get("log", self.rekor)
        if log is not None:
            body = recipe.get("body") or entry_body(made, recipe.get("kind") or _usual(made, log))
            entry = log.record(body, recipe.get("logged_at", at))
            made = replace(made, entries=(entry,))
        timeless = log is None or log.version != 1
        clock = recipe.get("clock", self.clock)
        instants = recipe.get("stamped_at", (at,) if timeless and certificate else ())
        return replace(made, timestamps=tuple(clock.stamp(made.signature, one) for one in instants))


def entry_body(signed: Signed, kind: str) -> Body:
    """The entry of a log that belongs to something signed, such as `dsse/0.0.1`."""
    return _BODIES[kind](signed)


def _usual(signed: Signed, log: TransparencyLog) -> str:
    if log.version == 1:
        return "hashedrekord/0.0.1" if signed.payload_type is None else "dsse/0.0.1"
    return "hashedrekord/0.0.2"


def _digest(signed: Signed) -> bytes:
    if signed.payload_type is None:
        return hashlib.sha256(signed.payload).digest()
    return hashlib.sha256(pre_authentication(signed.payload_type, signed.payload)).digest()


_BODIES: dict[str, Callable[[Signed], Body]] = {
    "hashedrekord/0.0.1": lambda s: bodies.hashedrekord_1(_digest(s), s.signature, s.signer),
    "hashedrekord/0.0.2": lambda s: bodies.hashedrekord_2(_digest(s), s.signature, s.signer),
    "dsse/0.0.1": lambda s: bodies.dsse_1(s.layer(), s.payload, s.signature, s.signer),
    "dsse/0.0.2": lambda s: bodies.dsse_2(s.payload, s.signature, s.signer),
    "intoto/0.0.1": lambda s: bodies.intoto_1(s.layer(), s.payload, s.signer),
    "intoto/0.0.2": lambda s: bodies.intoto_2(
        s.layer(), s.payload_type or "", s.payload, s.signature, s.signer
    ),
}
