"""What a user may call an image, and how each is opened.

The prefixes are those of skopeo and podman (containers-transports(5)): `docker://`, `oci:`,
`oci-archive:`, `docker-archive:` and `docker-daemon:`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InputError, NotFoundError
from supplychain.frozen import dataclass
from supplychain.images.reference import Reference
from supplychain.model.artifact import ArtifactStore
from supplychain.model.digest import Digest

if TYPE_CHECKING:
    from supplychain.images.layout_reader import LayoutReader
    from supplychain.images.registry.options import RegistryOptions

# An archive that is compressed as a whole is unpacked to a file before it is read.
_ARCHIVE_LIMIT = 64 << 30
PATH_STARTS = ("/", "./", "../", "~")


class FileKind(StrEnum):
    """Images in files, by the prefix that names them."""

    LAYOUT = "oci"
    ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"


_LOCAL = frozenset({*FileKind, "docker-daemon"})


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """An image in a registry."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class FileSource:
    """An image in a layout folder or in an archive.

    Attributes:
        kind: What is expected at the path.
        path: The folder or file.
        wanted: A tag, or a digest behind `@`; None where the only image there is meant.
    """

    kind: FileKind
    path: Path
    wanted: str | Digest | None


@dataclass(frozen=True, slots=True)
class DaemonSource:
    """An image in a Docker daemon, by its name or ID."""

    name: str


Source = RegistrySource | FileSource | DaemonSource


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that was opened, and the one digest that is meant.

    Attributes:
        store: Where the image's bytes are.
        name: The repository, or the file's name; never a tag.
        digest: The manifest or index.
        tag: The tag that led to it; None where none did.
        resolved: Whether a registry has it under this name; else whoever made the file, or looks
            after the daemon, chose the name.
        keep: Whether fetched blobs are worth keeping: they came over a network.
        writable: The store again, where signatures can be written to it; else None.
    """

    store: ArtifactStore
    name: str
    digest: Digest
    tag: str | None
    resolved: bool
    keep: bool
    writable: ArtifactStore | None


def parse_source(text: str) -> Source:
    """Read what a user typed.

    A text without a prefix is a path where it starts like one (`/`, `./`, `../`, `~`), and a
    registry reference everywhere else, as docker and cosign read it.

    Raises:
        InputError: It names nothing that can be opened.
    """
    if not text.isprintable():
        raise InputError(f"{text[:140]!r} names no image", because="it is not printable text")
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _LOCAL:
        if not rest:
            raise InputError(f"{text!r} names nothing", hint=f"write {prefix}:NAME")
        return DaemonSource(rest) if prefix == "docker-daemon" else _file(FileKind(prefix), rest)
    if text.startswith(PATH_STARTS):
        return _file(None, text)
    return RegistrySource(Reference.parse(text))


def parse_registry_source(text: str) -> RegistrySource:
    """Read what somebody else named: an image in a registry, and nothing of this machine.

    No file is looked for, so that nobody learns what there is.

    Raises:
        InputError: It names something else.
    """
    prefix, colon, _ = text.partition(":")
    if (colon and prefix in _LOCAL) or text.startswith(PATH_STARTS):
        raise InputError(
            f"{text[:140]!r} is not in a registry",
            because="files and daemons of the machine that does the work are not open to others",
            hint="push it, and name it as registry.example.com/team/app:1.2",
        )
    return RegistrySource(Reference.parse(text))


def open_source(source: Source, options: RegistryOptions, *, scratch: Path) -> OpenedSource:
    """Open a source and decide, once, which digest is meant.

    Args:
        source: What was asked for.
        options: How to reach registries.
        scratch: A private folder that stays until the image has been read.

    Raises:
        NotFoundError: There is no such image.
        InputError: The source holds several images, or is no sound one.
        RegistryError: The registry failed.
        StoreError: A file cannot be read.
    """
    if isinstance(source, RegistrySource):
        return _open_registry(source.reference, options)
    if isinstance(source, DaemonSource):
        return _open_daemon(source.name, scratch)
    if source.kind is FileKind.LAYOUT:
        from supplychain.images.layout import OciLayout

        layout = OciLayout(source.path)
        digest, tag = _chosen(layout, source.wanted)
        name = source.path.resolve().name
        return OpenedSource(layout, name, digest, tag, resolved=False, keep=False, writable=layout)
    return _open_archive(source.path, source.wanted, source.path.name, scratch)


def _open_registry(reference: Reference, options: RegistryOptions) -> OpenedSource:
    from supplychain.images.registry.repository import RegistryRepository

    store = RegistryRepository(reference, options)
    digest, tag = reference.digest, None
    if digest is None:
        tag = reference.tag or "latest"
        digest = store.resolve(tag).digest
    return OpenedSource(
        store, reference.name, digest, tag, resolved=True, keep=True, writable=store
    )


def _open_daemon(name: str, scratch: Path) -> OpenedSource:
    from supplychain.images.daemon import save

    try:
        shown = Reference.parse(name).name
    except InputError:
        shown = name.rpartition(":")[2]
    return _open_archive(save(name, scratch / "daemon.tar"), None, shown, scratch)


def _open_archive(
    path: Path, wanted: str | Digest | None, name: str, scratch: Path
) -> OpenedSource:
    from supplychain.images.archive import open_archive

    reader = open_archive(path, scratch=scratch, limit=_ARCHIVE_LIMIT)
    digest, tag = _chosen(reader, wanted)
    return OpenedSource(reader, name, digest, tag, resolved=False, keep=False, writable=None)


def _chosen(reader: LayoutReader, wanted: str | Digest | None) -> tuple[Digest, str | None]:
    if isinstance(wanted, Digest):
        return wanted, None
    if wanted is not None:
        return reader.resolve(wanted).digest, wanted
    return reader.choose().digest, None


def _file(kind: FileKind | None, text: str) -> FileSource:
    """Cut `PATH[:TAG]` or `PATH[@DIGEST]` where the path ends: at what is really there."""
    path, wanted = _cut(text)
    if kind is None:
        kind = FileKind.LAYOUT if path.is_dir() else FileKind.ARCHIVE
    return FileSource(kind, path, wanted)


def _cut(text: str) -> tuple[Path, str | Digest | None]:
    if (whole := _there(text)) is not None:
        return whole, None
    start, at, digest = text.rpartition("@")
    if at and (path := _there(start)) is not None:
        return path, Digest.parse(digest)
    for place, character in enumerate(text):
        if character == ":" and (path := _there(text[:place])) is not None:
            return path, text[place + 1 :]
    raise NotFoundError(f"{text} does not exist", hint="write PATH, PATH:TAG or PATH@DIGEST")


def _there(text: str) -> Path | None:
    """The path, where something is there; what cannot be a path never is."""
    try:
        path = Path(text).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):
        return None
