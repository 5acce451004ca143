"""Image archives: OCI layouts in a tar, and what `docker save` writes."""

from __future__ import annotations

from pathlib import Path

from supplychain.errors import InputError, NotFoundError, StoreError
from supplychain.images.compression import CHUNK, Compression, decompressed
from supplychain.images.docker_archive import MANIFEST, docker_archive
from supplychain.images.layout_reader import MARKER, LayoutReader
from supplychain.images.tar_files import TarFiles


def open_archive(path: Path, *, scratch: Path, limit: int) -> LayoutReader:
    """The images of an archive, as a layout.

    Args:
        path: An OCI layout in a tar, or what `docker save` wrote; also with gzip or zstd.
        scratch: A private folder, where a compressed archive is unpacked to one plain file. It
            has to stay until the images have been read.
        limit: The most bytes that such a file may have.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is no archive of images, or not a sound one.
        LimitError: It unpacks to more than `limit`.
        StoreError: It cannot be read, or not be unpacked.
    """
    files = TarFiles(_plain(path, scratch, limit), str(path))
    if files.size(MARKER) is not None:
        return LayoutReader(files)
    if files.size(MANIFEST) is not None:
        return docker_archive(files)
    raise InputError(
        f"{path} holds no image",
        because=f"it has neither {MARKER} nor {MANIFEST}",
        hint="give what `docker save`, or `skopeo copy … oci-archive:FILE`, wrote",
    )


def _plain(path: Path, scratch: Path, limit: int) -> Path:
    """The archive without compression: itself, or a copy in `scratch`."""
    try:
        with path.open("rb") as file:
            compression = Compression.sniff(file.read(4))
            if compression is Compression.NONE:
                return path
            file.seek(0)
            chunks = iter(lambda: file.read(CHUNK), b"")
            plain = scratch / "archive.tar"
            with plain.open("xb") as copy:
                for chunk in decompressed(
                    chunks, compression, what=str(path), limit=limit, ratio=200
                ):
                    copy.write(chunk)
            return plain
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    except OSError as error:
        raise _unreadable(str(path), error) from error


def _unreadable(name: str, error: OSError) -> StoreError:
    return StoreError(
        f"the archive {name} cannot be read or unpacked", because=error.strerror, retryable=False
    )
