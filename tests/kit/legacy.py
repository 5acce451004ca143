"""Images under cosign's legacy tags, genuine or not, put together layer by layer."""

from __future__ import annotations

import json
from typing import Any

from supplychain.model.artifact import OCI_MANIFEST
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing import dsse, simplesigning
from supplychain.signing.encoding import write_base64
from tests.kit.artifacts import MemoryStore
from tests.kit.keys import signer

SIGNATURE = "dev.cosignproject.cosign/signature"


def layer(store: MemoryStore, data: bytes, /, **changes: Any) -> dict[str, Any]:
    """The layer of an image signature over these bytes, by our key; it differs by `changes`."""
    return {
        "mediaType": simplesigning.MEDIA_TYPE,
        "size": len(data),
        "digest": str(store.put_blob(data)),
        "annotations": {SIGNATURE: write_base64(signer().sign(data))},
        **changes,
    }


def attestation(store: MemoryStore, payload: bytes, key: str = "release") -> dict[str, Any]:
    """The layer of an attestation with this payload."""
    data = dsse.seal(payload, signer(key)).encode()
    return layer(store, data, mediaType=dsse.MEDIA_TYPE, annotations={SIGNATURE: ""})


def put(
    store: MemoryStore, subject: Subject, layers: list[Any], suffix: str = "sig", **changes: Any
) -> Digest:
    """An image of these layers under a tag of the subject."""
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": layers, **changes}
    return put_raw(store, subject, json.dumps(manifest).encode(), suffix)


def put_raw(
    store: MemoryStore,
    subject: Subject,
    raw: bytes,
    suffix: str = "sig",
    media_type: str = OCI_MANIFEST,
) -> Digest:
    """Whatever it is, under a tag of the subject."""
    return store.put_manifest(raw, media_type, tag=f"sha256-{subject.digest.hex}.{suffix}")
