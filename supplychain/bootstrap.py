"""The one place that names concrete classes: settings in, working parts out.

Everything heavy is imported where it is used: `gate` must not pay for what only `run` needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import supplychain
from supplychain.errors import ConfigurationError, InputError, NotFoundError, StoreError
from supplychain.model.evidence import Producer
from supplychain.settings import Settings

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy
    from supplychain.images.registry.options import RegistryOptions
    from supplychain.pipeline.examine import Examiner
    from supplychain.pipeline.progress import Progress
    from supplychain.pipeline.run import Pipeline
    from supplychain.records.record import Record
    from supplychain.sbom.cyclonedx import SpecVersion
    from supplychain.scan.database import DatabaseStore
    from supplychain.scan.trivy import Trivy
    from supplychain.signing.signer import PublicKey, Signer

# No policy or key that people write comes near this.
_DOCUMENT_LIMIT = 1024 * 1024

PRODUCT = Producer("supplychain", supplychain.__version__)


def read_document(path: Path, what: str) -> bytes:
    """A small file that a user named.

    Args:
        path: The file.
        what: What it should be, for the error: "policy", "public key" …

    Raises:
        NotFoundError: It is not there.
        InputError: It is too large, or a folder.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_DOCUMENT_LIMIT + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no {what} {path}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a {what}") from None
    except OSError as error:
        raise StoreError(
            f"the {what} {path} cannot be read", because=error.strerror, retryable=False
        ) from error
    if len(data) > _DOCUMENT_LIMIT:
        raise InputError(f"{path} is larger than any {what} ({_DOCUMENT_LIMIT} bytes)")
    return data


def load_policy(path: Path) -> Policy:
    """The policy in a file; the keys that it names are read from beside it.

    Raises:
        NotFoundError: There is no such file.
        PolicyError: It is no usable policy.
    """
    from supplychain.gate.document import load_policy as load
    from supplychain.signing.signer import fingerprint_of_pem

    return load(
        read_document(path, "policy"),
        source=str(path),
        read_key=lambda name: read_document(path.parent / Path(name).expanduser(), "public key"),
        fingerprint=fingerprint_of_pem,
    )


def policy_of(settings: Settings, environment: str, file: Path | None) -> Policy | None:
    """The policy of an environment; None where there is none, which the gate denies.

    Raises:
        NotFoundError: The file that was asked for by name is not there.
        PolicyError: The policy is not usable.
    """
    if file is not None:
        return load_policy(file)
    path = settings.policy_file(environment)
    return load_policy(path) if path.exists() else None


def public_keys(paths: list[Path]) -> tuple[PublicKey, ...]:
    """Public keys from PEM files.

    Raises:
        NotFoundError: A file is not there.
        InputError: A file does not hold one P-256 public key.
    """
    from supplychain.signing.signer import PublicKey

    return tuple(PublicKey.parse_pem(read_document(p, "public key"), str(p)) for p in paths)


def policy_keys(policy: Policy | None) -> tuple[PublicKey, ...]:
    """The keys whose signatures a policy asks for, each once."""
    from supplychain.signing.signer import PublicKey

    if policy is None:
        return ()
    pems = dict.fromkeys(key.pem for rule in policy.rules for key in getattr(rule, "keys", ()))
    return tuple(PublicKey.parse_pem(pem.encode()) for pem in pems)


def signer(settings: Settings, ask: Callable[[str], str] | None) -> Signer | None:
    """The signer that the settings name; None where they name none.

    Args:
        settings: All settings.
        ask: Asks a person for a password; None where nobody is there to answer.

    Raises:
        NotFoundError: The key file is not there.
        ConfigurationError: It needs a password and there is none.
        InputError: It is not a key file, or the password is wrong.
    """
    path = settings.path("key")
    if path is None:
        return None
    from supplychain.signing import keyfile

    def password() -> bytes:
        given = settings.text("key_password")
        if given is not None:
            return given.encode()
        if ask is None:
            raise ConfigurationError(
                f"there is no password for the key {path}",
                hint="put it into a file and name that in SUPPLYCHAIN_KEY_PASSWORD_FILE",
            )
        return ask(f"password of {path}").encode()

    return keyfile.load(path, password)


def open_record(settings: Settings, *, create: bool = False) -> Record:
    """The record that the settings name.

    Args:
        settings: All settings.
        create: Make a SQLite record where there is none yet.

    Raises:
        SchemaVersionError: The database has another schema, or none.
        StoreError: It cannot be reached.
    """
    from supplychain.records.content import open_content_store
    from supplychain.records.record import Record

    return Record.open(
        settings.database_url,
        open_content_store(settings.content_url),
        project=settings.text("project") or "default",
        create=create,
    )


def registry_options(settings: Settings) -> RegistryOptions:
    """How the settings say to reach registries.

    Raises:
        ConfigurationError: They contradict one another.
    """
    from supplychain.images.registry.options import RegistryOptions

    return RegistryOptions(
        username=settings.text("registry_username"),
        password=settings.text("registry_password"),
        token=settings.text("registry_token"),
        cacert=settings.path("registry_cacert"),
        insecure=settings.names("insecure_registry"),
        read_timeout=settings.duration("registry_timeout"),
    )


def databases(settings: Settings) -> DatabaseStore:
    """The vulnerability databases in the data folder."""
    from supplychain.scan.database import DatabaseStore

    return DatabaseStore(settings.data_dir / "vulndb")


def trivy(settings: Settings) -> Trivy:
    """A Trivy that may run.

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
    return Trivy(binary, timedelta(seconds=settings.duration("scan_timeout")))


def examiner(settings: Settings, progress: Progress) -> Examiner:
    """What fetches and scans, with a database that is fresh enough.

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

    tool = trivy(settings)
    database = databases(settings).current()
    database.require_fresh(now(), timedelta(seconds=settings.duration("db_max_age")))
    project = settings.text("project") or "default"
    # Projects do not trust one another's bytes, nor should two binaries share what they learnt.
    pool = CachePool(settings.cache_dir / "trivy" / project / tool.binary.digest.short)
    fingerprints = Fingerprints(settings.cache_dir / "fingerprints")
    return Examiner(
        TrivyScanner(tool, pool, fingerprints, clock=now),
        database,
        BlobCache(settings.cache_dir / "blobs"),
        settings.cache_dir / "work",
        Limits(unpacked_bytes=settings.size("max_layer_size")),
        progress,
    )


def pipeline(settings: Settings, record: Record, progress: Progress) -> Pipeline:
    """The stages, bound.

    Raises:
        ConfigurationError: `sbom_version` names no CycloneDX version that we write.
    """
    from supplychain.pipeline.run import Pipeline

    versions: dict[str | None, SpecVersion] = {"1.6": "1.6", "1.7": "1.7"}
    named = settings.text("sbom_version")
    if named not in versions:
        raise ConfigurationError(f"sbom_version = {named!r} is not written", hint="use 1.6 or 1.7")
    return Pipeline(record, PRODUCT, versions[named], now, progress)


def now() -> datetime:
    """The clock of this process (aware, UTC)."""
    return datetime.now(UTC)
