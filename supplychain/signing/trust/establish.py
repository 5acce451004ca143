"""Who signed, and when: everything that comes with a signature, checked.

Nothing here is a matter of taste: whoever is in doubt is refused. In particular everything that is
there has to hold, even where it was not demanded: an unchecked claim must not lie beside a
checked one. The order is that of Sigstore's client specification, "Verification".
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from supplychain.errors import VerificationError
from supplychain.frozen import dataclass
from supplychain.model.identity import Identity, LogEntry, TrustedTime
from supplychain.signing.trust.bodies import Logged
from supplychain.signing.trust.material import Material
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import LogDemand, Trust

# How far the clocks of services may run ahead of ours.
_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Established:
    """Who signed, and when.

    Attributes:
        key_fingerprint: `sha256:<hex>` of the key that verifies the signature.
        identity: Whom its certificate was issued to; None where the key itself is trusted.
        log_entries: The log entries that hold.
        times: When the signature existed by trusted clocks, earliest first.
    """

    key_fingerprint: str
    identity: Identity | None
    log_entries: tuple[LogEntry, ...]
    times: tuple[TrustedTime, ...]


def establish(signed: Signed, material: Material, trust: Trust, *, at: datetime) -> Established:
    """Check a signature with everything that comes with it.

    Args:
        signed: The signature.
        material: What comes with it.
        trust: Whose word counts.
        at: Now (aware, UTC); nothing may be later, and it is by this that a log's key must be in
            use where nothing else tells the time.

    Raises:
        InputError: Something that comes with it is malformed.
        VerificationError: It is not by anybody whose word counts, or something does not hold.
    """
    if material.certificate is None:
        return _by_key(signed, material, trust, at)
    return _by_certificate(signed, material, trust, at)


def _by_key(signed: Signed, material: Material, trust: Trust, at: datetime) -> Established:
    key = next((key for key in trust.keys if signed.made_by(key)), None)
    if key is None:
        tried = ", ".join(key.fingerprint[:19] for key in trust.keys[:5])
        raise VerificationError(
            "no given key verifies the signature",
            because=f"tried {tried}" if tried else "it is made with a key, and none is trusted",
        )
    entries, times = _witnesses(
        Logged(signed, key.spki), material, trust, demand=trust.log_of_keys, at=at
    )
    return Established(key.fingerprint, None, entries, times)


def _by_certificate(signed: Signed, material: Material, trust: Trust, at: datetime) -> Established:
    # Only here: it takes time to load, and keys do without.
    from supplychain.signing.trust import sct
    from supplychain.signing.trust.certificates import SigningCertificate

    certificate = SigningCertificate.parse(material.certificate or b"")
    identity = certificate.identity()
    if not trust.identities:
        raise VerificationError(
            "the signature is by a certificate, and no identity is trusted",
            because=f"it says that it was issued to {str(identity)[:300]}",
            hint="trust it with --certificate-identity and --certificate-oidc-issuer",
        )
    root = _root(trust, "a certificate")
    signed.require(certificate.key)
    entries, times = _witnesses(
        Logged(signed, certificate.der), material, trust, demand=trust.log_of_identities, at=at
    )
    if not times:
        raise VerificationError(
            "nothing tells when the certificate signed",
            because="it comes with neither a log's promise nor a timestamp that may be believed",
        )
    issuer = certificate.require_issued(root.authorities, [time.at for time in times])
    certificate.require_signing()
    if trust.published:
        sct.require(certificate.certificate, issuer, root.certificate_logs)
    if not any(trusted.accepts(identity) for trusted in trust.identities):
        raise VerificationError(
            "the certificate was issued to somebody who is not trusted",
            because=f"to {str(identity)[:300]}",
        )
    return Established(certificate.key.fingerprint, identity, entries, times)


def _witnesses(
    logged: Logged, material: Material, trust: Trust, *, demand: LogDemand, at: datetime
) -> tuple[tuple[LogEntry, ...], tuple[TrustedTime, ...]]:
    """What logs and clocks say; every one of them has to hold."""
    stamped = _timestamps(logged.signed, material, trust)
    if trust.timestamp and not stamped:
        raise VerificationError("no timestamp authority says when it was signed")
    moments = [time.at for time in stamped] or [at]
    entries: list[LogEntry] = []
    promised: list[TrustedTime] = []
    listed = () if demand is LogDemand.IGNORED else material.entries
    if len({(entry.log_id, entry.index) for entry in listed}) != len(listed):
        raise VerificationError("the same log entry is there twice")
    for entry in listed:
        root = _root(trust, "a transparency log entry")
        found, time = entry.require(logged, root.logs, moments, proof=material.needs_proof)
        entries.append(found)
        promised += [] if time is None else [time]
    if demand is LogDemand.REQUIRED and not entries:
        raise VerificationError("no transparency log holds an entry of the signature")
    times = sorted((*stamped, *promised), key=lambda time: time.at)
    if times and times[-1].at > at + _TOLERANCE:
        raise VerificationError(
            "the signature is from the future",
            because=f"{times[-1].name} says {times[-1].at.isoformat()}",
        )
    return tuple(entries), tuple(times)


def _timestamps(signed: Signed, material: Material, trust: Trust) -> tuple[TrustedTime, ...]:
    if not material.timestamps:
        return ()
    root = _root(trust, "a timestamp")
    if len(set(material.timestamps)) != len(material.timestamps):
        raise VerificationError("the same timestamp is there twice")
    # Only here: it takes time to load, and most do without.
    from supplychain.signing.trust import clocks

    def instant(response: bytes) -> TrustedTime:
        # Beside an attestation in its older form cosign has the whole envelope stamped.
        if signed.envelope is not None:
            with suppress(VerificationError):
                return clocks.require(response, signed.envelope, root.clocks)
        return clocks.require(response, signed.signature, root.clocks)

    return tuple(instant(response) for response in material.timestamps)


def _root(trust: Trust, what: str) -> TrustedRoot:
    if trust.root is None:
        raise VerificationError(
            f"the signature comes with {what}, and no trusted root was given to check it by",
            hint="name the root of the services that were used: --trusted-root",
        )
    return trust.root()
