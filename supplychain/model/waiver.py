"""Waivers: risks that somebody accepted for a while, by the word of somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from supplychain.model.digest import Digest


@dataclass(frozen=True, slots=True)
class WaiverScope:
    """What a waiver is about; whatever is given has to fit, and never nothing is given.

    Attributes:
        vulnerability: The vulnerability's ID; "" for any.
        rule: The name of a rule in the policy; "" for any.
        package: The package's purl, without version and qualifiers; "" for any, and for what is
            not about a package.
        versions: The versions of that package, as a vers range; "" for any.
        repository: The image's repository; "" for any.
        image: The image's digest; None for any.
        environments: Where it holds; empty for everywhere.
    """

    vulnerability: str = ""
    rule: str = ""
    package: str = ""
    versions: str = ""
    repository: str = ""
    image: Digest | None = None
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A waiver as it stood at one instant.

    Attributes:
        number: Its number in the project: people know it as WV-17.
        document: Digest of the request in its latest form, canonical JSON; what is approved is
            this, and a changed request is another one.
        scope: What it is about.
        reason: Why the risk is accepted.
        ticket: Where that is discussed; "" for nowhere.
        owner: Who looks after it: a person or a team.
        requested_by: Who asked for it.
        requested_at: When (aware, UTC).
        expires_at: The instant from which it counts no longer.
        ends_with_fix: Whether it ends as soon as some version is known to repair the finding.
        approved_by: Who approved this very document; "" for nobody yet.
        approved_at: Since when it counts: never earlier.
        ended_by: Who rejected or revoked it; "" for nobody.
        ended_at: When.
    """

    number: int
    document: Digest
    scope: WaiverScope
    reason: str
    ticket: str
    owner: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    ends_with_fix: bool = False
    approved_by: str = ""
    approved_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None

    @property
    def name(self) -> str:
        """As people know it."""
        return f"WV-{self.number}"
