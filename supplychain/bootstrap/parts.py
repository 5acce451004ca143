"""The record, the scanner and the pipeline, as the settings describe them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from supplychain import __version__
from supplychain.errors import ConfigurationError, InputError
from supplychain.model.evidence import Producer
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.images.registry.options import RegistryOptions
    from supplychain.model.access import Acting
    from supplychain.pipeline.examine import Examiner
    from supplychain.pipeline.progress import Progress
    from supplychain.pipeline.run import Pipeline
    from supplychain.records.record import Record
    from supplychain.records.store import Store
    from supplychain.sbom.cyclonedx import SpecVersion
    from supplychain.scan.database import DatabaseStore
    from supplychain.scan.trivy import Trivy

# RFC 3986 section 3, as far as it matters: a scheme, and something behind it.
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+")
PRODUCT = Producer("supplychain", __version__)


def open_record(settings: Settings, *, create: bool = False) -> Record:
    """The record that the settings name.

    Args:
        settings: All settings.
        create: Make a SQLite record where there is none yet.

    Raises:
        SchemaVersionError: The database has another schema, or none.
        StoreError: It cannot be reached.
    """
    from supplychain.records.record import Record
    from supplychain.records.stores import open_content_store

    return Record.open(
        settings.database_url,
        open_content_store(settings.content_url),
        project=settings.text("project") or "default",
        organisation=settings.text("organisation") or "default",
        acting=acting(settings),
        create=create,
    )


def open_store(settings: Settings, *, create: bool = False, connections: int = 5) -> Store:
    """Every project's record in the database that the settings name; raises as `open_record`.

    Args:
        settings: All settings.
        create: Make a SQLite record where there is none yet.
        connections: How many threads may use it at once.
    """
    from supplychain.records.store import Store
    from supplychain.records.stores import open_content_store

    content = open_content_store(settings.content_url)
    store = Store.open(settings.database_url, content, create=create, connections=connections)
    # A password that is mounted as a file may be replaced while this process runs.
    store.password_from(lambda: settings.database_url)
    return store


def registry_options(settings: Settings) -> RegistryOptions:
    """How the settings say to reach registries.

    Raises:
        ConfigurationError: They contradict one another.
    """
    from supplychain.bootstrap.reach import guard, require_one_login
    from supplychain.images.registry.options import RegistryOptions

    require_one_login(settings)
    return RegistryOptions(
        username=settings.text("registry_username"),
        password=settings.text("registry_password"),
        token=settings.text("registry_token"),
        cacert=settings.path("registry_cacert"),
        insecure=settings.names("insecure_registry"),
        read_timeout=settings.duration("registry_timeout"),
        guard=guard(settings),
    )


def databases(settings: Settings) -> DatabaseStore:
    """The vulnerability databases in the data folder."""
    from supplychain.scan.database import DatabaseStore

    return DatabaseStore(settings.data_dir / "vulndb")


def trivy(settings: Settings, cancelled: Callable[[], bool] | None = None) -> Trivy:
    """A Trivy that may run.

    Args:
        settings: All settings.
        cancelled: Whether somebody wants it ended; None where nobody ever does.

    Raises:
        ToolMissingError: There is none, or it is not on the list of those that may run.
    """
    from supplychain.model.digest import Digest
    from supplychain.scan.binary import find_trivy
    from supplychain.scan.fingerprints import Fingerprints
    from supplychain.scan.trivy import Trivy

    binary = find_trivy(
        settings.path("trivy"),
        search_path=os.environ.get("PATH", os.defpath),
        trusted=tuple(Digest("sha256", name) for name in settings.names("trivy_sha256")),
        fingerprints=Fingerprints(settings.cache_dir / "fingerprints"),
    )
    found = Trivy(binary, timedelta(seconds=settings.duration("scan_timeout")))
    return replace(found, cancelled=cancelled) if cancelled else found


def examiner(
    settings: Settings, progress: Progress, cancelled: Callable[[], bool] | None = None
) -> Examiner:
    """What fetches and scans, with a database that is fresh enough.

    Args:
        settings: All settings.
        progress: Who hears of it.
        cancelled: Whether somebody wants a scan ended; None where nobody ever does.

    Raises:
        ToolMissingError: There is no Trivy that may run.
        VulnerabilityDatabaseError: There is no database, or it is too old.
    """
    from supplychain.images.cache import BlobCache
    from supplychain.images.limits import Limits
    from supplychain.pipeline.examine import Examiner
    from supplychain.scan.caches import CachePool
    from supplychain.scan.fingerprints import Fingerprints
    from supplychain.scan.trivy import TrivyScanner

    tool = trivy(settings, cancelled)
    database = databases(settings).current()
    database.require_fresh(now(), timedelta(seconds=settings.duration("db_max_age")))
    project = settings.text("project") or "default"
    # Projects do not trust one another's bytes, nor should two binaries share what they learnt.
    owner = settings.text("organisation") or "default"
    pool = CachePool(settings.cache_dir / "trivy" / owner / project / tool.binary.digest.short)
    fingerprints = Fingerprints(settings.cache_dir / "fingerprints")
    return Examiner(
        TrivyScanner(tool, pool, fingerprints, clock=now),
        database,
        BlobCache(settings.cache_dir / "blobs"),
        settings.size("cache_size"),
        settings.cache_dir / "work",
        Limits(unpacked_bytes=settings.size("max_unpacked_size")),
        progress,
    )


def pipeline(settings: Settings, record: Record | None, progress: Progress) -> Pipeline:
    """The stages, bound.

    Raises:
        ConfigurationError: `sbom_version` names no CycloneDX version that we write, or
            `builder_id` is no URI.
    """
    from supplychain.pipeline.run import Pipeline

    versions: dict[str | None, SpecVersion] = {"1.6": "1.6", "1.7": "1.7"}
    named = settings.text("sbom_version")
    if named not in versions:
        raise ConfigurationError(f"sbom_version = {named!r} is not written", hint="use 1.6 or 1.7")
    author = settings.text("sbom_author")
    return Pipeline(record, PRODUCT, versions[named], author, builder(settings), now, progress)


def builder(settings: Settings) -> str:
    """Who runs this, as provenance and verdicts name them: a URI.

    Raises:
        ConfigurationError: `builder_id` is none.
    """
    named = settings.text("builder_id") or ""
    if not _URI.fullmatch(named):
        raise ConfigurationError(
            f"builder_id = {named[:80]!r} is no URI",
            hint="name who runs the pipeline: https://ci.example/shop",
        )
    return named


def actor(settings: Settings) -> str:
    """Who acts, as waivers, approvals and deployments name them.

    Whoever can write the database can write any name: the name is for the record, and it is the
    door to the record that has to know people.

    Raises:
        ConfigurationError: Nobody can tell.
    """
    import getpass

    from supplychain.gate.options import PERSON

    named = settings.text("actor")
    if named is None:
        try:
            named = getpass.getuser()
        except (OSError, KeyError, ImportError) as error:
            raise ConfigurationError(
                "nobody can tell who you are", hint="set SUPPLYCHAIN_ACTOR to your name"
            ) from error
    try:
        PERSON.parse(named)
    except InputError as error:
        raise ConfigurationError(f"actor = {named[:80]!r} is no name", hint=error.hint) from error
    return named


def acting(settings: Settings) -> Acting:
    """Who acts by the command line, as the audit log has it.

    Nobody checked it: whoever can write the database can write any name.
    """
    import platform
    import sys

    from supplychain.model.access import Acting

    try:
        who = actor(settings)
    except ConfigurationError:
        # Each command that needs a name says so itself.
        who = ""
    words = [word for word in sys.argv[1:3] if word.isascii() and word.replace("-", "").isalpha()]
    return Acting(who, f"command line on {platform.node()}", " ".join(["supplychain", *words]))


def now() -> datetime:
    """The clock of this process (aware, UTC)."""
    return datetime.now(UTC)
