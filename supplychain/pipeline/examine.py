"""Look at one platform's image: bring its bytes here, verify them, scan them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supplychain.frozen import dataclass
from supplychain.images.cache import BlobCache
from supplychain.images.fetch import VerifiedLayer, fetch
from supplychain.images.limits import Limits
from supplychain.images.resolve import PlatformImage
from supplychain.model.artifact import ArtifactStore
from supplychain.pipeline.progress import Progress, stage
from supplychain.pipeline.workspace import private_folder
from supplychain.scan.process import nothing
from supplychain.scan.scanner import DatabaseGeneration, Scanner, ScanResult, ScanTarget


@dataclass(frozen=True, slots=True)
class Examined:
    """One platform's image whose every byte was verified, and what was found in it.

    Attributes:
        image: Its documents.
        layers: Its layers, lowest first.
        result: The scan and the scanner's report.
    """

    image: PlatformImage
    layers: tuple[VerifiedLayer, ...]
    result: ScanResult


@dataclass(frozen=True, slots=True)
class Examiner:
    """Fetches and scans images.

    Attributes:
        scanner: The scanner.
        database: The vulnerability database; whoever makes an examiner has checked its age.
        cache: Blobs and facts about layers.
        cache_limit: Bytes of blobs that the cache may keep; those used longest ago go first.
        workspace: A folder for what is needed only while it runs.
        limits: What an image may ask of us.
        progress: Who hears of it.
    """

    scanner: Scanner
    database: DatabaseGeneration
    cache: BlobCache
    cache_limit: int
    workspace: Path
    limits: Limits
    progress: Progress

    def examine(
        self,
        store: ArtifactStore,
        image: PlatformImage,
        *,
        keep: bool,
        meanwhile: Callable[[], None] = nothing,
    ) -> Examined:
        """Fetch, verify and scan one platform; nothing of the image is left behind.

        Args:
            store: Where the image is kept.
            image: Which platform.
            keep: Keep its blobs in the cache, which is worth it for a registry.
            meanwhile: What to do while the scanner runs; what that raises ends it.

        Raises:
            SupplyChainError: As `images.fetch.fetch` and `Scanner.scan`.
        """
        with private_folder(self.workspace) as folder:
            layout = folder / "image"
            layout.mkdir()
            count = len(image.manifest.layers)
            about = f"{image.platform}, {count} layer{'s' if count > 1 else ''}"
            with stage(self.progress, "fetch", about, total_bytes=image.size) as done:
                verified = fetch(
                    store,
                    image,
                    cache=self.cache,
                    into=layout,
                    keep=keep,
                    limits=self.limits,
                    on_bytes=self.progress.advance,
                )
                done.text = f"{about}: every digest and diffID holds"
            if keep:
                self.cache.prune(self.cache_limit)
            target = ScanTarget(
                verified.layout,
                verified.subject,
                verified.platform,
                verified.config_digest,
                tuple(layer.diff_id for layer in verified.layers),
            )
            with stage(self.progress, "scan", f"{image.platform}") as done:
                result = self.scanner.scan(
                    target, database=self.database, workspace=folder, meanwhile=meanwhile
                )
                scan = result.scan
                done.text = (
                    f"{image.platform}: {len(scan.components)} components, "
                    f"{len(scan.findings)} findings"
                )
            return Examined(image, verified.layers, result)
