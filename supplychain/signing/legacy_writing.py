"""Adding to the images that hold legacy signatures and attestations.

Everybody who signs rewrites such an image whole, so it is only ever amended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import field

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.frozen import dataclass
from supplychain.model.artifact import (
    MANIFEST_LIMIT,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.signing.dsse import Envelope
from supplychain.signing.encoding import as_object, read_json, write_base64
from supplychain.signing.found import Stored, described
from supplychain.signing.legacy import (
    LAYER_LIMIT,
    LAYER_TYPES,
    PREDICATE_TYPE_ANNOTATION,
    Json,
    Suffix,
    layers_in,
    parsed,
    stored,
    tag,
)
from supplychain.signing.simplesigning import SIGNATURE_ANNOTATION, SignatureLayer

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LONG_AGO = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that is to be written.

    Attributes:
        suffix: Among which it belongs.
        data: Its bytes.
        annotations: What its descriptor says beside.
    """

    suffix: Suffix
    data: bytes = field(repr=False)
    annotations: tuple[tuple[str, str], ...]

    @classmethod
    def of_signature(cls, signed: SignatureLayer) -> Layer:
        """The layer of an image signature."""
        annotations = ((SIGNATURE_ANNOTATION, write_base64(signed.signature)),)
        return cls(Suffix.SIGNATURES, signed.payload, annotations)

    @classmethod
    def of_attestation(cls, envelope: Envelope, predicate_type: str) -> Layer:
        """The layer of an attestation; the signature that counts is in its envelope."""
        annotations = ((SIGNATURE_ANNOTATION, ""), (PREDICATE_TYPE_ANNOTATION, predicate_type))
        return cls(Suffix.ATTESTATIONS, envelope.encode(), annotations)

    def stored(self, manifest: Digest) -> Stored:
        """The document that is found once the layer lies in a manifest."""
        return stored(self.suffix, manifest, self.descriptor(), self.data)

    def descriptor(self) -> Descriptor:
        """What names it."""
        return Descriptor(
            LAYER_TYPES[self.suffix],
            Digest.of(self.data),
            len(self.data),
            annotations=self.annotations,
        )


def append(store: ArtifactStore, subject: Digest, layers: Sequence[Layer]) -> Digest:
    """Add layers of one kind to what lies under its tag; those that are there are not added.

    Args:
        store: The repository that holds the subject.
        subject: What the layers are about.
        layers: One or more, all with the same suffix.

    Returns:
        The digest of the image that now holds them.

    Raises:
        VerificationError: Something else stands under the tag; it was left alone.
        LimitError: There would be more layers than anybody reads.
        ConflictError: Others kept writing the tag.
        InputError: The digest is no SHA-256.
    """
    (suffix,) = {layer.suffix for layer in layers}
    name = tag(subject, suffix)
    data = {str(Digest.of(layer.data)): layer.data for layer in layers}

    def change(current: Manifest | None) -> Manifest:
        # Blobs only here, for whoever signs beside us in this process waits: they may store the
        # same.
        return _with(
            store,
            current,
            (suffix, name),
            [_json(layer) for layer in layers],
            lambda new: store.each(lambda one: str(store.put_blob(data[str(one["digest"])])), new),
        )

    return store.amend(name, change).digest


def merge(store: ArtifactStore, subject: Digest, suffix: Suffix, image: Manifest) -> Manifest:
    """Add the layers of another such image to what lies under its tag, so that nothing is lost.

    Args:
        store: The repository that holds the subject and, already, every blob of `image`.
        subject: What the layers are about.
        suffix: Among which they belong.
        image: The other image; it becomes the one under the tag where there is none.

    Returns:
        What now lies there.

    Raises:
        SupplyChainError: As `append`; also where `image` is no such image.
    """
    name = tag(subject, suffix)
    _, layers = _appendable(image, suffix, name)
    wanted = [as_object(layer, "a layer") for layer in layers]

    def change(current: Manifest | None) -> Manifest:
        if current is None:
            return image
        return _with(
            store, current, (suffix, name), wanted, lambda new: [one.get("digest") for one in new]
        )

    return store.amend(name, change)


def holds(current: Manifest, suffix: Suffix, image: Manifest) -> bool:
    """Whether an image has every layer of another one; raises as `merge`."""
    _, there = _appendable(current, suffix, f"what lies under .{suffix}")
    _, wanted = _appendable(image, suffix, f"what lies under .{suffix}")
    return all(any(_same(as_object(layer, "a layer"), old) for old in there) for layer in wanted)


def _with(
    store: ArtifactStore,
    current: Manifest | None,
    place: tuple[Suffix, str],
    layers: Sequence[Json],
    keep: Callable[[Sequence[Json]], Sequence[object]],
) -> Manifest:
    """The image with these layers too; the very same where it holds them all.

    Args:
        store: Where it is.
        current: The image.
        place: Its suffix and its tag.
        layers: Their descriptors.
        keep: Sees to it that the blobs of new ones are there; gives their digests.
    """
    suffix, name = place
    value: Json = {"schemaVersion": 2, "mediaType": OCI_MANIFEST}
    present: list[object] = []
    if current is not None:
        value, present = _appendable(current, suffix, name)
    new = [one for one in layers if not any(_same(one, old) for old in present)]
    if current is not None and not new:
        return current
    if len(present) + len(new) > LAYER_LIMIT:
        raise LimitError(
            f"{name} would have more than {LAYER_LIMIT} layers, and nobody reads so many",
            hint="delete the tag, or signatures that are no longer needed; then sign again",
        )
    config = _config(store, value.get("config"), keep(new))
    value |= {"config": config, "layers": [*present, *new]}
    data = json.dumps(value, separators=(",", ":")).encode()
    media_type = OCI_MANIFEST if current is None else current.media_type
    return Manifest(media_type, Digest.of(data), data)


def _appendable(current: Manifest, suffix: Suffix, name: str) -> tuple[Json, list[object]]:
    try:
        value = parsed(current, name)
        return value, layers_in(value, suffix)
    except LimitError:
        raise
    except InputError as error:
        raise VerificationError(
            f"{name} cannot be added to",
            because=f"{error}: {error.because}" if error.because else str(error),
            hint="see who wrote that tag and remove it; nothing was changed",
        ) from None


def _config(store: ArtifactStore, described_as: object, added: Sequence[object]) -> Json:
    """Store an image configuration that lists these layers too, as registries expect of images."""
    kind = _CONFIG_TYPE
    value: Json = {
        "architecture": "",
        "created": _LONG_AGO,
        "history": [],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": []},
        "config": {},
    }
    if described_as is not None:
        layer = described(as_object(described_as, "the configuration"), limit=MANIFEST_LIMIT)
        raw = store.blob(layer, limit=MANIFEST_LIMIT)
        kind = layer.media_type
        value = as_object(read_json(raw, "its content", limit=MANIFEST_LIMIT).value, "its content")
    rootfs = as_object(value.get("rootfs"), "the configuration's rootfs")
    rootfs["diff_ids"] = [*_list(rootfs.get("diff_ids")), *added]
    value["history"] = [*_list(value.get("history")), *({"created": _LONG_AGO} for _ in added)]
    data = json.dumps(value, separators=(",", ":")).encode()
    return {"mediaType": kind, "size": len(data), "digest": str(store.put_blob(data))}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _json(layer: Layer) -> Json:
    named = layer.descriptor()
    return {
        "mediaType": named.media_type,
        "size": named.size,
        "digest": str(named.digest),
        "annotations": dict(named.annotations),
    }


def _same(one: Json, other: object) -> bool:
    """Whether two layers are one: the content, and the signature beside it."""
    return isinstance(other, dict) and all(
        one.get(name) == other.get(name) for name in ("digest", "annotations")
    )
