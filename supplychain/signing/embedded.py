"""A legacy layer with its content, as one document that can be kept and checked.

What cosign's older format says of a signature lies in two places: the layer, and the annotations
of the layer's descriptor. Both come together as OCI has it: a descriptor whose `data` is the
content itself (descriptor.md, "Embedded Content").
"""

from __future__ import annotations

import json
from dataclasses import field

from supplychain.errors import DigestMismatchError
from supplychain.frozen import dataclass
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest
from supplychain.signing.dsse import ENVELOPE_LIMIT
from supplychain.signing.encoding import as_object, as_text, read_base64, read_json, write_base64

MEDIA_TYPE = "application/vnd.oci.descriptor.v1+json"
# The content in base64, and annotations of which one may hold it once more.
_LIMIT = 3 * ENVELOPE_LIMIT


@dataclass(frozen=True, slots=True)
class Embedded:
    """A layer as it was read; its content is what its descriptor names.

    Attributes:
        media_type: What the content is.
        content: The layer.
        annotations: What its descriptor says beside.
    """

    media_type: str
    content: bytes = field(repr=False)
    annotations: dict[str, object] = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Embedded:
        """Read a layer with its content, as `embed` makes it.

        Raises:
            LimitError: It is too large.
            DigestMismatchError: The content is not what the descriptor names.
            InputError: It is no descriptor.
        """
        layer = as_object(read_json(data, "the layer", limit=_LIMIT).value, "the layer")
        content = read_base64(layer.get("data"), "the layer's data")
        digest = Digest.parse(as_text(layer.get("digest"), "the layer's digest"))
        if layer.get("size") != len(content) or not digest.matches(content):
            raise DigestMismatchError(f"the layer's content is not {digest}")
        return cls(
            str(layer.get("mediaType")),
            content,
            as_object(layer.get("annotations") or {}, "the layer's annotations"),
        )


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
