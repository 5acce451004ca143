"""Which findings are too much: every condition that a rule names has to be met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from datetime import datetime, timedelta

from supplychain.errors import InputError, PolicyError
from supplychain.frozen import dataclass
from supplychain.gate.feeds import Exploits
from supplychain.gate.numbers import CVSS_SCORE, SHARE
from supplychain.gate.options import BOOLEAN, DURATION, SEVERITY, ListOf, Word, choice, option
from supplychain.gate.packages import PACKAGE_PATTERN, PackagePattern
from supplychain.gate.rating import CVSS_VERSIONS, score_of, severity_of
from supplychain.gate.scopes import PATH_PATTERN, in_packages, in_paths, is_excepted, lies_in
from supplychain.model.finding import Finding, Severity

_FEED_AGE = timedelta(days=30)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise InputError(
            f"{text[:40]!r} cannot name a source", hint="as the scanner does: nvd, ghsa, debian …"
        )
    return text


SOURCE = Word("a source", _source, {"type": "string", "pattern": f"^{_SOURCE.pattern}$"})
CVSS_VERSION = Word(
    "a version of CVSS",
    choice("a version of CVSS", {str(v): v for v in CVSS_VERSIONS}).parse,
    {"enum": [*CVSS_VERSIONS]},
    int,
)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A finding that is too much, and by what.

    Attributes:
        finding: The finding; its severity is the one that was judged by.
        words: What was judged by beside that, for people: `KEV`, `EPSS 0.93`.
        notes: The same at more length.
        spared_until: Until when it is borne because EPSS thinks little of it: no longer than EPSS
            is young enough. None where it is too much at once.
    """

    finding: Finding
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    spared_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What makes a finding too much; a blind spot of the scanner always is, whatever is named."""

    severity: Severity | None = field(
        default=None, metadata=option(SEVERITY, "the least severity that is too much")
    )
    sources: tuple[str, ...] = field(
        default=(),
        metadata=option(
            ListOf(SOURCE),
            "whose severity and CVSS score count, the first that has one decides: "
            "`[debian, nvd]`; default: the scanner's own choice, and the highest score",
        ),
    )
    cvss: float | None = field(
        default=None, metadata=option(CVSS_SCORE, "the least CVSS base score that is too much")
    )
    cvss_versions: tuple[int, ...] = field(
        default=CVSS_VERSIONS,
        metadata=option(
            ListOf(CVSS_VERSION),
            "which versions of CVSS count, the first that there is a score of decides; "
            "default: `[4, 3, 2]`",
        ),
    )
    epss: float | None = field(
        default=None, metadata=option(SHARE, "the least EPSS score that is too much: `0.1`")
    )
    epss_percentile: float | None = field(
        default=None, metadata=option(SHARE, "the least EPSS percentile that is too much: `0.95`")
    )
    kev: bool = field(
        default=False, metadata=option(BOOLEAN, "true: only what CISA lists as exploited")
    )
    feed_age: timedelta = field(
        default=_FEED_AGE,
        metadata=option(DURATION, "how old EPSS and KEV may be to be relied upon; default `30d`"),
    )
    fixable: bool | None = field(
        default=None,
        metadata=option(
            BOOLEAN, "true: only findings that some version repairs; false: only the others"
        ),
    )
    packages: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(ListOf(PACKAGE_PATTERN), "only findings in these packages")
    )
    except_packages: tuple[PackagePattern, ...] = field(
        default=(), metadata=option(ListOf(PACKAGE_PATTERN), "no findings in these packages")
    )
    paths: tuple[str, ...] = field(
        default=(),
        metadata=option(ListOf(PATH_PATTERN), "only findings in these paths: `app/**`"),
    )
    except_paths: tuple[str, ...] = field(
        default=(), metadata=option(ListOf(PATH_PATTERN), "no findings in these paths")
    )
    unexamined: bool | None = field(
        default=None,
        metadata=option(
            BOOLEAN,
            "true: only what no scanner could examine; false: leave that to another rule",
        ),
    )

    def __post_init__(self) -> None:
        """Refuse conditions that demand nothing, or say of something what is not asked.

        Raises:
            PolicyError: They do.
        """
        if not self._named and not self.unexamined:
            raise PolicyError(
                "vulnerabilities demands nothing",
                hint="it needs severity, cvss, epss, epss_percentile, kev or unexamined: true",
            )
        scoped = self.packages or self.except_packages or self.paths or self.except_paths
        narrowed = self.fixable is not None or self.needs_feeds or self.cvss is not None
        if self.unexamined and (scoped or narrowed or self.sources):
            raise PolicyError(
                "what nobody examined has neither fix nor score, nor is it in a package or path",
                hint="leave the other conditions out, or unexamined",
            )
        if self.sources and self.severity is None and self.cvss is None:
            raise PolicyError("sources says whose severity counts, and none is asked for")
        if self.cvss is None and self.cvss_versions != CVSS_VERSIONS:
            raise PolicyError("cvss_versions says which scores count, and none is asked for")
        if not self.needs_feeds and self.feed_age != _FEED_AGE:
            raise PolicyError("feed_age says how old feeds may be, and none is asked")

    @property
    def _named(self) -> bool:
        return self.severity is not None or self.cvss is not None or self.needs_feeds

    @property
    def needs_epss(self) -> bool:
        """Whether EPSS is asked."""
        return self.epss is not None or self.epss_percentile is not None

    @property
    def needs_feeds(self) -> bool:
        """Whether any feed is asked."""
        return self.kev or self.needs_epss

    def weigh(self, finding: Finding, exploits: Exploits) -> Weighed | None:
        """The finding, where it is too much wherever it lies; None where it is not.

        What is not known counts as the worst: no rating, no score, no word of EPSS.
        """
        if finding.is_blind_spot:
            return None if self.unexamined is False else Weighed(finding)
        if self.unexamined or (self.fixable is not None and self.fixable != finding.fixable):
            return None
        severity, source = finding.severity, finding.severity_source
        if self.sources:
            severity, source = severity_of(finding, self.sources)
        if self.severity is not None and severity < self.severity:
            return None
        if not self.sources and self.cvss is None and not self.needs_feeds:
            return Weighed(finding)
        told = _Told()
        if not self._by_cvss(finding, told) or not self._by_kev(finding, exploits, told):
            return None
        spared_until = self._by_epss(finding, exploits, told)
        if (severity, source) != (finding.severity, finding.severity_source):
            finding = replace(finding, severity=severity, severity_source=source)
        return Weighed(finding, tuple(told.words), tuple(told.notes), spared_until)

    def leaves_out(self, finding: Finding) -> bool:
        """Whether a finding is none of this rule's business for its package or its path."""
        scoped = self.packages or self.except_packages or self.paths or self.except_paths
        return (
            bool(scoped)
            and not finding.is_blind_spot
            and not (
                in_packages(finding, self.packages)
                and in_paths(finding, self.paths)
                and not is_excepted(finding, self.except_packages)
                and not any(lies_in(finding.path, pattern) for pattern in self.except_paths)
            )
        )

    def __str__(self) -> str:
        """For people: `critical or worse, in KEV with a fix`."""
        which = {None: "", True: " with a fix", False: " without a fix"}[self.fixable]
        return (", ".join(self._words()) or "that nobody could examine") + which

    def _words(self) -> Iterator[str]:
        if self.severity is not None:
            yield f"{self.severity} or worse"
        if self.cvss is not None:
            yield f"CVSS {self.cvss:g} or more"
        if self.kev:
            yield "in KEV"
        if self.epss is not None:
            yield f"EPSS {self.epss:g} or more"
        if self.epss_percentile is not None:
            yield f"EPSS percentile {self.epss_percentile:g} or more"

    def _by_cvss(self, finding: Finding, told: _Told) -> bool:
        if self.cvss is None:
            return True
        found = score_of(finding, self.sources, self.cvss_versions)
        if found is None or found.score is None:
            told.words.append("CVSS unknown")
            return True
        said = f"CVSS {found.score:g} ({found.source})"
        told.words.append(said)
        told.notes.append(f"{said}: {found.vector or f'version {found.version}'}")
        return found.score >= self.cvss

    def _by_kev(self, finding: Finding, exploits: Exploits, told: _Told) -> bool:
        if not self.kev:
            return True
        found = exploits.exploit(finding)
        if found is None:
            return False
        due = f", due {found.due_on}" if found.due_on else ""
        ransomware = ", used by ransomware" if found.ransomware else ""
        told.words.append("KEV")
        told.notes.append(f"in KEV since {found.added_on}{due}{ransomware}")
        return True

    def _by_epss(self, finding: Finding, exploits: Exploits, told: _Told) -> datetime | None:
        """Until when the finding is borne because EPSS thinks little of it; None where not."""
        if not self.needs_epss:
            return None
        found = exploits.chance(finding)
        if found is None:
            why = exploits.no_epss or f"EPSS does not know {finding.vulnerability_id}"
            told.words.append("EPSS unknown")
            told.notes.append(why)
            return None
        told.words.append(f"EPSS {found.score:.2g}")
        told.notes.append(f"EPSS {found.score:g}, higher than {found.percentile:.1%} of all")
        likely = found.score >= (self.epss or 0) and found.percentile >= (self.epss_percentile or 0)
        return None if likely else exploits.epss_until


class _Told:
    """What a finding was judged by, for people, while it is being judged."""

    __slots__ = ("notes", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.notes: list[str] = []
