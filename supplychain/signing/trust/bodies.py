"""What a transparency log holds of a signature: the bodies of Rekor's entries.

An entry proves something about a signature only where it is the entry of this signature, of this
content and of this key or certificate, and not of another one that is logged as well
(CVE-2022-36056, CVE-2022-23649, CVE-2026-22703). What a body does not let us check, such as the
hash of an envelope whose bytes are not at hand, is not relied upon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import (
    as_object,
    as_text,
    read_base64,
    read_hex,
    read_json,
    read_pem,
)
from supplychain.signing.trust.signed import Signed

BODY_LIMIT = 48 * 1024 * 1024
_HASHES = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
_V2_HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Logged:
    """What has to be in the entry.

    Attributes:
        signed: The signature.
        verifier: The certificate, or the public key's SubjectPublicKeyInfo, DER.
    """

    signed: Signed
    verifier: bytes


def require(body: bytes, logged: Logged) -> str:
    """Check that an entry is about this signature.

    Args:
        body: The entry's body, as the log hashed it.
        logged: What it has to hold.

    Returns:
        What kind of entry it is: `dsse 0.0.1` …

    Raises:
        InputError: The body is malformed, or of a kind that is not known.
        VerificationError: It is about something else.
    """
    value = as_object(read_json(body, "the log entry", limit=BODY_LIMIT).value, "the log entry")
    kind = as_text(value.get("kind"), "the log entry's kind")
    version = as_text(value.get("apiVersion"), "the log entry's apiVersion")
    check = _KINDS.get((kind, version))
    if check is None:
        raise InputError(f"a log entry {kind[:40]!r} {version[:20]!r} is not understood")
    check(as_object(value.get("spec"), "the log entry's spec"), logged)
    return f"{kind} {version}"


def _hashedrekord_1(spec: Json, logged: Logged) -> None:
    if logged.signed.payload is not None:
        raise VerificationError(
            "the log entry is about a bare message, and an envelope was signed",
            because="the log has entries of other kinds for envelopes",
        )
    hashed = _at(_at(spec, "data"), "hash")
    algorithm = _HASHES.get(as_text(hashed.get("algorithm"), "the hash's algorithm"))
    _require_hash(algorithm, _hex(hashed.get("value")), logged.signed)
    signature = _at(spec, "signature")
    _require_signature(_b64(signature.get("content")), logged)
    _require_verifier(_b64(_at(signature, "publicKey").get("content")), logged)


def _hashedrekord_2(spec: Json, logged: Logged) -> None:
    inner = _at(spec, "hashedRekordV002")
    data = _at(inner, "data")
    algorithm = _V2_HASHES.get(as_text(data.get("algorithm"), "the data's algorithm"))
    _require_hash(algorithm, _b64(data.get("digest")), logged.signed)
    _require_v2(_at(inner, "signature"), logged)


def _dsse_1(spec: Json, logged: Logged) -> None:
    hashed = _at(spec, "payloadHash")
    _require_payload(hashed.get("algorithm") == "sha256", _hex(hashed.get("value")), logged)
    signature = _only(spec.get("signatures"))
    _require_signature(_b64(signature.get("signature")), logged)
    _require_verifier(_b64(signature.get("verifier")), logged)


def _dsse_2(spec: Json, logged: Logged) -> None:
    inner = _at(spec, "dsseV002")
    hashed = _at(inner, "payloadHash")
    _require_payload(hashed.get("algorithm") == "SHA2_256", _b64(hashed.get("digest")), logged)
    _require_v2(_only(inner.get("signatures")), logged)


def _intoto_1(spec: Json, logged: Logged) -> None:
    """It names no signature but the envelope that holds it, whose very bytes one has to have."""
    hashed = _at(_at(spec, "content"), "hash")
    envelope = logged.signed.envelope
    if envelope is None:
        raise VerificationError(
            "the log entry names an envelope by its bytes, and these are not at hand"
        )
    value = _hex(hashed.get("value"))
    if hashed.get("algorithm") != "sha256" or value != hashlib.sha256(envelope).digest():
        raise VerificationError("the log entry is about another envelope")
    _require_verifier(_b64(spec.get("publicKey")), logged)


def _intoto_2(spec: Json, logged: Logged) -> None:
    content = _at(spec, "content")
    hashed = _at(content, "payloadHash")
    _require_payload(hashed.get("algorithm") == "sha256", _hex(hashed.get("value")), logged)
    signature = _only(_at(content, "envelope").get("signatures"))
    # Base64 of base64: the field is bytes, and holds the envelope's text.
    text = _b64(signature.get("sig")).decode("ascii", "replace")
    _require_signature(_b64(text), logged)
    _require_verifier(_b64(signature.get("publicKey")), logged)


_KINDS: dict[tuple[str, str], Callable[[Json, Logged], None]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.1"): _dsse_1,
    ("dsse", "0.0.2"): _dsse_2,
    ("intoto", "0.0.1"): _intoto_1,
    ("intoto", "0.0.2"): _intoto_2,
}


def _require_hash(algorithm: str | None, value: bytes, signed: Signed) -> None:
    expected = None if algorithm is None else signed.digest(algorithm)
    if expected is None or value != expected:
        raise VerificationError("the log entry is about other content")


def _require_payload(is_sha256: object, value: bytes, logged: Logged) -> None:
    payload = logged.signed.payload
    if not is_sha256 or payload is None or value != hashlib.sha256(payload).digest():
        raise VerificationError("the log entry is about another statement")


def _require_signature(signature: bytes, logged: Logged) -> None:
    if signature != logged.signed.signature:
        raise VerificationError("the log entry is about another signature")


def _require_verifier(pem: bytes, logged: Logged) -> None:
    try:
        _, der = read_pem(pem, "the log entry's verifier")
    except SupplyChainError:
        der = b""
    _require_der(der, logged)


def _require_v2(signature: Json, logged: Logged) -> None:
    _require_signature(_b64(signature.get("content")), logged)
    verifier = _at(signature, "verifier")
    kinds = [name for name in ("x509Certificate", "publicKey") if verifier.get(name) is not None]
    if len(kinds) != 1:
        raise InputError("the log entry does not name one verifier")
    _require_der(_b64(_at(verifier, kinds[0]).get("rawBytes")), logged)


def _require_der(der: bytes, logged: Logged) -> None:
    if der != logged.verifier:
        raise VerificationError("the log entry is about another key or certificate")


def _at(value: Json, name: str) -> Json:
    return as_object(value.get(name), f"the log entry's {name}")


def _only(value: object) -> Json:
    if not isinstance(value, list) or len(value) != 1:
        raise InputError("the log entry has not exactly one signature")
    return as_object(value[0], "the log entry's signature")


def _b64(value: object) -> bytes:
    return read_base64(value, "a field of the log entry")


def _hex(value: object) -> bytes:
    return read_hex(value, "a hash of the log entry")
