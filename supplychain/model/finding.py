"""What a scanner says is wrong with a component."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

# The status of a finding that stands for what the scanner could not see.
UNEXAMINED = "unexamined"


class Severity(IntEnum):
    """How bad, in the order in which thresholds compare.

    UNKNOWN stands above CRITICAL on purpose: a finding that nobody has rated counts as the worst,
    so a missing rating can never let an image through.
    """

    NEGLIGIBLE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    UNKNOWN = 5

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Read a severity by its name, in any case.

        Raises:
            InputError: There is no such severity.
        """
        try:
            return cls[text.upper()]
        except KeyError:
            names = ", ".join(s.name.lower() for s in cls)
            raise InputError(f"{text!r} is not a severity", hint=f"one of {names}") from None

    def __str__(self) -> str:
        """The lower-case name."""
        return _WORDS[self]


# `Enum.name` takes its time, and every finding of a denial is told with its severity.
_WORDS = {severity: severity.name.lower() for severity in Severity}


@dataclass(frozen=True, slots=True)
class Rating:
    """How bad one source says that a vulnerability is.

    Attributes:
        source: Whose word it is: `nvd`, `debian`, `ghsa` …
        severity: What it says; UNKNOWN where it knows the vulnerability and does not rate it.
    """

    source: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class CvssScore:
    """How bad one source says that a vulnerability is, by CVSS.

    Attributes:
        source: Whose word it is.
        version: Of CVSS: 2, 3 (3.0 and 3.1) or 4.
        score: The base score, 0 to 10; None where the source gives a vector alone.
        vector: What the score is made of; "" where the source gives a score alone.
    """

    source: str
    version: int
    score: float | None
    vector: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A known vulnerability in one component of one image.

    Attributes:
        vulnerability_id: `CVE-…`, `GHSA-…` or the advisory's own ID.
        purl: The component's package URL; "" where the scanner gave none.
        package: Package name as the ecosystem writes it.
        installed_version: The version that is there.
        fixed_version: Versions that repair it, as the advisory writes them; "" where none is known.
        severity: Rated severity; UNKNOWN where nobody rated it.
        severity_source: Whose rating that is (`nvd`, `debian`, `ghsa` …); "" where unknown.
        path: File in the image that declares the component; "" for OS packages.
        status: The vendor's status as the scanner writes it (`fixed`, `affected` …).
        title: One line for people.
        url: Where to read on; "" where unknown.
        published_at: When the vulnerability was published; None where unknown.
        layer: The diffID of the layer that brought the component.
        component: `Component.key` of the affected component.
        ratings: What every source says, sorted by source.
        scores: What every source says by CVSS, sorted by source and version.
        aliases: Other names of the vulnerability, or of the advisory about it (`GHSA-…`, `DSA-…`).
        weaknesses: Kinds of mistakes that it is of: `CWE-79` …
    """

    vulnerability_id: str
    purl: str
    package: str
    installed_version: str
    fixed_version: str
    severity: Severity
    severity_source: str = ""
    path: str = ""
    status: str = ""
    title: str = ""
    url: str = ""
    published_at: datetime | None = None
    layer: Digest | None = None
    component: str = ""
    ratings: tuple[Rating, ...] = ()
    scores: tuple[CvssScore, ...] = ()
    aliases: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()

    @property
    def is_blind_spot(self) -> bool:
        """Whether it tells of something in the image that no scanner could examine."""
        return self.status == UNEXAMINED

    @property
    def fixable(self) -> bool:
        """Whether some version is known to repair it."""
        return bool(self.fixed_version)
