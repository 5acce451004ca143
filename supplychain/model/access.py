"""Who is asking, what they may do, and what they did: people, machines, tokens, rules of trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from supplychain.frozen import dataclass

# Whose names begin so are machines: they never have a say where policies want a person's word.
MACHINE = "machine:"


class Role(StrEnum):
    """What somebody is to an organisation; what each may do is one table, `access.roles`."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    POLICY_AUTHOR = "policy-author"
    WAIVER_APPROVER = "waiver-approver"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that may be done."""

    READ = "record:read"
    DECIDE = "gates:decide"
    HAND_IN = "evidence:hand-in"
    SUBMIT_RUNS = "runs:submit"
    OPERATE_RUNS = "runs:operate"
    REPORT = "deployments:report"
    APPROVE = "approvals:give"
    REQUEST_WAIVERS = "waivers:request"
    ANSWER_WAIVERS = "waivers:answer"
    IMPORT_VEX = "vex:import"
    REVIEW_VEX = "vex:review"
    IMPORT_FEEDS = "feeds:import"
    WRITE_POLICIES = "policies:write"
    OWN_TOKENS = "tokens:own"
    READ_ACCESS = "access:read"
    WRITE_ACCESS = "access:write"
    WRITE_PROJECTS = "projects:write"
    READ_AUDIT = "audit:read"
    OPERATE = "service:operate"


@dataclass(frozen=True, slots=True)
class Scope:
    """How far somebody's word goes.

    Attributes:
        roles: What they are.
        projects: In which projects of the organisation; None for all, those to come too.
    """

    roles: tuple[Role, ...]
    projects: tuple[str, ...] | None = ()

    def covers(self, project: str) -> bool:
        """Whether it reaches into a project."""
        return self.projects is None or project in self.projects


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whom we know.

    Attributes:
        name: The one name of the person or machine, whatever they came with: waivers, approvals
            and the audit log name it, and nobody approves what was asked for under it.
        organisation: Whose they are; they see nothing of any other.
        scope: What they may do now, with what they came with.
        came_with: What that was, for the audit log: `token 4k2h…`, `session 9d0q…`.
        until: When it ends; None where it does not.
    """

    name: str
    organisation: str
    scope: Scope
    came_with: str
    until: datetime | None = None

    @property
    def is_machine(self) -> bool:
        """Whether this is no person."""
        return self.name.startswith(MACHINE)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who does something to the record, as the audit log has it.

    Attributes:
        who: Their name; "" where the caller of the record did not say.
        from_where: From where: an address and what they came with, or a machine.
        through: By which command or request.
        is_known: Whether somebody checked who it is: then nobody acts under another name.
    """

    who: str = ""
    from_where: str = ""
    through: str = ""
    is_known: bool = False


class TokenState(StrEnum):
    """Whether a token still opens anything."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is kept: without what opens the door.

    Attributes:
        identifier: Its public part.
        name: What its owner calls it.
        owner: Whose it is: what is done with it is done in this name.
        scope: The most that it may do.
        created_at: When it was made.
        created_by: By whom.
        expires_at: From when it opens nothing.
        rule: The rule of trust by which a job got it; "" where somebody made it.
        last_used_at: About when it was last used; None for never.
        revoked_at: When it was revoked; None where it was not.
        revoked_by: By whom.
    """

    identifier: str
    name: str
    owner: str
    scope: Scope
    created_at: datetime
    created_by: str
    expires_at: datetime
    rule: str = ""
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""

    def state(self, at: datetime) -> TokenState:
        """Whether it opens anything at an instant."""
        if self.revoked_at is not None and self.revoked_at <= at:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at <= at else TokenState.VALID


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was just made.

    Attributes:
        token: What is on record of it.
        text: What opens the door; it is nowhere else.
    """

    token: ApiToken
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustRule:
    """Whose jobs may have a token for a while, by what their own OIDC tokens say.

    Attributes:
        name: What it is called; its jobs act as `machine:` and this.
        issuer: Who has to have issued the job's token, character by character.
        audience: For whom it has to have been issued.
        claims: What it has to say: each claim, and the values of which it has to have one.
        scope: What the jobs may do.
        lifetime: How long a token lasts that they are given.
        jwks_url: Where the issuer's keys are; "" to ask the issuer.
        created_at: When it was made.
        created_by: By whom.
    """

    name: str
    issuer: str
    audience: str
    claims: tuple[tuple[str, tuple[str, ...]], ...]
    scope: Scope
    lifetime: timedelta
    jwks_url: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an organisation.

    Attributes:
        name: The one name that everything has them by.
        issuer: Who vouches for them when they log in.
        subject: What the issuer calls them, for good; "" until they first log in by their address.
        email: Their address, which the issuer has to have verified; "" for none.
        scope: What they are.
        created_at: When they became one.
        created_by: By whom.
    """

    name: str
    issuer: str
    subject: str
    email: str
    scope: Scope
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in, as it is kept: without what opens the door.

    Attributes:
        identifier: Its public part.
        member: Who.
        created_at: When they logged in.
        expires_at: From when it opens nothing, whatever they do.
        seen_at: About when they last asked for something.
    """

    identifier: str
    member: Member
    created_at: datetime
    expires_at: datetime
    seen_at: datetime

    def ends_at(self, idle: timedelta) -> datetime:
        """From when it opens nothing if nobody asks for anything any more."""
        return min(self.expires_at, self.seen_at + idle)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that somebody did to the record.

    Attributes:
        sequence: Its number in its organisation, from 1.
        at: When.
        who: Who did it.
        from_where: From where.
        through: By which command or request.
        project: In which project; "" for the organisation itself.
        what: What was done: `waiver.approved`.
        about: To what: `WV-17`, a digest, a name.
        before: What it was; None where there was nothing.
        after: What it is now; None where there is nothing any more.
        link: The digest over all of it and over the event before.
    """

    sequence: int
    at: datetime
    who: str
    from_where: str
    through: str
    project: str
    what: str
    about: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    link: str
