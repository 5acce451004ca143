"""Simple signing: the payload of a signature in cosign's older format, and the layer it lies in.

The payload is that of containers-signature(5), with cosign's own `type`. Its bytes are the layer;
the signature is an annotation of the layer's descriptor. To be kept and checked as one document,
the two are brought together as OCI has it: a descriptor whose `data` is the content itself
(descriptor.md, "Embedded Content").
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from supplychain.errors import DigestMismatchError, InputError, VerificationError
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing.encoding import (
    as_object,
    as_text,
    members,
    read_base64,
    read_json,
    write_base64,
)
from supplychain.signing.signer import PublicKey

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
# What a layer and its content in one document are.
EMBEDDED_TYPE = "application/vnd.oci.descriptor.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
# Annotations under this name are about certificates, logs and timestamps.
_UNCHECKED = "dev.sigstore.cosign/"
# A digest, a name and what `cosign sign -a` adds.
PAYLOAD_LIMIT = 1024 * 1024
_EMBEDDED_LIMIT = 4 * 1024 * 1024 + PAYLOAD_LIMIT * 4 // 3
_TYPE = "cosign container image signature"
# How Go's encoding/json writes what HTML might misread.
_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """A payload as it was read after its signature had been checked.

    Attributes:
        reference: The name that the signer gave the image. It is shown and never trusted: the
            digest alone says what was signed.
        digest: The manifest's digest, exactly as written.
    """

    reference: str
    digest: str

    @classmethod
    def parse(cls, payload: bytes) -> SimpleSigning:
        """Read a payload; what it must not leave open it must say, and nothing else.

        Raises:
            LimitError: It is too large.
            InputError: It is no payload of a cosign image signature.
        """
        value = read_json(payload, "the payload", limit=PAYLOAD_LIMIT).value
        found = members(value, "the payload", required=("critical",), optional=("optional",))
        if found.get("optional") is not None:
            as_object(found["optional"], "the payload's optional part")
        critical = members(
            found["critical"], "the critical part", required=("identity", "image", "type")
        )
        kind = as_text(critical["type"], "the payload's type")
        if kind != _TYPE:
            raise InputError(f"the payload is of type {kind[:80]!r}, not {_TYPE!r}")
        identity = members(critical["identity"], "the identity", required=("docker-reference",))
        image = members(critical["image"], "the image", required=("docker-manifest-digest",))
        return cls(
            as_text(identity["docker-reference"], "the docker-reference"),
            as_text(image["docker-manifest-digest"], "the docker-manifest-digest"),
        )

    def require(self, subject: Digest) -> None:
        """Check that this digest was signed.

        Raises:
            VerificationError: It was another one.
        """
        if self.digest != str(subject):
            raise VerificationError(
                "the signature is about another digest", because=f"it signs {self.digest[:140]!r}"
            )


def write(subject: Subject) -> bytes:
    """The payload that says that a subject is signed, byte for byte as cosign writes it."""
    value = {
        "critical": {
            "identity": {"docker-reference": as_text(subject.name, "the name")},
            "image": {"docker-manifest-digest": str(subject.digest)},
            "type": _TYPE,
        },
        "optional": None,
    }
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPES).encode()


@dataclass(frozen=True, slots=True)
class SignatureLayer:
    """A payload and its signature.

    Attributes:
        payload: The signed bytes, opaque until the signature was checked.
        signature: ECDSA over them, DER.
    """

    payload: bytes = field(repr=False)
    signature: bytes

    def verify(self, key: PublicKey) -> None:
        """Check the signature.

        Raises:
            VerificationError: This key did not make it over this payload.
        """
        key.verify(self.signature, self.payload)

    @classmethod
    def parse(cls, data: bytes) -> SignatureLayer:
        """Read a layer with its content, as `embed` makes it.

        Raises:
            LimitError: It is too large.
            DigestMismatchError: The content is not what the descriptor names.
            InputError: It is no signature, or is checked by other means than a key.
        """
        layer = as_object(read_json(data, "the layer", limit=_EMBEDDED_LIMIT).value, "the layer")
        if layer.get("mediaType") != MEDIA_TYPE:
            raise InputError(f"the layer is {str(layer.get('mediaType'))[:80]!r}, no signature")
        payload = read_base64(layer.get("data"), "the layer's data")
        digest = Digest.parse(as_text(layer.get("digest"), "the layer's digest"))
        if layer.get("size") != len(payload) or not digest.matches(payload):
            raise DigestMismatchError(f"the layer's content is not {digest}")
        annotations = as_object(layer.get("annotations") or {}, "the layer's annotations")
        if SIGNATURE_ANNOTATION not in annotations:
            raise InputError("the layer carries no signature")
        _require_key_alone(annotations)
        return cls(payload, read_base64(annotations[SIGNATURE_ANNOTATION], "the signature"))


def embed(layer: Descriptor, content: bytes) -> bytes:
    """A layer's descriptor with its content inside: always the same bytes for the same layer."""
    value = {
        "mediaType": layer.media_type,
        "digest": str(layer.digest),
        "size": layer.size,
        "annotations": dict(layer.annotations),
        "data": write_base64(content),
    }
    return json.dumps(value, separators=(",", ":")).encode()


def _require_key_alone(annotations: dict[str, object]) -> None:
    for name in annotations:
        if name.startswith(_UNCHECKED):
            raise InputError(
                "the signature is not verified by a key alone",
                because=f"it carries {name[:80]!r}, which this version cannot check",
            )
