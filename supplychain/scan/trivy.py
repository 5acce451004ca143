"""Trivy, driven so that nothing but the image and the database can change what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from supplychain.errors import StoreError, ToolOutputError, VulnerabilityDatabaseError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import Evidence, EvidenceKind, Producer, Scan
from supplychain.model.finding import Finding
from supplychain.scan.binary import TrivyBinary
from supplychain.scan.caches import CachePool
from supplychain.scan.coverage import blind_spots
from supplychain.scan.failures import failure
from supplychain.scan.fingerprints import Fingerprints, identity, require_unchanged
from supplychain.scan.process import Command, never, nothing, run
from supplychain.scan.report import REPORT_LIMIT, Report, read_report
from supplychain.scan.scanner import DatabaseGeneration, ScanResult, ScanTarget

REPORT_MEDIA_TYPE = "application/vnd.aquasecurity.trivy.report+json"

_GRACE = 10.0

# Every one of these keeps something out: files of the working directory, updates in mid-scan,
# the network, a progress bar.
_CONFINED = (
    *("--config", "", "--ignorefile", ""),
    *("--skip-db-update", "--skip-java-db-update", "--skip-version-check"),
    *("--disable-telemetry", "--offline-scan", "--no-progress"),
)
# What the source is called in Trivy's working folder, and so in its report.
SOURCE = "image"
_IMAGE = (
    *("image", "--input", SOURCE, "--scanners", "vuln,license,secret"),
    *("--secret-config", "", "--skip-check-update"),
)


@dataclass(frozen=True, slots=True)
class Trivy:
    """A checked Trivy binary and how long it may take.

    Attributes:
        binary: The binary.
        timeout: Limit of one run.
        grace: Seconds that it may exceed its own limit by before it is ended, and again between
            SIGTERM and SIGKILL.
        cancelled: Whether somebody wants it ended, with everything that it started.
    """

    binary: TrivyBinary
    timeout: timedelta = timedelta(minutes=10)
    grace: float = _GRACE
    cancelled: Callable[[], bool] = never

    def report(
        self,
        arguments: Sequence[str],
        source: Path,
        cache: Path,
        workspace: Path,
        meanwhile: Callable[[], None] = nothing,
    ) -> bytes:
        """Run a scan of a file or folder and give the report's bytes.

        Its environment is made from nothing: no variable of ours, `TRIVY_*` and credentials least
        of all, reaches it. Home, temporary and working folder are private, empty and gone
        afterwards; in the working folder is only a link to the source, named `image`, so that the
        report does not tell where we keep it.

        Args:
            arguments: The subcommand and its own arguments; the source is `image` to them.
            source: What is scanned.
            cache: Its cache folder, which holds the database.
            workspace: An existing private folder, empty.
            meanwhile: What to do while it runs; what that raises ends it.

        Raises:
            CancelledError: Somebody wanted it ended.
            SupplyChainError: What `failures` knows it by.
            ToolOutputError: It ended well and left no report, or one too large.
        """
        folders = {name: workspace.resolve() / name for name in ("home", "tmp", "work")}
        for folder in folders.values():
            folder.mkdir(mode=0o700)
        (folders["work"] / SOURCE).symlink_to(source.resolve())
        output = workspace.resolve() / "report.json"
        seconds = self.timeout.total_seconds()
        limit = f"{self.timeout // timedelta(microseconds=1)}us"
        bounds = ("--timeout", limit, "--cache-dir", str(cache.resolve()))
        with self.binary.opened() as executable:
            completed = run(
                Command(
                    ("trivy", *arguments, "-f", "json", "-o", str(output), *_CONFINED, *bounds),
                    executable,
                    folders["work"],
                    {"HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"]), "PATH": ""},
                ),
                timeout=seconds + self.grace,
                grace=self.grace,
                cancelled=self.cancelled,
                meanwhile=meanwhile,
            )
        if completed.status != 0:
            raise failure(completed)
        return _read(output)


class TrivyScanner:
    """The `Scanner` that drives Trivy.

    Args:
        trivy: The tool.
        caches: Caches of this project and this binary.
        fingerprints: Memory of what files hash to.
        clock: The time now (aware, UTC).
    """

    def __init__(
        self,
        trivy: Trivy,
        caches: CachePool,
        fingerprints: Fingerprints,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trivy = trivy
        self._caches = caches
        self._fingerprints = fingerprints
        self._clock = clock

    def scan(
        self,
        target: ScanTarget,
        *,
        database: DatabaseGeneration,
        workspace: Path,
        meanwhile: Callable[[], None] = nothing,
    ) -> ScanResult:
        """See `Scanner.scan`."""
        started_at = self._clock()
        with (
            private_folder(workspace) as folder,
            self._caches.cache(database.path, database.java) as cache,
            self._held(database),
        ):
            raw = self._trivy.report(_IMAGE, target.layout, cache, folder, meanwhile)
        report = read_report(raw)
        _check(report, target, self._trivy.binary.version)
        findings = (*blind_spots(report, database), *report.findings)
        evidence = Evidence(
            subject=target.subject,
            kind=EvidenceKind.SCAN,
            digest=Digest.of(raw),
            media_type=REPORT_MEDIA_TYPE,
            producer=Producer("trivy", report.version, self._trivy.binary.digest),
            produced_at=started_at,
            verified_by="first-hand",
        )
        scan = Scan(
            evidence=evidence,
            database=database.database,
            operating_system=_name(report),
            components=report.components,
            findings=tuple(sorted(findings, key=_order)),
            secrets=report.secrets,
        )
        return ScanResult(scan, raw)

    @contextmanager
    def _held(self, database: DatabaseGeneration) -> Iterator[None]:
        """Hold the caller to the database that it named, before the scan and after it."""
        path = database.path / "trivy.db"
        try:
            file = path.open("rb")
        except OSError as error:
            raise VulnerabilityDatabaseError(
                f"the vulnerability database {database.digest.short} cannot be read",
                because=error.strerror,
                hint="supplychain vulndb pull",
            ) from error
        with file:
            before = identity(file)
            if self._fingerprints.digest(file, path) != database.digest:
                raise VulnerabilityDatabaseError(
                    "the vulnerability database is not what it was when it was imported",
                    because=f"{path} does not hash to {database.digest}",
                    hint="fetch it again: supplychain vulndb pull",
                )
            yield
            require_unchanged(file, before, path)


@contextmanager
def private_folder(workspace: Path) -> Iterator[Path]:
    """A folder of one's own that is gone afterwards.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        temporary = TemporaryDirectory(prefix="scan-", dir=workspace)
    except OSError as error:
        raise StoreError(
            f"no temporary folder can be made in {workspace}",
            because=error.strerror,
            hint="free some space, or choose another folder: SUPPLYCHAIN_CACHE_DIR=/some/folder",
        ) from error
    with temporary as name:
        yield Path(name)


def _read(output: Path) -> bytes:
    try:
        size = output.stat().st_size
    except OSError as error:
        raise ToolOutputError("Trivy ended well and wrote no report") from error
    if size > REPORT_LIMIT:
        raise ToolOutputError(
            "Trivy's report is too large", because=f"{size} bytes, the limit is {REPORT_LIMIT}"
        )
    return output.read_bytes()


def _check(report: Report, target: ScanTarget, version: str) -> None:
    """Whether the report is about the image that was to be scanned, by the Trivy that ran."""
    expected = {
        "Trivy's version": (report.version, version),
        "image configuration": (report.config_digest, target.config_digest),
        "layers": (report.diff_ids, target.diff_ids),
        "operating system": (report.os, target.platform.os),
        "architecture": (report.architecture, target.platform.architecture),
    }
    for what, (said, wanted) in expected.items():
        if said != wanted:
            raise ToolOutputError(
                "Trivy's report is not about the image that was to be scanned",
                because=f"{what}: {_shown(said)} instead of {_shown(wanted)}",
                hint="run the same command again; if it happens again, empty the cache folder",
            )


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _name(report: Report) -> str:
    system = report.system
    return f"{system.family} {system.release}".strip() if system else ""


def _order(finding: Finding) -> tuple[str, str, str, str]:
    return finding.vulnerability_id, finding.purl, finding.path, finding.component
