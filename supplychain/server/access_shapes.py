"""What the routes about who may what take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from supplychain.model.access import Role
from supplychain.model.access import Scope as Reach
from supplychain.server import shapes
from supplychain.server.paging import Page

Name = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(min_length=1, max_length=1000, examples=["https://login.example"])]


class Scoped(shapes.Asked):
    """What somebody may do, and where."""

    roles: list[Role] = Field(min_length=1, max_length=len(Role))
    projects: list[Name] | None = Field(
        max_length=1000, description="in these projects; null for all, those to come too"
    )

    @property
    def scope(self) -> Reach:
        """The scope."""
        projects = None if self.projects is None else tuple(dict.fromkeys(self.projects))
        return Reach(tuple(dict.fromkeys(self.roles)), projects)


class TokenRequest(Scoped):
    """A token that somebody wants."""

    name: Name = Field(examples=["ci-shop"])
    owner: Name | None = Field(
        default=None, description="`machine:NAME` for a machine, by an admin; else yourself"
    )
    expires_in: int = Field(
        default=90 * 86400,
        strict=True,
        ge=60,
        le=366 * 86400,
        description="after how many seconds it ends",
    )


class Token(BaseModel):
    """A token on record: what opens the door is not among it."""

    id: str
    name: str
    owner: str
    roles: list[str]
    projects: list[str] | None
    state: str
    rule: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


class NewToken(Token):
    """A token that was just made."""

    token: str = Field(description="shown this once")


class Tokens(Page):
    """Tokens, the newest first."""

    tokens: list[Token]


class Exchanged(BaseModel):
    """A token for a job (RFC 8693)."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int
    scope: str


class RuleRequest(Scoped):
    """Whose jobs shall be trusted."""

    name: Name = Field(examples=["shop"])
    issuer: Url
    audience: Name = "supplychain"
    claims: dict[str, list[Annotated[str, Field(max_length=1024)]]] = Field(
        min_length=1, max_length=20, examples=[{"project_id": ["42"]}]
    )
    lifetime_seconds: int = Field(default=900, strict=True, ge=60, le=43200)
    jwks_url: str | None = Field(default=None, max_length=1000)


class Rule(BaseModel):
    """A rule of trust."""

    name: str
    issuer: str
    jwks_url: str | None
    audience: str
    claims: dict[str, list[str]]
    roles: list[str]
    projects: list[str] | None
    lifetime_seconds: int
    created_at: datetime
    created_by: str


class Rules(Page):
    """Rules of trust, by name."""

    rules: list[Rule]


class MemberRequest(Scoped):
    """Somebody who shall be a member."""

    name: Name = Field(examples=["alice@example.com"])
    issuer: Url
    subject: str = Field(default="", max_length=255)
    email: str = Field(default="", max_length=250)


class Member(BaseModel):
    """A person of the organisation."""

    name: str
    issuer: str
    subject: str | None
    email: str | None
    roles: list[str]
    projects: list[str] | None
    created_at: datetime
    created_by: str


class Members(Page):
    """The people, by name."""

    members: list[Member]


class ProjectRequest(shapes.Asked):
    """A project that shall be."""

    name: Name = Field(examples=["shop"])


class Project(BaseModel):
    """A project."""

    name: str


class Projects(Page):
    """The projects that you reach, by name."""

    projects: list[Project]


class Event(BaseModel):
    """Something that somebody did."""

    number: int
    at: datetime
    who: str
    from_where: str
    through: str
    project: str | None
    what: str
    about: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    link: str


class Events(Page):
    """What was done, the newest first."""

    events: list[Event]


class VerifiedLog(BaseModel):
    """What came of looking at the whole log."""

    events: int
    newest: shapes.Newest | None
    breaks: list[shapes.Break]


class LoggedIn(BaseModel):
    """The session that you came with."""

    expires_at: datetime
    idle_seconds: int = Field(description="it ends after so long without a request, too")
    csrf_token: str = Field(
        description="what a page repeats as `X-CSRF-Token` where it changes something"
    )


class Me(BaseModel):
    """Who you are here."""

    name: str
    organisation: str
    roles: list[str]
    projects: list[str] | None
    permissions: list[str]
    session: LoggedIn | None = Field(description="null for who comes with a token")
