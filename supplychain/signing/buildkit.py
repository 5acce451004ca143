"""What BuildKit leaves in an index: statements about its platforms that nobody signed.

Each platform that was built with provenance or an SBOM has a manifest of its own beside it in the
index, for a platform called `unknown/unknown` (BuildKit, "Image attestation storage"). Nothing
vouches for what it says but the index it lies in, so it is shown and never believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.model.artifact import MANIFEST_LIMIT, ArtifactStore, Manifest
from supplychain.model.digest import Digest
from supplychain.signing.dsse import PAYLOAD_LIMIT, PAYLOAD_TYPE
from supplychain.signing.encoding import as_object, read_json
from supplychain.signing.found import UNUSABLE, Foreign, Rejection, described

_KIND, _ABOUT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_KIND_OF_STATEMENTS = "attestation-manifest"
_PREDICATE_TYPE = "in-toto.io/predicate-type"
# One platform has a handful: an SBOM for each stage that was scanned, and provenance.
_LAYER_LIMIT = 100
_CHILD_LIMIT = 1000
_Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A statement that nobody signed.

    Attributes:
        about: Which platform's manifest it is kept for.
        manifest: What holds it.
        predicate_type: What its layer says that it is; "" where it says nothing.
        payload: The statement, as it was found.
    """

    about: Digest
    manifest: Digest
    predicate_type: str
    payload: bytes = field(repr=False)


def read(
    store: ArtifactStore, index: Manifest
) -> Iterator[tuple[Digest, Unsigned | Rejection | Foreign]]:
    """Every statement that an index holds about its platforms, in its order.

    Args:
        store: The repository that holds it.
        index: The index; anything else holds none.

    Yields:
        The digest of the platform's manifest, or of the index where not even that can be read,
        and what was found about it.

    Raises:
        LimitError: There are more than anybody needs.
        InputError: The index is no JSON object.
        RegistryError: The registry failed.
    """
    value = as_object(read_json(index.raw, "the index", limit=MANIFEST_LIMIT).value, "the index")
    children = value.get("manifests")
    found = [child for child in children if _is_kept(child)] if isinstance(children, list) else []
    if len(found) > _CHILD_LIMIT:
        raise LimitError(
            f"{index.digest} holds {len(found)} attestation manifests, "
            f"at most {_CHILD_LIMIT} are read"
        )
    for child in found:
        try:
            about = Digest.parse(str(child["annotations"].get(_ABOUT)))
            manifest = Digest.parse(str(child.get("digest")))
        except InputError as error:
            yield index.digest, Rejection.of(index.digest, error, "an attestation manifest")
            continue
        for one in _statements(store, about, manifest):
            yield about, one


def _is_kept(child: object) -> bool:
    """Whether an entry of an index holds statements about another."""
    annotations = child.get("annotations") if isinstance(child, dict) else None
    return isinstance(annotations, dict) and annotations.get(_KIND) == _KIND_OF_STATEMENTS


def _statements(
    store: ArtifactStore, about: Digest, manifest: Digest
) -> Iterator[Unsigned | Rejection | Foreign]:
    try:
        layers = _layers(store.manifest(manifest))
    except UNUSABLE as error:
        yield Rejection.of(manifest, error)
        return
    for number, layer in enumerate(layers, 1):
        try:
            yield _statement(store, about, manifest, as_object(layer, "the layer"))
        except UNUSABLE as error:
            yield Rejection.of(manifest, error, f"layer {number}")


def _layers(manifest: Manifest) -> list[object]:
    what = "the attestation manifest"
    value = as_object(read_json(manifest.raw, what, limit=MANIFEST_LIMIT).value, what)
    layers = value.get("layers")
    if not isinstance(layers, list):
        return []
    if len(layers) > _LAYER_LIMIT:
        raise LimitError(f"{what} has {len(layers)} layers, at most {_LAYER_LIMIT} are read")
    return layers


def _statement(
    store: ArtifactStore, about: Digest, manifest: Digest, layer: _Json
) -> Unsigned | Foreign:
    descriptor = described(layer, limit=PAYLOAD_LIMIT)
    if descriptor.media_type != PAYLOAD_TYPE:
        return Foreign(manifest, descriptor.media_type)
    payload = store.blob(descriptor, limit=PAYLOAD_LIMIT)
    return Unsigned(about, manifest, dict(descriptor.annotations).get(_PREDICATE_TYPE, ""), payload)
