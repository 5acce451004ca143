"""An image in an OCI layout, and whatever somebody puts beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from supplychain.images.layout import OciLayout
from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.signing import dsse, legacy, simplesigning, statement
from supplychain.signing.bundle import MEDIA_TYPE, Bundle
from supplychain.signing.legacy import Suffix
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import VerificationReport, verify
from tests.kit.artifacts import put_image
from tests.kit.keys import signer
from tests.kit.sigstore import AT, ISSUER, YEAR, Signed

# When everything is verified: long after what the forge makes by itself.
NOW = AT + YEAR


@dataclass(frozen=True, slots=True)
class Somebody:
    """Trusts one name of one issuer."""

    name: str = "alice@example.com"
    issuer: str = ISSUER

    def accepts(self, identity: Identity, /) -> bool:
        return (identity.name, identity.issuer) == (self.name, self.issuer)


@dataclass(frozen=True, slots=True)
class Scene:
    """A layout, and the image in it.

    Attributes:
        layout: Holds the image and what is beside it.
        subject: The image.
    """

    layout: OciLayout
    subject: Subject

    @classmethod
    def create(cls, folder: Path) -> Scene:
        """An image that nobody has signed."""
        layout = OciLayout.create(folder)
        return cls(layout, put_image(layout))

    @property
    def statement(self) -> bytes:
        """The statement that is an image signature of the image."""
        return statement.write(self.subject, SIGNATURE_PREDICATE, b"{}")

    @property
    def simple(self) -> bytes:
        """The payload of a signature of the image in cosign's older form."""
        return simplesigning.write(self.subject)

    def keyed(self, payload: bytes | None = None, key: str = "release") -> bytes:
        """A bundle by a key over a statement; over the image signature where none is given."""
        one = signer(key)
        sealed = dsse.seal(self.statement if payload is None else payload, one)
        return Bundle.by_key(one.public_key.hint, sealed).encode()

    def attach(self, bundle: bytes, **changes: Any) -> Digest:
        """Put a bundle beside the image, in a referrer that differs by `changes`."""
        layer = {
            "mediaType": MEDIA_TYPE,
            "digest": str(self.layout.put_blob(bundle)),
            "size": len(bundle),
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "layers": [layer],
            "subject": {
                "mediaType": OCI_MANIFEST,
                "digest": str(self.subject.digest),
                "size": len(self.layout.manifest(self.subject.digest).raw),
            },
            **changes,
        }
        raw = json.dumps(manifest).encode()
        return self.layout.attach(raw, OCI_MANIFEST, subject=self.subject.digest)

    def attach_legacy(self, *signed: Signed, suffix: Suffix = Suffix.SIGNATURES) -> Digest:
        """Put what was signed beside the image in cosign's older form, one layer each."""
        return self.attach_layers(((_content(one), one.annotations()) for one in signed), suffix)

    def attach_layers(
        self,
        layers: Iterable[tuple[bytes, dict[str, str]]],
        suffix: Suffix = Suffix.SIGNATURES,
    ) -> Digest:
        """Put layers with these annotations under one of the image's tags."""
        described = [
            {
                "mediaType": legacy.LAYER_TYPES[suffix],
                "digest": str(self.layout.put_blob(data)),
                "size": len(data),
                "annotations": annotations,
            }
            for data, annotations in layers
        ]
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": described}
        name = legacy.tag(self.subject.digest, suffix)
        return self.layout.put_manifest(json.dumps(manifest).encode(), OCI_MANIFEST, tag=name)

    def verify(self, trust: Trust, *, at: datetime = NOW) -> VerificationReport:
        """What a verifier believes of it all."""
        return verify(self.layout, self.subject, trust, at=at)

    def refusal(self, trust: Trust, *, at: datetime = NOW) -> str:
        """Why nothing is believed of the one thing that is there."""
        report = self.verify(trust, at=at)
        assert report.verified == ()
        (rejection,) = report.rejected
        return rejection.reason


def by_key(*names: str) -> Trust:
    """Trust in keys alone."""
    return Trust(tuple(signer(name).public_key for name in names or ("release",)))


def by_identity(root: bytes, *identities: Somebody, **changes: Any) -> Trust:
    """Trust in certificates, by a trusted root."""
    read = TrustedRoot.parse(root)
    return Trust(identities=identities or (Somebody(),), root=lambda: read, **changes)


def _content(signed: Signed) -> bytes:
    if signed.payload_type is None:
        return signed.payload
    # As the log hashes it where an entry names the envelope's own bytes.
    return json.dumps(signed.envelope(), separators=(",", ":")).encode()
