"""What the services of a Sigstore are asked and how they answer, on what the forge can do."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import jwt
from asn1crypto import tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from tests.kit.misbehaving import Asked
from tests.kit.sigstore import bodies
from tests.kit.sigstore.authority import LIFETIME, Identity
from tests.kit.sigstore.bodies import Body, Signer
from tests.kit.sigstore.bundle import pem, pre_authentication
from tests.kit.sigstore.forge import Forge
from tests.kit.sigstore.log import Entry, TransparencyLog
from tests.kit.sigstore.oidc import Issuers

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, before it is sent."""

    status: int
    body: bytes
    kind: str = _JSON
    headers: Mapping[str, str] | None = None


class RefusedError(Exception):
    """A request that the service does not accept; its text is the answer's."""


def certificate(forge: Forge, issuers: Issuers, asked: Asked) -> Response:
    """Fulcio's `POST /api/v2/signingCert`, by a signing request or a key with a proof."""
    wanted = json.loads(asked.body)
    token = _bearer(asked) or wanted.get("credentials", {}).get("oidcIdentityToken", "")
    identity = _identified(issuers, token)
    certificates = _issued(forge, identity, _requested_key(wanted, token))
    answer = {"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}}
    return Response(200, json.dumps(answer).encode())


def certificate_1(forge: Forge, issuers: Issuers, asked: Asked) -> Response:
    """Fulcio's older `POST /api/v1/signingCert`, by a key with a proof, as cosign 2 asks it."""
    wanted = json.loads(asked.body)
    token = _bearer(asked)
    identity = _identified(issuers, token)
    key = _elliptic(load_pem_public_key(b64decode(wanted["publicKey"]["content"])))
    _prove(key, b64decode(wanted["signedEmailAddress"]), token)
    chain = "".join(_issued(forge, identity, key))
    return Response(201, chain.encode(), "application/pem-certificate-chain")


def entry_1(log: TransparencyLog, asked: Asked) -> Response:
    """Rekor v1's `POST /api/v1/log/entries`; what it has already is a conflict."""
    body = _proposed_1(json.loads(asked.body))
    if body.data in log.leaves:
        entry = Entry(0, log.log_id, (body.kind, body.version), body.data, None, None, None)
        said = "an equivalent entry already exists in the transparency log with UUID"
        answer = {"code": 409, "message": f"{said} {entry.uuid}"}
        place = {"Location": f"/api/v1/log/entries/{entry.uuid}"}
        return Response(409, json.dumps(answer).encode(), headers=place)
    entry = log.record(body, now())
    headers = {"ETag": entry.uuid, "Location": f"/api/v1/log/entries/{entry.uuid}"}
    return Response(201, json.dumps(entry.answer()).encode(), headers=headers)


def entry_2(log: TransparencyLog, asked: Asked) -> Response:
    """Rekor v2's `POST /api/v2/log/entries`; what it has already it proves again."""
    wanted = json.loads(asked.body).get("hashedRekordRequestV002")
    if not isinstance(wanted, dict):
        raise RefusedError("invalid type, must be hashedrekord")
    verifier = wanted["signature"]["verifier"]
    certified = "x509Certificate" in verifier
    der = b64decode(verifier["x509Certificate" if certified else "publicKey"]["rawBytes"])
    digest, signature = b64decode(wanted["digest"]), b64decode(wanted["signature"]["content"])
    key = (
        x509.load_der_x509_certificate(der).public_key() if certified else load_der_public_key(der)
    )
    _check(key, signature, digest)
    signer = Signer(b"", der, certified, verifier["keyDetails"])
    body = bodies.hashedrekord_2(digest, signature, signer)
    if body.data in log.leaves:
        index = log.leaves.index(body.data)
        kind = (body.kind, body.version)
        entry = Entry(index, log.log_id, kind, body.data, None, None, log.prove(index))
    else:
        entry = log.record(body, now())
    return Response(201, json.dumps(entry.value()).encode())


def timestamp(forge: Forge, asked: Asked) -> Response:
    """The timestamp authority's `POST /api/v1/timestamp`."""
    if asked.headers.get("Content-Type") != "application/timestamp-query":
        raise RefusedError("the content type is not application/timestamp-query")
    wanted = tsp.TimeStampReq.load(asked.body)
    imprint = wanted["message_imprint"]
    stamp = forge.clock.stamp_digest(
        imprint["hashed_message"].native,
        now(),
        algorithm=imprint["hash_algorithm"]["algorithm"].native,
        nonce=wanted["nonce"].native,
        certificates=bool(wanted["cert_req"].native),
    )
    return Response(201, stamp, "application/timestamp-reply")


def found_1(log: TransparencyLog, asked: Asked) -> Response:
    """Rekor v1's `GET /api/v1/log/entries/{uuid}`, of an entry that there is."""
    for index, leaf in enumerate(log.leaves):
        entry = Entry(log.offset + index, log.log_id, ("", ""), leaf, now(), None, None)
        if asked.path.endswith(f"/{entry.uuid}"):
            proven = replace(entry, proof=log.prove(index))
            promised = replace(proven, promise=log.promise(proven))
            return Response(200, json.dumps(promised.answer()).encode())
    raise RefusedError("entry not found")


def now() -> datetime:
    """The time, in whole seconds as certificates and timestamps have it."""
    return datetime.now(UTC).replace(microsecond=0)


def refused(why: str) -> Response:
    """How a service says no."""
    return Response(400, json.dumps({"code": 400, "message": why}).encode())


def _bearer(asked: Asked) -> str:
    return (asked.authorization or "").removeprefix("Bearer ")


def _identified(issuers: Issuers, token: str) -> Identity:
    try:
        return issuers.identity(token)
    except jwt.InvalidTokenError as error:
        raise RefusedError(f"There was an error processing the identity token: {error}") from error


def _issued(forge: Forge, identity: Identity, key: EllipticCurvePublicKey) -> list[str]:
    since = now()
    leaf = forge.authority.issue(key, identity, valid=(since, since + LIFETIME), ct=(forge.ct,))
    return [pem((one,)) for one in (leaf, *forge.authority.chain)]


def _requested_key(wanted: dict[str, Any], token: str) -> EllipticCurvePublicKey:
    if "certificateSigningRequest" in wanted:
        request = x509.load_pem_x509_csr(b64decode(wanted["certificateSigningRequest"]))
        if not request.is_signature_valid:
            raise RefusedError("The signature supplied in the request could not be verified")
        return _elliptic(request.public_key())
    asked = wanted["publicKeyRequest"]
    key = _elliptic(load_pem_public_key(asked["publicKey"]["content"].encode()))
    _prove(key, b64decode(asked["proofOfPossession"]), token)
    return key


def _prove(key: EllipticCurvePublicKey, proof: bytes, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    subject = str(claims.get("email") or claims["sub"]).encode()
    _check(key, proof, hashlib.sha256(subject).digest())


def _proposed_1(wanted: dict[str, Any]) -> Body:
    kind, spec = wanted["kind"], wanted["spec"]
    if kind == "hashedrekord":
        digest = bytes.fromhex(spec["data"]["hash"]["value"])
        signature = b64decode(spec["signature"]["content"])
        signer = _signer(b64decode(spec["signature"]["publicKey"]["content"]))
        _check(_key_of(signer), signature, digest)
        return bodies.hashedrekord_1(digest, signature, signer)
    if kind == "dsse":
        raw = spec["proposedContent"]["envelope"]
        envelope = json.loads(raw)
        signer = _signer(b64decode(spec["proposedContent"]["verifiers"][0]))
        payload = b64decode(envelope["payload"])
        signature = b64decode(envelope["signatures"][0]["sig"])
        covered = pre_authentication(envelope["payloadType"], payload)
        _check(_key_of(signer), signature, hashlib.sha256(covered).digest())
        return bodies.dsse_1(raw.encode(), payload, signature, signer)
    raise RefusedError(f"entries of the kind {kind} are not mocked")


def _signer(armoured: bytes) -> Signer:
    if b"CERTIFICATE" in armoured:
        leaf = x509.load_pem_x509_certificate(armoured)
        return Signer(leaf.public_bytes(Encoding.PEM), leaf.public_bytes(Encoding.DER))
    key = load_pem_public_key(armoured)
    form = PublicFormat.SubjectPublicKeyInfo
    pair = key.public_bytes(Encoding.PEM, form), key.public_bytes(Encoding.DER, form)
    return Signer(*pair, certified=False)


def _key_of(signer: Signer) -> object:
    if signer.certified:
        return x509.load_der_x509_certificate(signer.der).public_key()
    return load_der_public_key(signer.der)


def _check(key: object, signature: bytes, digest: bytes) -> None:
    try:
        _elliptic(key).verify(signature, digest, ECDSA(Prehashed(SHA256())))
    except InvalidSignature as error:
        raise RefusedError("the signature could not be verified") from error


def _elliptic(key: object) -> EllipticCurvePublicKey:
    if not isinstance(key, EllipticCurvePublicKey):
        raise RefusedError("only keys on elliptic curves are mocked")
    return key
