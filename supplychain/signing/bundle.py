"""Sigstore bundles (sigstore_bundle.proto): v0.3 is written, v0.1 to v0.3 are read."""

from __future__ import annotations

import json

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.signing.dsse import ENVELOPE_LIMIT, Envelope
from supplychain.signing.encoding import (
    as_object,
    as_text,
    members,
    read_base64,
    read_json,
    write_base64,
)
from supplychain.signing.trust.material import Material

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
# What all versions' media types begin with.
MEDIA_TYPE_FAMILY = "application/vnd.dev.sigstore.bundle"
# The bundle, and log entries that may each hold the envelope once more.
BUNDLE_LIMIT = 2 * ENVELOPE_LIMIT + 1024 * 1024

_V0_1 = f"{MEDIA_TYPE_FAMILY}+json;version=0.1"
_V0_2 = f"{MEDIA_TYPE_FAMILY}+json;version=0.2"
# The versions that are read, as documents and as layers call themselves.
MEDIA_TYPES = (MEDIA_TYPE, f"{MEDIA_TYPE_FAMILY}+json;version=0.3", _V0_2, _V0_1)
_DIGEST_SIZES = {"SHA2_256": 32, "SHA2_384": 48, "SHA2_512": 64}


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over bytes that are not in the bundle.

    Attributes:
        signature: The signature: of ECDSA DER.
        algorithm: What the digest beside it is: `SHA2_256` …; "" where there is none.
        digest: The digest that the bundle names. It is a hint; what is verified is what is given.
    """

    signature: bytes
    algorithm: str = ""
    digest: bytes = b""

    @classmethod
    def parse(cls, value: object) -> MessageSignature:
        """Read a `messageSignature`.

        Raises:
            InputError: It is malformed.
        """
        found = members(
            value, "the messageSignature", required=("signature",), optional=("messageDigest",)
        )
        signature = read_base64(found["signature"], "the message's signature")
        if found.get("messageDigest") is None:
            return cls(signature)
        named = members(
            found["messageDigest"], "the messageDigest", required=("algorithm", "digest")
        )
        algorithm = as_text(named["algorithm"], "the digest's algorithm")
        digest = read_base64(named["digest"], "the message's digest")
        if len(digest) != _DIGEST_SIZES.get(algorithm):
            raise InputError(f"the message's digest is no {algorithm[:20]!r} that is known")
        return cls(signature, algorithm, digest)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Something signed, and what to verify it by.

    Attributes:
        material: What to verify it by.
        content: A statement in its envelope, or a bare signature.
    """

    material: Material
    content: Envelope | MessageSignature

    @classmethod
    def by_key(cls, hint: str, content: Envelope | MessageSignature) -> Bundle:
        """A bundle that a key verifies.

        Args:
            hint: Base64 of the SHA-256 of the key's SubjectPublicKeyInfo, by custom.
            content: What was signed.
        """
        return cls(Material(key_hint=hint), content)

    @property
    def envelope(self) -> Envelope:
        """The envelope.

        Raises:
            InputError: There is none.
        """
        if isinstance(self.content, MessageSignature):
            raise InputError("the bundle signs a bare message and makes no statement")
        return self.content

    def encode(self) -> bytes:
        """The bundle that a key alone verifies, as compact JSON.

        Raises:
            LimitError: Nobody, we included, would read one so large.
        """
        value: dict[str, object] = {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.material.key_hint}},
            **_content(self.content),
        }
        return json.dumps(value, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Read a bundle.

        Raises:
            LimitError: It is too large, or carries more than anybody needs.
            InputError: It is no bundle of a version that is known, with one thing that is signed
                and one thing to verify it by.
        """
        value = as_object(read_json(data, "the bundle", limit=BUNDLE_LIMIT).value, "the bundle")
        media_type = as_text(value.get("mediaType"), "the bundle's mediaType")
        if media_type not in MEDIA_TYPES:
            raise InputError(f"the bundle is {media_type[:80]!r}, not {MEDIA_TYPE!r}")
        found = members(
            value,
            "the bundle",
            required=("mediaType", "verificationMaterial"),
            optional=("dsseEnvelope", "messageSignature"),
        )
        contents = [n for n in ("dsseEnvelope", "messageSignature") if found.get(n) is not None]
        if len(contents) != 1:
            raise InputError("the bundle does not hold one thing that is signed")
        # Since v0.2 a log entry needs an inclusion proof; before, the log's promise was enough.
        material = Material.parse(
            found["verificationMaterial"],
            needs_proof=media_type != _V0_1,
            chained=media_type in {_V0_1, _V0_2},
        )
        if contents == ["dsseEnvelope"]:
            return cls(material, Envelope.parse(found["dsseEnvelope"]))
        return cls(material, MessageSignature.parse(found["messageSignature"]))


def _content(content: Envelope | MessageSignature) -> dict[str, object]:
    if isinstance(content, Envelope):
        return {"dsseEnvelope": content.value()}
    named = {"algorithm": content.algorithm, "digest": write_base64(content.digest)}
    signature = {"messageDigest": named, "signature": write_base64(content.signature)}
    return {"messageSignature": signature}
