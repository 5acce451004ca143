"""Which images went into a build, as provenance says it.

BuildKit names them by package URLs (`pkg:docker/python@3.12-slim?platform=linux%2Famd64`), others
as `pkg:oci/…?repository_url=…`, `oci://…` or `docker-image://…`, each with its digest beside
(SLSA provenance v1, "resolvedDependencies"; v0.2, "materials").
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from supplychain.errors import InputError
from supplychain.model.digest import Digest
from supplychain.model.image_config import repository_of
from supplychain.model.subject import Subject

_Fields = Mapping[str, object]
_DOCKER, _OCI = "pkg:docker/", "pkg:oci/"
_SCHEMES = ("oci://", "docker-image://")
# No build has more, and everything here is kept for every statement.
_MOST = 200


def images_of(predicate: _Fields) -> tuple[Subject, ...]:
    """The images that provenance of either version names with their digests, sorted.

    What is of another shape than expected names none.
    """
    definition = predicate.get("buildDefinition")
    listed = [predicate.get("materials")]
    if isinstance(definition, dict):
        listed.append(definition.get("resolvedDependencies"))
    found = {_image(item) for items in listed if isinstance(items, list) for item in items}
    return tuple(sorted(filter(None, found)))[:_MOST]


def _image(item: object) -> Subject | None:
    if not isinstance(item, dict):
        return None
    uri, digests = item.get("uri"), item.get("digest")
    if not isinstance(uri, str) or not isinstance(digests, dict):
        return None
    name = _name(uri)
    try:
        return Subject(name, Digest.parse(f"sha256:{digests.get('sha256')}")) if name else None
    except InputError:
        return None


def _name(uri: str) -> str:
    """The repository that an address names; "" where it is none of an image."""
    for scheme in _SCHEMES:
        if uri.startswith(scheme):
            return repository_of(uri.removeprefix(scheme))
    if not uri.startswith((_DOCKER, _OCI)):
        return ""
    path, _, query = uri.partition("#")[0].partition("?")
    path = unquote(path.removeprefix(_DOCKER).removeprefix(_OCI))
    registry = next(iter(parse_qs(query).get("repository_url", ())), "")
    if not registry:
        return repository_of(path)
    # Of an OCI package it is the whole repository, of a Docker package the registry.
    return repository_of(registry if uri.startswith(_OCI) else f"{registry.rstrip('/')}/{path}")
