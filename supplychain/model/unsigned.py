"""What nobody signed: somebody's word on an image, which counts only where a policy takes it."""

from __future__ import annotations

from datetime import UTC, datetime

from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.model.evidence import Sbom, Scan, VulnerabilityDatabase

# No report says with which database it was made. So old that nothing can take it for fresh.
UNKNOWN_DATABASE = VulnerabilityDatabase(Digest.of(b""), datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Told:
    """What an unsigned document says: one of the two.

    Attributes:
        scan: Of a scanner's report, with everything in it; its database is the unknown one.
        sbom: Of an SBOM.
    """

    scan: Scan | None = None
    sbom: Sbom | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """An unsigned document about one platform manifest, as its caller handed it in.

    Attributes:
        caller: Whose word it is.
        recorded_at: When they handed it in (aware, UTC).
        told: What it says.
    """

    caller: str
    recorded_at: datetime
    told: Told
