"""The two files of a vulnerability database, out of whatever they come in."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from supplychain.errors import InputError, LimitError, NotFoundError

DATABASE, METADATA = "trivy.db", "metadata.json"
# The full database is some 900 MB in 2026.
_LIMITS = {DATABASE: 8 * 1024**3, METADATA: 64 * 1024}
_CHUNK = 1024 * 1024


def unpack(source: Path, folder: Path) -> None:
    """Copy `trivy.db` and `metadata.json` into a folder.

    Args:
        source: A folder that holds them (or their `db` folder), `trivy.db` itself with
            `metadata.json` beside it, or a `db.tar.gz` of both.
        folder: An existing empty folder.

    Raises:
        NotFoundError: There is nothing at `source`.
        InputError: It is something else, or holds something else.
        LimitError: It is larger than any database may be.
    """
    if source.is_dir():
        inner = source / "db"
        _copy(inner if (inner / DATABASE).is_file() else source, folder)
    elif source.name == DATABASE:
        _copy(source.parent, folder)
    elif source.is_file():
        _extract(source, folder)
    else:
        raise NotFoundError(f"there is nothing at {source}", hint=_HINT)


_HINT = "name a folder with trivy.db and metadata.json, or a db.tar.gz of the two"


def _copy(source: Path, folder: Path) -> None:
    for name in _LIMITS:
        try:
            with (source / name).open("rb") as file:
                _write(file.read, folder / name)
        except FileNotFoundError as error:
            raise InputError(f"there is no {name} in {source}", hint=_HINT) from error


def _extract(source: Path, folder: Path) -> None:
    try:
        with tarfile.open(source, "r|gz") as archive:
            for member in archive:
                _extract_member(archive, member, folder)
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise InputError(
            f"{source} is not a gzip-compressed tar archive", because=str(error), hint=_HINT
        ) from error
    missing = [name for name in _LIMITS if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{source} does not hold {' and '.join(missing)}", hint=_HINT)


def _extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Nothing is created under a name that the archive chose."""
    name = member.name.removeprefix("./")
    content = archive.extractfile(member) if member.isreg() else None
    if name not in _LIMITS or content is None or (folder / name).exists():
        raise InputError(
            f"the archive holds {member.name!r}",
            because=f"only the files {' and '.join(_LIMITS)} belong there, each once",
            hint=_HINT,
        )
    _write(content.read, folder / name)


def _write(read: Callable[[int], bytes], path: Path) -> None:
    left = _LIMITS[path.name]
    with path.open("xb") as file:
        while chunk := read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise LimitError(
                    f"{path.name} is larger than {_LIMITS[path.name]} bytes", hint=_HINT
                )
            file.write(chunk)
