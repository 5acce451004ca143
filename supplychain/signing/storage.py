"""Bundles beside an image: OCI 1.1 referrers, as cosign v3 stores them by default."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from supplychain.errors import (
    InputError,
    LimitError,
    VerificationError,
)
from supplychain.model.artifact import (
    MANIFEST_LIMIT,
    OCI_MANIFEST,
    ArtifactStore,
    Descriptor,
    Manifest,
)
from supplychain.model.digest import Digest
from supplychain.signing.bundle import (
    BUNDLE_LIMIT,
    MEDIA_TYPE,
    MEDIA_TYPE_FAMILY,
    MEDIA_TYPES,
)
from supplychain.signing.encoding import as_object, read_json
from supplychain.signing.found import (
    UNUSABLE,
    Foreign,
    Found,
    Rejection,
    Stored,
    Unread,
    at_once,
    described,
    read_each,
)

PREDICATE_TYPE_ANNOTATION = "dev.sigstore.bundle.predicateType"
_CONTENT_ANNOTATION = "dev.sigstore.bundle.content"
_CREATED_ANNOTATION = "org.opencontainers.image.created"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"

# What a registry may make us read about one digest, before anything in it is trusted.
REFERRER_LIMIT = 1000
# What may be shown to people as it stands (RFC 6838 section 4.2).
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]{0,126}/[\w!#$&^.+-]{1,127}", re.ASCII)


def write(
    store: ArtifactStore, subject: Manifest, bundles: Sequence[tuple[str, bytes]], *, at: datetime
) -> tuple[Digest, ...]:
    """Attach bundles to a manifest or index.

    Args:
        store: The repository that holds the subject.
        subject: What the bundles are about.
        bundles: Predicate type and encoded bundle. The type goes into the annotation by which
            tools choose; nothing trusts it.
        at: For the annotation that tells when (aware, UTC).

    Returns:
        The digests of the referrers.
    """
    blobs = {_EMPTY, *(data for _, data in bundles)}
    held = dict(zip(blobs, store.each(store.put_blob, [*blobs]), strict=True))
    config = _descriptor(_EMPTY_TYPE, _EMPTY, held[_EMPTY])
    manifests = [
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "config": config,
            "layers": [_descriptor(MEDIA_TYPE, data, held[data])],
            "subject": _descriptor(subject.media_type, subject.raw, subject.digest),
            "annotations": {
                _CONTENT_ANNOTATION: "dsse-envelope",
                PREDICATE_TYPE_ANNOTATION: predicate_type,
                _CREATED_ANNOTATION: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }
        for predicate_type, data in bundles
    ]
    encoded = [json.dumps(m, separators=(",", ":"), ensure_ascii=False).encode() for m in manifests]
    return store.attach_all(encoded, OCI_MANIFEST, subject=subject.digest)


def read(
    store: ArtifactStore, subject: Digest, *, choose: Callable[[Descriptor], bool] | None = None
) -> Iterator[Found]:
    """Everything that refers to a digest, a few at a time, in the store's order.

    Args:
        store: The repository.
        subject: The digest.
        choose: Which referrers to look at; all where not given.

    Raises:
        LimitError: There are more referrers than anybody needs.
        RegistryError: The registry failed; what could not be read is not thereby refused.
    """
    referrers = tuple({d.digest: d for d in store.referrers(subject)}.values())
    if len(referrers) > REFERRER_LIMIT:
        raise LimitError(
            f"{subject} has {len(referrers)} referrers, at most {REFERRER_LIMIT} are read",
            hint="delete the attestations that are no longer needed",
        )
    chosen = [one.digest for one in referrers if choose is None or choose(one)]
    opened = at_once(store, lambda one: _opened(store, subject, one), chosen)
    yield from read_each(store, opened, _stored, limit=BUNDLE_LIMIT)


def _opened(store: ArtifactStore, subject: Digest, referrer: Digest) -> Unread | Found:
    try:
        layer = _layer(store.manifest(referrer), subject)
    except UNUSABLE as error:
        return Rejection.of(referrer, error)
    return Foreign(referrer, layer) if isinstance(layer, str) else Unread(referrer, layer)


def _stored(bundle: Unread, data: bytes) -> Stored:
    return Stored(bundle.manifest, MEDIA_TYPE, data)


def _layer(manifest: Manifest, subject: Digest) -> Descriptor | str:
    """The bundle's descriptor, or the media type of what is there instead of a bundle."""
    value = as_object(
        read_json(manifest.raw, "the referrer", limit=MANIFEST_LIMIT).value, "the referrer"
    )
    layers = value.get("layers")
    if manifest.media_type != OCI_MANIFEST or not isinstance(layers, list) or not layers:
        return _shown(value.get("artifactType")) or _shown(manifest.media_type)
    types = [as_object(layer, "a layer").get("mediaType") for layer in layers]
    if not any(str(media_type).startswith(MEDIA_TYPE_FAMILY) for media_type in types):
        return _shown(types[0])
    if len(types) != 1 or types[0] not in MEDIA_TYPES:
        raise InputError(
            f"the referrer does not hold exactly one bundle of type {MEDIA_TYPE}",
            because=f"it holds {', '.join(repr(t) for t in types)[:300]}",
        )
    named = as_object(value.get("subject"), "the referrer's subject").get("digest")
    if named != str(subject):
        raise VerificationError(
            "the referrer is about another digest", because=f"it names {str(named)[:140]!r}"
        )
    return described(as_object(layers[0], "the layer"), limit=BUNDLE_LIMIT)


def _shown(media_type: object) -> str:
    text = str(media_type)
    return text if _MEDIA_TYPE.fullmatch(text) else ""


def _descriptor(media_type: str, data: bytes, digest: Digest) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(digest), "size": len(data)}
