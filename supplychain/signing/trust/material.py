"""What comes with a signature to verify it by: a bundle's `verificationMaterial`, or annotations.

Formats: sigstore_bundle.proto for bundles v0.1 to v0.3, and cosign's "Signature Specification" for
the annotations of layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.signing.encoding import as_text, members, read_base64, read_json, read_pem
from supplychain.signing.trust import wire
from supplychain.signing.trust.entries import ENTRY_LIMIT, Entry

# Fulcio's leaf, its intermediates and root: what others put there is not relied upon.
_CHAIN_LIMIT = 16
_PEM_LIMIT = 64 * 1024
_NAMED = ("publicKey", "certificate", "x509CertificateChain")
# Nobody asks more clocks.
_TIMESTAMP_LIMIT = 32
# What cosign's annotations about certificates, logs and timestamps begin with.
ANNOTATIONS = "dev.sigstore.cosign/"
_KNOWN = ("certificate", "chain", "bundle", "rfc3161timestamp")


@dataclass(frozen=True, slots=True)
class Material:
    """What a signature is to be verified by; nothing in it is checked yet.

    Attributes:
        certificate: The signer's certificate, DER; None where a key verifies it.
        key_hint: Which key, where a bundle says so. Nothing vouches for it.
        entries: Transparency log entries.
        timestamps: RFC 3161 responses, DER.
        needs_proof: Whether entries need an inclusion proof, as in bundles since v0.2; before,
            and in annotations, it is the log's promise that they need.
    """

    certificate: bytes | None = field(default=None, repr=False)
    key_hint: str = ""
    entries: tuple[Entry, ...] = ()
    timestamps: tuple[bytes, ...] = field(default=(), repr=False)
    needs_proof: bool = True

    @classmethod
    def parse(cls, value: object, *, needs_proof: bool = True, chained: bool = False) -> Material:
        """Read a `verificationMaterial`.

        Args:
            value: The message.
            needs_proof: As the attribute.
            chained: Whether certificates come as chains, as in bundles before v0.3, or alone.

        Raises:
            LimitError: There is more than anybody needs.
            InputError: It is malformed, or names both a key and a certificate, or neither.
        """
        found = wire.fields(
            value,
            "the verification material",
            optional=(*_NAMED, "tlogEntries", "timestampVerificationData"),
        )
        named = [name for name in _NAMED if name in found]
        if len(named) != 1:
            raise InputError(
                "the bundle does not name one thing to verify it by",
                because=f"it names {' and '.join(named) or 'neither a key nor a certificate'}",
            )
        certificate = _certificate(found)
        if named == ["certificate" if chained else "x509CertificateChain"]:
            raise InputError(
                "the bundle has its certificate where its version does not look for it"
            )
        stamped = wire.fields(
            found.get("timestampVerificationData") or {},
            "the timestamps",
            optional=("rfc3161Timestamps",),
        )
        entries = wire.several(found.get("tlogEntries"), "the tlogEntries", limit=ENTRY_LIMIT)
        timestamps = wire.several(
            stamped.get("rfc3161Timestamps"), "the timestamps", limit=_TIMESTAMP_LIMIT
        )
        return cls(
            certificate,
            _hint(found.get("publicKey")),
            tuple(Entry.parse(entry) for entry in entries),
            tuple(_timestamp(one) for one in timestamps),
            needs_proof,
        )

    @classmethod
    def of_annotations(cls, annotations: Mapping[str, object]) -> Material:
        """Read what cosign puts beside a legacy layer.

        Raises:
            LimitError: There is more than anybody needs.
            InputError: It is malformed, or holds something that is not understood.
        """
        found = {
            name.removeprefix(ANNOTATIONS): as_text(text, f"the annotation {name[:80]!r}")
            for name, text in annotations.items()
            if name.startswith(ANNOTATIONS)
        }
        unknown = sorted(found.keys() - set(_KNOWN))
        if unknown:
            raise InputError(
                f"the layer carries {unknown[0][:80]!r}, which is not understood",
                because="what is not understood could be what says that it does not count",
            )
        # Cosign writes empty annotations for what there is not.
        said = {name: text for name, text in found.items() if text}
        return cls(
            _first_certificate(said["certificate"]) if "certificate" in said else None,
            entries=(Entry.parse_annotation(said["bundle"]),) if "bundle" in said else (),
            timestamps=(_annotated(said["rfc3161timestamp"]),)
            if "rfc3161timestamp" in said
            else (),
            needs_proof=False,
        )


# A signature that comes with nothing: a key verifies it.
ALONE = Material(needs_proof=False)


def _certificate(found: dict[str, object]) -> bytes | None:
    """The leaf: what comes with it in older bundles, the trusted root has or does not have."""
    if "certificate" in found:
        return _raw(found["certificate"])
    if "x509CertificateChain" not in found:
        return None
    chain = wire.fields(
        found["x509CertificateChain"], "the certificate chain", required=("certificates",)
    )
    listed = wire.several(chain["certificates"], "the certificate chain", limit=_CHAIN_LIMIT)
    if not listed:
        raise InputError("the certificate chain is empty")
    return _raw(listed[0])


def _raw(value: object) -> bytes:
    named = wire.fields(value, "the certificate", required=("rawBytes",))
    return wire.octets(named["rawBytes"], "the certificate")


def _hint(value: object) -> str:
    found = wire.fields(value or {}, "the bundle's publicKey", optional=("hint",))
    return as_text(found.get("hint", ""), "the key's hint")


def _timestamp(value: object) -> bytes:
    found = wire.fields(value, "the timestamp", required=("signedTimestamp",))
    return wire.octets(found["signedTimestamp"], "the timestamp")


def _annotated(annotation: str) -> bytes:
    read = read_json(annotation.encode(), "the timestamp", limit=4 * _PEM_LIMIT)
    found = members(read.value, "the timestamp", required=("SignedRFC3161Timestamp",))
    return read_base64(found["SignedRFC3161Timestamp"], "the timestamp")


def _first_certificate(pem: str) -> bytes:
    """The first of the PEM blocks; cosign writes one, and takes the first."""
    end = "-----END CERTIFICATE-----"
    if len(pem) > _PEM_LIMIT or end not in pem:
        raise InputError("the layer's certificate is none")
    label, der = read_pem(f"{pem.partition(end)[0]}{end}\n".encode(), "the layer's certificate")
    if label != "CERTIFICATE":
        raise InputError(f"the layer's certificate is a PEM block {label!r}")
    return der
