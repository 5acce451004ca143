"""What a scanner is: verified bytes and a vulnerability database in, a scan and its report out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import Scan, VulnerabilityDatabase
from supplychain.model.subject import Platform, Subject
from supplychain.scan.process import nothing


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """One platform's image, every byte of which was checked against its digest.

    Attributes:
        layout: OCI layout folder that holds exactly this image.
        subject: The platform manifest.
        platform: What it runs on.
        config_digest: Digest of the image configuration (the "image ID").
        diff_ids: Digests of the uncompressed layers, lowest first.
    """

    layout: Path
    subject: Subject
    platform: Platform
    config_digest: Digest
    diff_ids: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class DatabaseGeneration:
    """One vulnerability database, immutable, named by what it holds.

    Attributes:
        digest: SHA-256 of the database file.
        updated_at: When its makers built it (aware, UTC).
        path: The folder that holds `trivy.db` and `metadata.json`.
        proven: Operating system releases (`debian 12`) and ecosystems (`pip`) whose canaries
            yielded their known vulnerabilities; sorted.
        java: Folder of the Trivy Java database that tells what Java archives are; None where
            there is none.
    """

    digest: Digest
    updated_at: datetime
    path: Path
    proven: tuple[str, ...]
    java: Path | None = None

    @property
    def database(self) -> VulnerabilityDatabase:
        """The database as evidence names it."""
        return VulnerabilityDatabase(self.digest, self.updated_at)

    def require_fresh(self, at: datetime, max_age: timedelta) -> None:
        """Refuse a database older than `max_age` at `at`.

        Raises:
            VulnerabilityDatabaseError: It is too old: what it does not know would look clean.
        """
        age = at - self.updated_at
        if age > max_age:
            raise VulnerabilityDatabaseError(
                f"the vulnerability database is {_span(age)} old",
                because=f"it was built at {self.updated_at:%Y-%m-%dT%H:%M:%SZ} and may be at most "
                f"{_span(max_age)} old; what was found since would look clean",
                hint="supplychain vulndb pull",
            )


@dataclass(frozen=True, slots=True)
class ScanResult:
    """A scan, and the scanner's report byte for byte as it was written."""

    scan: Scan
    report: bytes


class Scanner(Protocol):
    """Something that finds components and their known vulnerabilities in an image."""

    def scan(
        self,
        target: ScanTarget,
        *,
        database: DatabaseGeneration,
        workspace: Path,
        meanwhile: Callable[[], None] = nothing,
    ) -> ScanResult:
        """Scan one image with exactly this database.

        Args:
            target: The image.
            database: What is known to be vulnerable; its freshness is the caller's to check.
            workspace: An existing private folder for temporary files; left as it was found.
            meanwhile: Called once, while the scanner runs; what it raises ends the scan.

        Raises:
            ToolMissingError: The scanner is not there or may not be run.
            ToolTimeoutError: It did not end in time.
            ToolOutputError: Its report does not hold together or is about another image.
            VulnerabilityDatabaseError: The database is not usable, or knows nothing of what the
                image is made of: the result would look clean and be unknown.
            ToolError: It failed in another way.
        """
        ...


def _span(age: timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if days else f"{hours} h"
