"""Simple signing: the payload of a signature in cosign's older format, and the layer it lies in.

The payload is that of containers-signature(5), with cosign's own `type`. Its bytes are the layer;
the signature is an annotation of the layer's descriptor.
"""

from __future__ import annotations

import json
from dataclasses import field

from supplychain.errors import InputError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing.embedded import Embedded
from supplychain.signing.encoding import as_object, as_text, members, read_base64, read_json
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.material import ALONE, Material

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
# A digest, a name and what `cosign sign -a` adds.
PAYLOAD_LIMIT = 1024 * 1024
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
        signature: The signature over them: of ECDSA DER.
        material: What to verify it by, beside a key.
    """

    payload: bytes = field(repr=False)
    signature: bytes
    material: Material = ALONE

    def verify(self, key: PublicKey) -> None:
        """Check the signature.

        Raises:
            VerificationError: This key did not make it over this payload.
        """
        key.verify(self.signature, self.payload)

    @classmethod
    def parse(cls, data: bytes) -> SignatureLayer:
        """Read a layer that was embedded.

        Raises:
            LimitError: It is too large.
            DigestMismatchError: The content is not what the descriptor names.
            InputError: It is no signature.
        """
        return cls.of(Embedded.parse(data))

    @classmethod
    def of(cls, layer: Embedded) -> SignatureLayer:
        """The signature in a layer; raises as `parse`."""
        if layer.media_type != MEDIA_TYPE:
            raise InputError(f"the layer is {layer.media_type[:80]!r}, no signature")
        if SIGNATURE_ANNOTATION not in layer.annotations:
            raise InputError("the layer carries no signature")
        return cls(
            layer.content,
            read_base64(layer.annotations[SIGNATURE_ANNOTATION], "the signature"),
            Material.of_annotations(layer.annotations),
        )
