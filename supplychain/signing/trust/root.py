"""The trusted root: which authorities, logs and clocks are believed, and when.

The format is Sigstore's `TrustedRoot` (sigstore_trustroot.proto, versions 0.1 and 0.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import as_text, read_json
from supplychain.signing.trust import wire
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.window import Window

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ROOT_LIMIT = 4 * 1024 * 1024
_MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)
_LISTS = ("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")
_MOST = 256
# How much of a key's ID a checkpoint's signature begins with (C2SP, "signed-note").
CHECKPOINT_ID = 4
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Log:
    """A transparency log, of signatures or of certificates.

    Attributes:
        url: Its address.
        log_id: Its ID, by which entries name it.
        key: What its statements are checked with.
        window: When the key is in use.
        checkpoint_id: What the ID begins with by which its checkpoints name the key: of a log of
            signatures the log's ID, where the trusted root says nothing else.
    """

    url: str
    log_id: bytes
    key: VerifyingKey
    window: Window
    checkpoint_id: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate or timestamp authority.

    Attributes:
        url: Its address.
        chain: Its certificates, from the one that issues (or of the clock: signs) to the root.
        window: When it is believed.
    """

    url: str
    chain: tuple[Certificate, ...] = field(repr=False)
    window: Window


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """Everything that is believed without being proved.

    Attributes:
        logs: Transparency logs of signatures (Rekor).
        authorities: Certificate authorities (Fulcio).
        certificate_logs: Certificate transparency logs.
        clocks: Timestamp authorities.
    """

    logs: tuple[Log, ...]
    authorities: tuple[Authority, ...]
    certificate_logs: tuple[Log, ...]
    clocks: tuple[Authority, ...]

    @classmethod
    def parse(cls, data: bytes) -> TrustedRoot:
        """Read a trusted root.

        Args:
            data: The file, JSON.

        Raises:
            LimitError: It is too large, or lists too much.
            InputError: It is no trusted root, or something in it cannot be used: what is left out
                in silence might be what should be checked.
        """
        value = read_json(data, "the trusted root", limit=ROOT_LIMIT).value
        found = wire.fields(value, "the trusted root", required=("mediaType",), optional=_LISTS)
        media_type = as_text(found["mediaType"], "the trusted root's mediaType")
        if media_type not in _MEDIA_TYPES:
            raise InputError(f"the file is {media_type[:80]!r} and no trusted root that is known")
        root = cls(
            _parts(found, "tlogs", _log),
            _parts(found, "certificateAuthorities", _authority),
            _parts(found, "ctlogs", _log),
            _parts(found, "timestampAuthorities", _authority),
        )
        if not (root.logs or root.authorities or root.clocks):
            raise InputError("the trusted root names nobody to trust")
        return root


@cache
def public_good() -> TrustedRoot:
    """The root of the public Sigstore services, as it came with this version; no network is used.

    What these services began to use later is refused until the next version.
    """
    return TrustedRoot.parse(files(__package__).joinpath("public_good.json").read_bytes())


def _parts(
    found: dict[str, object], name: str, read: Callable[[object, str], _Part]
) -> tuple[_Part, ...]:
    listed = wire.several(found.get(name), f"the trusted root's {name}", limit=_MOST)
    return tuple(
        read(value, f"the trusted root's {name}[{number}]") for number, value in enumerate(listed)
    )


def _log(value: object, what: str) -> Log:
    found = wire.fields(
        value,
        what,
        required=("publicKey", "logId"),
        optional=("baseUrl", "hashAlgorithm", "checkpointKeyId", "operator"),
    )
    if found.get("hashAlgorithm", "SHA2_256") not in ("SHA2_256", 1):
        raise InputError(f"{what} hashes with another function than SHA-256")
    key = wire.fields(
        found["publicKey"],
        f"{what}'s publicKey",
        required=("rawBytes", "keyDetails"),
        optional=("validFor",),
    )
    named = wire.fields(found["logId"], f"{what}'s logId", required=("keyId",))
    log_id = wire.octets(named["keyId"], f"{what}'s keyId")
    if len(log_id) < CHECKPOINT_ID:
        raise InputError(f"{what} has no ID")
    return Log(
        as_text(found.get("baseUrl", ""), f"{what}'s baseUrl"),
        log_id,
        _key(key, what),
        _window(key.get("validFor"), what),
        _checkpoint_id(found.get("checkpointKeyId"), what) or log_id[:CHECKPOINT_ID],
    )


def _key(found: dict[str, object], what: str) -> VerifyingKey:
    """The key, which must be of the kind that is said: it is as that kind that it is used."""
    key = VerifyingKey(wire.octets(found["rawBytes"], f"{what}'s key"))
    said = as_text(found["keyDetails"], f"{what}'s keyDetails")
    if said not in key.kinds:
        raise InputError(
            f"{what} has a key {said[:60]!r} that cannot be used",
            because=f"it is one of {', '.join(key.kinds)}",
        )
    return key


def _checkpoint_id(value: object, what: str) -> bytes:
    if value is None:
        return b""
    named = wire.fields(value, f"{what}'s checkpointKeyId", required=("keyId",))
    found = wire.octets(named["keyId"], f"{what}'s checkpointKeyId")
    if len(found) < CHECKPOINT_ID:
        raise InputError(f"{what}'s checkpointKeyId is too short")
    return found[:CHECKPOINT_ID]


def _authority(value: object, what: str) -> Authority:
    found = wire.fields(
        value,
        what,
        required=("certChain",),
        optional=("subject", "uri", "validFor", "operator"),
    )
    held = wire.fields(found["certChain"], f"{what}'s certChain", required=("certificates",))
    listed = wire.several(held["certificates"], f"{what}'s certificates", limit=_MOST)
    if not listed:
        raise InputError(f"{what} has no certificate")
    return Authority(
        as_text(found.get("uri", ""), f"{what}'s uri"),
        tuple(read_certificate(one, f"a certificate of {what}") for one in listed),
        _window(found.get("validFor"), what),
    )


def read_certificate(value: object, what: str) -> Certificate:
    """An `X509Certificate` message.

    Raises:
        InputError: It is no certificate.
    """
    raw = wire.octets(wire.fields(value, what, required=("rawBytes",))["rawBytes"], what)
    return load_certificate(raw, what)


def load_certificate(der: bytes, what: str) -> Certificate:
    """A certificate, DER.

    Raises:
        InputError: It is no certificate.
    """
    # Only here: it takes time to load, and keys do without.
    from cryptography.x509 import load_der_x509_certificate

    from supplychain.signing.trust.unreadable import UNREADABLE

    try:
        certificate = load_der_x509_certificate(der)
        # A date that is none is noticed only where it is looked at: here, once for all.
        Window(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except UNREADABLE as error:
        raise InputError(f"{what} cannot be read", because=str(error)[:200]) from None
    return certificate


def _window(value: object, what: str) -> Window:
    """A missing start means nothing that anybody promised, so it is refused."""
    found = wire.fields(value or {}, f"{what}'s validFor", optional=("start", "end"))
    if "start" not in found:
        raise InputError(f"{what} does not say since when it is valid")
    start = wire.instant(found["start"], f"{what}'s start")
    end = wire.instant(found["end"], f"{what}'s end") if "end" in found else None
    if end is not None and end < start:
        raise InputError(f"{what} ends before it begins")
    return Window(start, end)
