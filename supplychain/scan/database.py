"""Vulnerability databases, kept as immutable generations.

    <folder>/generations/<sha256 of trivy.db>/db/{trivy.db,metadata.json}
                                             /generation.json
    <folder>/current -> generations/<sha256>
    <folder>/java/{trivy-java.db,metadata.json}, where a user put one

A generation is made in a folder beside, checked, proven by canaries, written to disk and then
renamed into its place; only after that does `current` point to it, again by a rename. Whoever is
killed in between leaves the old one in force.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from supplychain.errors import StoreError, VulnerabilityDatabaseError
from supplychain.frozen import dataclass
from supplychain.model.artifact import ArtifactStore
from supplychain.model.digest import Digest
from supplychain.scan.archive import DATABASE, METADATA, unpack
from supplychain.scan.bbolt import bucket_names
from supplychain.scan.canaries import prove
from supplychain.scan.download import Progress, download, ignore
from supplychain.scan.generation import RECORD, read_metadata, read_record, write_record
from supplychain.scan.scanner import DatabaseGeneration
from supplychain.scan.trivy import Trivy

_PULL = "supplychain vulndb pull"


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What databases there are.

    Attributes:
        current: The one in force; None where there is none.
        generations: All of them, the newest first.
    """

    current: DatabaseGeneration | None
    generations: tuple[DatabaseGeneration, ...]


class DatabaseStore:
    """The vulnerability databases of one data folder.

    Args:
        folder: Where they are kept; made when the first is imported.
        keep: How many generations an import leaves, the one in force among them.
    """

    def __init__(self, folder: Path, *, keep: int = 3) -> None:
        self._folder = folder.resolve()
        self._generations = self._folder / "generations"
        self._link = self._folder / "current"
        self._keep = keep

    def current(self) -> DatabaseGeneration:
        """The database in force.

        Raises:
            VulnerabilityDatabaseError: There is none, or its record cannot be read.
        """
        if not self._link.is_symlink():
            raise VulnerabilityDatabaseError(
                "there is no vulnerability database",
                because=f"none was imported into {self._folder} yet",
                hint=f"{_PULL}, or supplychain vulndb import FILE",
            )
        return read_record(self._generations / self._link.readlink().name)

    def status(self) -> DatabaseStatus:
        """Every database there is.

        Raises:
            VulnerabilityDatabaseError: The record of one cannot be read.
        """
        generations = sorted(
            map(read_record, self._folders()), key=lambda g: (g.updated_at, g.digest)
        )
        current = self.current() if self._link.is_symlink() else None
        return DatabaseStatus(current, tuple(reversed(generations)))

    def import_database(self, source: Path, *, trivy: Trivy, at: datetime) -> DatabaseGeneration:
        """Check a database, prove it, and put it in force.

        Args:
            source: A folder with `trivy.db` and `metadata.json`, or a `db.tar.gz` of the two.
            trivy: The tool that has to understand it.
            at: Now (aware, UTC).

        Raises:
            InputError: `source` holds something else.
            VulnerabilityDatabaseError: The database is damaged, empty, of another schema, from the
                future, or a canary stays silent. What was in force stays in force.
            StoreError: It cannot be written.
        """
        with self._staging() as staging:
            unpack(source, _made(staging / "generation" / "db"))
            return self._adopt(staging, trivy, at)

    def pull(
        self,
        store: ArtifactStore,
        tag: str | Digest,
        *,
        trivy: Trivy,
        at: datetime,
        progress: Progress = ignore,
    ) -> DatabaseGeneration:
        """Fetch a database that is published as an OCI artifact, and import it.

        Args:
            store: The repository.
            tag: A tag (the schema's version, `2`) or a digest.
            trivy: The tool that has to understand it.
            at: Now (aware, UTC).
            progress: Told how far it is.

        Raises:
            InputError: The artifact is not a Trivy database.
            LimitError: It is too large.
            VulnerabilityDatabaseError: See `import_database`.
            SupplyChainError: Whatever the store raises.
        """
        with self._staging() as staging:
            archive = staging / "db.tar.gz"
            download(store, tag, archive, progress=progress)
            unpack(archive, _made(staging / "generation" / "db"))
            return self._adopt(staging, trivy, at)

    def prune(self, keep: int) -> tuple[Digest, ...]:
        """Delete all but the newest `keep` generations; never the one in force.

        One whose record cannot be read is of no use to anybody and goes too.

        Returns:
            The digests of those deleted.

        Raises:
            StoreError: One cannot be deleted.
        """
        in_force = self._link.readlink().name if self._link.is_symlink() else ""
        with _writing(self._folder):
            known = {folder: _readable(folder) for folder in self._folders()}
            newest_first = sorted(
                ((g.updated_at, g.digest.hex) for g in known.values() if g), reverse=True
            )
            kept = {name for _, name in newest_first[: max(keep, 0)]} | {in_force}
            old = [folder for folder in known if folder.name not in kept]
            for folder in old:
                shutil.rmtree(folder)
        return tuple(Digest("sha256", folder.name) for folder in sorted(old))

    def _folders(self) -> tuple[Path, ...]:
        return tuple(self._generations.iterdir()) if self._generations.is_dir() else ()

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """A folder to work in on the same disk, for one import at a time."""
        with _writing(self._folder):
            parent = _made(self._folder / "staging")
            with (self._folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for left_behind in parent.iterdir():
                    shutil.rmtree(left_behind)
                staging = Path(mkdtemp(dir=parent))
                try:
                    yield staging
                finally:
                    shutil.rmtree(staging, ignore_errors=True)

    def _adopt(self, staging: Path, trivy: Trivy, at: datetime) -> DatabaseGeneration:
        made = staging / "generation"
        updated_at = read_metadata(made / "db" / METADATA, at)
        with (made / "db" / DATABASE).open("rb") as file:
            digest = Digest("sha256", hashlib.file_digest(file, "sha256").hexdigest())
        target = self._generations / digest.hex
        self._check_date(target, updated_at)
        proven = _prove(staging, made / "db", trivy)
        generation = DatabaseGeneration(digest, updated_at, target / "db", proven)
        write_record(made / RECORD, generation, trivy, at)
        self._install(made, target)
        self._put_in_force(target)
        self.prune(self._keep)
        return read_record(target)

    def _check_date(self, target: Path, updated_at: datetime) -> None:
        """The date is not part of what the digest names, so it may not change under it."""
        if (known := _readable(target)) and known.updated_at != updated_at:
            raise VulnerabilityDatabaseError(
                "this database is here already, under another date",
                because=f"{known.digest.short} was built at {known.updated_at.isoformat()}, and "
                f"cannot have been built at {updated_at.isoformat()} as well",
                hint=f"fetch a newer one: {_PULL}",
            )

    def _install(self, made: Path, target: Path) -> None:
        for file in (*(made / "db").iterdir(), made / RECORD):
            file.chmod(0o444)
            _sync(file)
        _sync(made / "db")
        _sync(made)
        _made(self._generations)
        if target.exists():
            # The same bytes, or damaged ones: either way what was checked just now replaces them.
            target.rename(made.parent / "replaced")
        made.rename(target)
        _sync(self._generations)

    def _put_in_force(self, target: Path) -> None:
        fresh = self._folder / "current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.relative_to(self._folder), target_is_directory=True)
        fresh.replace(self._link)
        _sync(self._folder)


def _prove(staging: Path, database: Path, trivy: Trivy) -> tuple[str, ...]:
    cache = _made(staging / "cache")
    (cache / "db").symlink_to(database, target_is_directory=True)
    buckets = bucket_names(database / DATABASE)
    return prove(trivy, cache, buckets, _made(staging / "work"))


def _readable(folder: Path) -> DatabaseGeneration | None:
    with suppress(VulnerabilityDatabaseError):
        return read_record(folder)
    return None


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise StoreError(
            f"the vulnerability databases in {folder} cannot be written",
            because=f"{error.filename or folder}: {error.strerror}",
            hint="free some space" if full else "choose another folder: SUPPLYCHAIN_DATA_DIR=…",
            retryable=False,
        ) from error
