"""From what a user typed to an image that can be worked on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.subject import Platform, Subject
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.images.source import OpenedSource, Source
    from supplychain.model.artifact import ArtifactStore
    from supplychain.pipeline.target import Target
    from supplychain.records.record import Record

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# As people copy it from a verdict; nobody names a repository like this.
_SHORT_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True)
class Located:
    """A digest in the place where it lies."""

    store: ArtifactStore
    subject: Subject
    tag: str | None


@contextmanager
def located(settings: Settings, text: str) -> Iterator[Located]:
    """Resolve what a user typed, once; a tag means this digest from here on.

    Raises:
        InputError: The text names no source.
        NotFoundError: There is no such tag or file.
        SupplyChainError: The source cannot be opened.
    """
    with _opened(settings, text) as opened:
        yield Located(opened.store, Subject(opened.name, opened.digest), opened.tag)


@contextmanager
def target(
    settings: Settings,
    text: str,
    *,
    platform: str | None = None,
    layout: Path | None = None,
) -> Iterator[Target]:
    """The image that a user named, resolved, with the place for its signatures.

    Args:
        settings: All settings.
        text: What the user typed.
        platform: Only this platform of an index; None for all.
        layout: Where an image goes that its source cannot hold signatures for; None for a
            folder in the data folder.

    Raises:
        SupplyChainError: As `located`, and as `images.resolve.resolve`.
    """
    from supplychain.images.resolve import resolve
    from supplychain.pipeline.target import Target

    wanted = Platform.parse(platform) if platform else None
    with _opened(settings, text) as opened:
        image = resolve(opened.store, opened.digest, name=opened.name, platform=wanted)

        def beside() -> ArtifactStore:
            if opened.writable is not None:
                return opened.writable
            from supplychain.images.copying import copy_to_layout

            folder = layout or settings.data_dir / "layouts" / image.subject.digest.hex
            return copy_to_layout(opened.store, image, folder)

        yield Target(opened.store, image, opened.tag, opened.keep, beside, opened.resolved)


def is_bare_digest(text: str) -> bool:
    """Whether it is a digest, or the beginning of one, that does not say where the image lies."""
    return bool(_SHORT_DIGEST.fullmatch(text))


def subject_of(settings: Settings, record: Record, text: str) -> Subject:
    """What `gate` is asked about: a digest as it stands, or what a tag means now.

    A tag is never looked up in the record: it may have moved since it was recorded.

    Raises:
        SupplyChainError: As `located`; a whole digest needs no look at any source.
    """
    if _DIGEST.fullmatch(text):
        digest = Digest.parse(text)
        return Subject(_name_of(record, digest), digest)
    if _SHORT_DIGEST.fullmatch(text):
        digest = record.images.find(text)
        return Subject(_name_of(record, digest), digest)
    return resolved(settings, text)


def resolved(settings: Settings, text: str) -> Subject:
    """What a reference or a source means now; one with a digest needs no look at it.

    Raises:
        SupplyChainError: As `located`.
    """
    from supplychain.images.reference import Reference
    from supplychain.images.source import RegistrySource

    source = named(settings, text)
    if isinstance(source, RegistrySource) and source.reference.digest is not None:
        reference: Reference = source.reference
        return Subject(reference.name, source.reference.digest)
    with located(settings, text) as found:
        return found.subject


def subject_by_digest(record: Record, text: str) -> Subject:
    """What a server is asked about: `name@sha256:…`, or a whole digest that names itself.

    Raises:
        InputError: It is none of them; a tag is never resolved for whoever asks.
    """
    from supplychain.images.reference import Reference

    if _DIGEST.fullmatch(text):
        digest = Digest.parse(text)
        return Subject(_name_of(record, digest), digest)
    reference = Reference.parse(text)
    if reference.digest is None:
        raise InputError(
            f"{text[:140]!r} has no digest",
            because="a tag may mean another image by the time it runs",
            hint="name the image by its digest: registry.example/shop@sha256:<64 hex>",
        )
    return Subject(reference.name, reference.digest)


def recorded(settings: Settings, record: Record, text: str) -> Digest:
    """The recorded image that a user means, found without any network.

    Raises:
        NotFoundError: Nothing recorded fits.
        ConflictError: More than one image fits.
    """
    try:
        return record.images.find(text)
    except NotFoundError as unknown:
        from supplychain.images.source import RegistrySource

        try:
            source = named(settings, text)
        except (InputError, NotFoundError):
            raise unknown from None
        if isinstance(source, RegistrySource):
            return record.images.find(str(source.reference))
    with located(settings, text) as found:
        return record.images.find(str(found.subject.digest))


def platform_of(record: Record, digest: Digest, platform: str | None, *, at: datetime) -> Digest:
    """The manifest of the one platform that is meant.

    Args:
        record: The record.
        digest: A platform manifest or an index.
        platform: Which of its platforms; None where it has one only.
        at: Now (aware, UTC).

    Raises:
        NotFoundError: Nothing is recorded about the image.
        InputError: None of its platforms is meant, or more than one.
    """
    wanted = Platform.parse(platform) if platform else None
    image = record.images.show(digest, at=at)
    fitting = [one for one in image.platforms if wanted in {None, one.platform}]
    if len(fitting) != 1:
        names = [str(one.platform) for one in image.platforms]
        one = names[0] if names else "linux/amd64"
        raise InputError(
            "a document is about one platform",
            because=f"the image is recorded for {', '.join(names) or 'none'}",
            hint=f"name one of them: --platform {one}; over HTTP: ?platform={one}",
        )
    return fitting[0].digest


def _name_of(record: Record, digest: Digest) -> str:
    from supplychain.bootstrap.parts import now

    try:
        return record.images.show(digest, at=now()).names[0]
    except NotFoundError:
        return "image"  # the gate will say that nothing is recorded about it


def named(settings: Settings, text: str) -> Source:
    """What a text names; for others only what lies in a registry."""
    from supplychain.images.source import parse_registry_source, parse_source

    return parse_registry_source(text) if settings.serving else parse_source(text)


@contextmanager
def _opened(settings: Settings, text: str) -> Iterator[OpenedSource]:
    from supplychain.bootstrap.parts import registry_options
    from supplychain.images.source import open_source
    from supplychain.pipeline.workspace import private_folder

    source = named(settings, text)
    with private_folder(settings.cache_dir / "work") as folder:
        yield open_source(source, registry_options(settings), scratch=folder)
