"""What is known about one vulnerability database: its makers' metadata and our own record of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from supplychain.errors import InputError, VulnerabilityDatabaseError
from supplychain.model.digest import Digest
from supplychain.scan.scanner import DatabaseGeneration
from supplychain.scan.trivy import Trivy

RECORD = "generation.json"
_SCHEMA = 2
# How far a database's maker's clock may be ahead of ours.
_SKEW = timedelta(hours=1)
_PULL = "supplychain vulndb pull"


def read_metadata(path: Path, at: datetime) -> datetime:
    """When a database was built, by its own `metadata.json`.

    Raises:
        VulnerabilityDatabaseError: It cannot be read, is of another schema, or from the future.
    """
    try:
        document = json.loads(path.read_bytes())
        version = document["Version"]
        updated_at = _instant(document["UpdatedAt"])
    except (KeyError, TypeError, ValueError) as error:
        raise VulnerabilityDatabaseError(
            "the vulnerability database's metadata.json cannot be read",
            because=repr(error),
            hint=f"fetch it again: {_PULL}",
        ) from error
    if version != _SCHEMA:
        raise VulnerabilityDatabaseError(
            f"the vulnerability database has schema {version!r} and not {_SCHEMA}",
            hint=f"fetch one of schema {_SCHEMA}: {_PULL}",
        )
    if updated_at > at + _SKEW:
        raise VulnerabilityDatabaseError(
            "the vulnerability database is from the future",
            because=f"it says that it was built at {updated_at.isoformat()}, and it is "
            f"{at.isoformat()} now",
            hint="set this machine's clock, or fetch another database",
        )
    return updated_at


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant.astimezone(UTC)


def write_record(path: Path, generation: DatabaseGeneration, trivy: Trivy, at: datetime) -> None:
    """Write down what a generation is, and who proved it."""
    document = {
        "schemaVersion": 1,
        "digest": str(generation.digest),
        "updatedAt": generation.updated_at.isoformat(),
        "importedAt": at.isoformat(),
        "proven": list(generation.proven),
        "provenWith": {"trivy": trivy.binary.version, "digest": str(trivy.binary.digest)},
    }
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_record(folder: Path) -> DatabaseGeneration:
    """The generation in a folder.

    Raises:
        VulnerabilityDatabaseError: Its record cannot be read.
    """
    java = folder.parents[1] / "java"
    try:
        document = json.loads((folder / RECORD).read_bytes())
        return DatabaseGeneration(
            digest=Digest.parse(document["digest"]),
            updated_at=_instant(document["updatedAt"]),
            path=folder / "db",
            proven=tuple(document["proven"]),
            java=java if java.is_dir() else None,
        )
    except (OSError, KeyError, TypeError, ValueError, InputError) as error:
        raise VulnerabilityDatabaseError(
            f"the record of the vulnerability database {folder.name[:12]} cannot be read",
            because=str(error),
            hint=f"fetch it again: {_PULL}",
        ) from error
