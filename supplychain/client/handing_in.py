"""What was found out here about an image, handed in to a server that judges by it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from supplychain.client.connection import Connection
from supplychain.errors import InputError
from supplychain.model.evidence import EvidenceKind
from supplychain.pipeline.progress import Progress, stage
from supplychain.signing.bundle import MEDIA_TYPE as BUNDLE

if TYPE_CHECKING:
    from supplychain.images.resolve import ResolvedImage
    from supplychain.model.digest import Digest
    from supplychain.records.run import RunRecord

_IMAGES = "/v1/images"


class HandingIn:
    """Hands in images and what is known of them.

    Args:
        connection: To the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(
        self,
        image: ResolvedImage,
        run: RunRecord,
        environment: str,
        *,
        platform: str | None,
        progress: Progress,
    ) -> None:
        """Hand in what an image is, what was signed about it, and what was found in it.

        What was signed is recorded where the environment's policy there believes the signer, else
        refused; scans and SBOMs count where it takes the caller's word.

        Args:
            image: The image.
            run: What was found out about it.
            environment: Whose policy says whose word counts.
            platform: The only platform of an index that was looked at; None for all.
            progress: Who hears of it.

        Raises:
            InputError: Nothing of what was signed is of a form that can be handed in.
            SupplyChainError: What the server refuses with.
        """
        digest = run.subject.digest
        signed, left = _bundles(run)
        unsigned = [*_unsigned(run)]
        with stage(progress, "hand in", f"{digest}") as done:
            self._image(image, platform)
            for envelope in signed:
                self._send(digest, envelope, "attestation", environment=environment)
            for subject, kind, document in unsigned:
                self._send(subject, document, kind)
            done.text = f"{len(signed)} signed statements, {len(unsigned)} documents without a "
            done.text += f"signature; {left} of another form left where they are"

    def _image(self, image: ResolvedImage, platform: str | None) -> None:
        documents = {image.subject.digest: image.raw}
        for one in image.images:
            documents |= {one.subject.digest: one.raw, one.manifest.config.digest: one.config_raw}
        body = {
            "name": image.subject.name,
            "digest": str(image.subject.digest),
            "platform": platform or "",
            "documents": [base64.b64encode(raw).decode() for raw in documents.values()],
        }
        self._connection.post(_IMAGES, body)

    def _send(self, digest: Digest, document: bytes, kind: str, **query: str) -> None:
        path = f"{_IMAGES}/{digest}/evidence"
        self._connection.stream_in(path, lambda: document, kind=kind, **query)


def _bundles(run: RunRecord) -> tuple[list[bytes], int]:
    """What was signed, as bundles, and how much more there is in other forms.

    A legacy signature says what a bundle says too, and a document that is kept by itself, beside
    the image, cannot be sent along.
    """
    statements = [*run.attestations, *chain.from_iterable(p.attestations for p in run.platforms)]
    bundles = {
        one.attestation.envelope: one.envelope
        for one in statements
        if one.media_type == BUNDLE and one.document is None
    }
    if statements and not bundles:
        raise InputError(
            "nothing that was signed can be handed in",
            because="a server takes bundles that hold all that they state",
            hint="set signature_formats to bundle, or to both; or leave --hand-in out",
        )
    return [*bundles.values()], len(statements) - len(bundles)


def _unsigned(run: RunRecord) -> Iterator[tuple[Digest, str, bytes]]:
    for platform in run.platforms:
        if platform.scan:
            yield platform.subject.digest, EvidenceKind.SCAN.value, platform.scan.report
        if platform.sbom:
            yield platform.subject.digest, EvidenceKind.SBOM.value, platform.sbom.document
