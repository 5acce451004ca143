"""What `/v1/waivers` takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from supplychain.model.waiver import EndsWithFix, WaiverState
from supplychain.server import shapes
from supplychain.server.paging import Page

_Short = Annotated[str, Field(max_length=1024)]


class WaiverRequest(shapes.Asked):
    """What somebody asks for: a vulnerability; or a rule with a package, an image, a repository."""

    vulnerability: _Short = Field(default="", examples=["CVE-2024-0727"])
    rule: _Short = ""
    package: _Short = Field(default="", description="a package URL, perhaps with its version")
    versions: _Short = Field(default="", description="which versions; else those on record")
    image: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$")
    repository: _Short = ""
    environments: list[_Short] = Field(default=[], max_length=100, description="else everywhere")
    expires: _Short = Field(
        min_length=1, description="`14d`, a date, or an instant", examples=["14d"]
    )
    reason: shapes.Text = Field(min_length=1, examples=["nobody parses PKCS12"])
    owner: _Short = Field(default="", description="who looks after it; else who asks")
    ticket: _Short = ""
    ends_with_fix: EndsWithFix = EndsWithFix.NEVER


class WaiverExtension(shapes.Asked):
    """More time, or less."""

    expires: _Short = Field(
        min_length=1, description="`14d`, a date, or an instant", examples=["14d"]
    )
    reason: shapes.Text = Field(default="", description="else the one that it has")


class WaiverChange(shapes.Asked):
    """Other terms; what is left out stays as it is. What it is about stays, or it is another."""

    versions: _Short = ""
    environments: list[_Short] = Field(default=[], max_length=100)
    expires: _Short = Field(default="", description="`14d`, a date, or an instant")
    reason: shapes.Text = Field(default="", examples=["in staging, too"])
    owner: _Short = ""
    ticket: _Short = ""
    ends_with_fix: EndsWithFix | None = None


class Answer(shapes.Asked):
    """What somebody says to a waiver."""

    reason: shapes.Text = ""


class WaiverApproval(Answer):
    """The word that a risk may be borne."""

    request: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="only if it still asks for exactly this",
    )


class Waiver(BaseModel):
    """A waiver on the terms of one request."""

    model_config = ConfigDict(extra="allow")

    waiver: str
    state: WaiverState
    request: str
    reason: str
    requested_by: list[str]
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None


class Approved(Waiver):
    """A waiver that somebody just approved."""

    counts_in: list[str] = Field(description="the environments in which the approval counts")


class Waivers(Page):
    """Waivers by number, changes that are asked for beside them."""

    waivers: list[Waiver]


class Step(BaseModel):
    """What was done to a waiver."""

    step: str
    actor: str
    at: datetime
    reason: str
    document: str
    terms: dict[str, Any] | None
    answers: str | None


class History(BaseModel):
    """A waiver with all that was done to it, and what rests on it."""

    waivers: list[Waiver]
    history: list[Step]
    decisions: list[str]
