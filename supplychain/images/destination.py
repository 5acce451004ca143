"""Where an image can be copied to: a repository in a registry, or an OCI layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.images.reference import Reference, check_tag
from supplychain.images.source import PATH_STARTS, FileKind
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.images.registry.options import RegistryOptions
    from supplychain.model.artifact import ArtifactStore

_DAEMON = "docker-daemon"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a copy goes.

    Attributes:
        place: A repository, or the folder of a layout, which need not be there yet.
        tag: The tag that the copy gets; None for none.
        digest: What the copy has to be; None where that was not said.
    """

    place: Reference | Path
    tag: str | None
    digest: Digest | None


def parse_destination(text: str) -> Destination:
    """Read what a user typed, by the rules of `parse_source`.

    Raises:
        InputError: It names nothing that can be written.
    """
    if not text.isprintable():
        raise InputError(f"{text[:140]!r} names no place", because="it is not printable text")
    prefix, colon, rest = text.partition(":")
    if colon and prefix in {FileKind.ARCHIVE, FileKind.DOCKER_ARCHIVE, _DAEMON}:
        raise InputError(
            f"nothing can be copied to {text}",
            because="what is attached to an image has no place there",
            hint="copy into a registry or into an OCI layout folder, oci:DIR:TAG",
        )
    if colon and prefix == FileKind.LAYOUT:
        return _layout(rest)
    if text.startswith(PATH_STARTS):
        return _layout(text)
    reference = Reference.parse(text)
    place = Reference(reference.registry, reference.repository)
    return Destination(place, reference.tag, reference.digest)


def open_destination(
    place: Reference | Path, options: RegistryOptions, *, beside: ArtifactStore
) -> ArtifactStore:
    """Open where a copy goes; a layout is made where there is none.

    Args:
        place: As in `Destination`.
        options: How to reach registries.
        beside: Where the image comes from: the same registry is reached by the same connections.

    Raises:
        ConflictError: The folder holds something else than a layout.
        StoreError: It cannot be written.
    """
    if isinstance(place, Path):
        from supplychain.images.layout import OciLayout

        return OciLayout.create(place)
    from supplychain.images.registry.repository import RegistryRepository

    shared = None
    if isinstance(beside, RegistryRepository) and beside.reference.registry == place.registry:
        shared = beside.host
    return RegistryRepository(place, options, host=shared)


def _layout(text: str) -> Destination:
    """`DIR[:TAG][@DIGEST]`; the folder need not be there, so the last colon cuts the tag off."""
    start, at, digest = text.rpartition("@sha")
    wanted = Digest.parse(f"sha{digest}") if at else None
    text = start if at else text
    path, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        path, tag = text, ""
    if tag:
        check_tag(tag)
    if not path:
        raise InputError("no folder is named", hint="write oci:DIR or oci:DIR:TAG")
    return Destination(Path(path).expanduser(), tag or None, wanted)
