"""Signatures and attestations as cosign stored them before bundles.

Beside an image lie two more, under tags made from its digest: `sha256-<hex>.sig` holds a layer for
each signature, `sha256-<hex>.att` one for each attestation (cosign, "Signature Specification").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum

from supplychain.errors import InputError, LimitError, NotFoundError
from supplychain.model.artifact import (
    DOCKER_MANIFEST,
    MANIFEST_LIMIT,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.signing import dsse, embedded, simplesigning
from supplychain.signing.encoding import as_object, read_json
from supplychain.signing.found import (
    UNUSABLE,
    Found,
    Rejection,
    Stored,
    Unread,
    described,
    read_each,
)
from supplychain.signing.trust.material import ANNOTATIONS

PREDICATE_TYPE_ANNOTATION = "predicateType"
# Cosign reads no more either.
LAYER_LIMIT = 1000
Json = dict[str, object]


class Suffix(StrEnum):
    """How the tags end."""

    SIGNATURES = "sig"
    ATTESTATIONS = "att"


LAYER_TYPES = {
    Suffix.SIGNATURES: simplesigning.MEDIA_TYPE,
    Suffix.ATTESTATIONS: dsse.MEDIA_TYPE,
}
_LIMITS = {
    Suffix.SIGNATURES: simplesigning.PAYLOAD_LIMIT,
    Suffix.ATTESTATIONS: dsse.ENVELOPE_LIMIT,
}


def tag(subject: Digest, suffix: Suffix) -> str:
    """The tag under which the signatures or attestations of a digest lie.

    Raises:
        InputError: The digest is no SHA-256: there are no such tags for others.
    """
    if subject.algorithm != "sha256":
        raise InputError(
            f"{subject} cannot be signed in the legacy format",
            because="its tags can name SHA-256 digests alone",
            hint='set signature_formats = "bundle"',
        )
    return f"sha256-{subject.hex}.{suffix}"


def read(
    store: ArtifactStore, subject: Digest, *, choose: Callable[[Descriptor], bool] | None = None
) -> Iterator[Found]:
    """Everything under the tags of a digest: signatures, then attestations, in their order.

    Args:
        store: The repository.
        subject: The digest.
        choose: Which layers to look at; all where not given.

    Raises:
        RegistryError: The registry failed; what could not be read is not thereby refused.
    """
    if subject.algorithm != "sha256":
        return
    for suffix in Suffix:
        name = tag(subject, suffix)
        held = _manifest(store, subject, name)
        if isinstance(held, Rejection):
            yield held
        elif held is not None:
            yield from _read_layers(store, held, suffix, choose)


def _manifest(store: ArtifactStore, subject: Digest, name: str) -> Manifest | Rejection | None:
    try:
        digest = store.resolve(name).digest
    except NotFoundError:
        return None
    except UNUSABLE as error:
        return Rejection.of(subject, error, f"the tag {name}")
    try:
        return store.manifest(digest)
    except UNUSABLE as error:
        return Rejection.of(digest, error, f"the tag {name}")


def _read_layers(
    store: ArtifactStore,
    held: Manifest,
    suffix: Suffix,
    choose: Callable[[Descriptor], bool] | None,
) -> Iterator[Found]:
    try:
        layers = layers_in(parsed(held, f"what lies under .{suffix}"), suffix)
    except UNUSABLE as error:
        yield Rejection.of(held.digest, error)
        return
    named = (_named(held.digest, suffix, *one) for one in enumerate(layers, 1))
    wanted = (
        one for one in named if isinstance(one, Rejection) or choose is None or choose(one.layer)
    )

    def made(one: Unread, data: bytes) -> Stored:
        return stored(suffix, one.manifest, one.layer, data, one.where)

    yield from read_each(store, wanted, made, limit=_LIMITS[suffix])


def _named(manifest: Digest, suffix: Suffix, number: int, value: object) -> Unread | Rejection:
    where = f"layer {number} of .{suffix}"
    try:
        layer = described(as_object(value, "the layer"), limit=_LIMITS[suffix])
    except UNUSABLE as error:
        return Rejection.of(manifest, error, where)
    return Unread(manifest, layer, where)


def stored(
    suffix: Suffix, manifest: Digest, layer: Descriptor, data: bytes, where: str = ""
) -> Stored:
    """A layer as the one document that is checked and kept.

    An envelope is such a document by itself, unless what it is verified by lies beside it.
    """
    beside = any(name.startswith(ANNOTATIONS) for name, _ in layer.annotations)
    if suffix is Suffix.SIGNATURES or beside:
        return Stored(manifest, embedded.MEDIA_TYPE, embedded.embed(layer, data), where)
    return Stored(manifest, dsse.MEDIA_TYPE, data, where)


def parsed(manifest: Manifest, what: str) -> Json:
    """The manifest of an image.

    Raises:
        InputError: It is of something else, or no strict JSON.
    """
    if manifest.media_type not in {OCI_MANIFEST, DOCKER_MANIFEST}:
        raise InputError(
            f"{what} is no image of signatures", because=f"it is {manifest.media_type}"
        )
    return as_object(read_json(manifest.raw, what, limit=MANIFEST_LIMIT).value, what)


def layers_in(value: Json, suffix: Suffix) -> list[object]:
    """The layers, of which each is of the type that belongs under this tag.

    Raises:
        LimitError: They are more than anybody reads.
        InputError: There are none, or others.
    """
    layers = value.get("layers")
    if not isinstance(layers, list) or not layers:
        raise InputError(f"what lies under .{suffix} holds nothing that is signed")
    if len(layers) > LAYER_LIMIT:
        raise LimitError(
            f"what lies under .{suffix} has {len(layers)} layers, at most {LAYER_LIMIT} are read",
            hint="delete the signatures that are no longer needed",
        )
    for layer in layers:
        kind = as_object(layer, "a layer").get("mediaType")
        if kind != LAYER_TYPES[suffix]:
            raise InputError(
                f"what lies under .{suffix} is no image of signatures",
                because=f"it holds {str(kind)[:140]!r}",
            )
    return layers
