"""Who a certificate was issued to, and what logs and clocks say about a signature."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from supplychain.frozen import dataclass


class NameKind(StrEnum):
    """What kind of subject alternative name a certificate gives (RFC 5280 section 4.2.1.6)."""

    EMAIL = "email"
    URI = "uri"
    # An otherName of type 1.3.6.1.4.1.57264.1.7, for names that are neither.
    OTHER = "other"


# What issuers say beside, by the names that Fulcio's documentation gives its extensions, in the
# order of their numbers.
CLAIMS = (
    "github_workflow_trigger",
    "github_workflow_sha",
    "github_workflow_name",
    "github_workflow_repository",
    "github_workflow_ref",
    "build_signer_uri",
    "build_signer_digest",
    "runner_environment",
    "source_repository_uri",
    "source_repository_digest",
    "source_repository_ref",
    "source_repository_identifier",
    "source_repository_owner_uri",
    "source_repository_owner_identifier",
    "build_config_uri",
    "build_config_digest",
    "build_trigger",
    "run_invocation_uri",
    "source_repository_visibility_at_signing",
    "deployment_environment",
    "token_subject",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an issuer vouched for when the certificate was issued.

    A name means nothing without its issuer: everything that compares identities compares both.

    Attributes:
        name: The only subject alternative name of the certificate.
        kind: What kind of name it is.
        issuer: The OIDC issuer that vouched for the name (Fulcio's extension 1.8, or 1.1).
        claims: What else the issuer said, sorted by name: Fulcio's extensions by the names that
            its documentation gives them (`source_repository_uri`, `build_config_uri` …).
    """

    name: str
    kind: NameKind
    issuer: str
    claims: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """For people: name and issuer."""
        return f"{self.name} ({self.issuer})"

    def claim(self, name: str) -> str | None:
        """One claim; None where the issuer said nothing about it."""
        return dict(self.claims).get(name)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a transparency log that was proved to be about the signature.

    Attributes:
        log: The log as the trusted root names it, its address.
        log_id: The log's key ID, hex.
        index: The entry's index in the log, from 0.
        kind: What the entry is: `dsse 0.0.1`, `hashedrekord 0.0.2` …
    """

    log: str
    log_id: str
    index: int
    kind: str


class Clock(StrEnum):
    """Whose clock it was."""

    LOG = "transparency log"
    AUTHORITY = "timestamp authority"


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """An instant at which the signature existed, by a clock that the trusted root names.

    Attributes:
        at: When (aware, UTC).
        clock: What kind of clock.
        name: Which one, its address as the trusted root has it.
    """

    at: datetime
    clock: Clock
    name: str
