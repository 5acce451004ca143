"""What several routes take and give: models that describe the interface, and are checked at it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from supplychain.server.instants import Instant
from supplychain.server.paging import Page

_HEX = "1f3c" * 16
DIGEST = f"sha256:{_HEX}"
REFERENCE = f"registry.example/shop@{DIGEST}"

DigestPath = Annotated[
    str,
    Path(
        pattern=r"^sha256:[0-9a-f]{64}$", description="a digest", examples=[DIGEST], max_length=71
    ),
]
EnvironmentPath = Annotated[str, Path(description="an environment", examples=["prod"])]
EnvironmentQuery = Annotated[
    str | None, Query(description="only in this environment", examples=["prod"])
]
Environment = Annotated[str, Query(description="which environment", examples=["prod"])]
At = Annotated[
    Instant | None,
    Query(description="as of then, RFC 3339 with a time zone; else now"),
]
Verdict = Literal["allow", "deny", "pending"]
Text = Annotated[str, Field(max_length=10_000)]
Image = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        examples=[REFERENCE],
        description="by digest: `name@sha256:…`, or `sha256:…` alone",
    ),
]


def gives(model: type[BaseModel], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route answers with, for the description of the interface."""
    return {status: {"model": model}}


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """What a route takes that reads its body itself, for the description of the interface."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


class Asked(BaseModel):
    """Something that is asked for: no field that nobody knows."""

    model_config = ConfigDict(extra="forbid")


class Decided(BaseModel):
    """A decision on record, in short."""

    digest: str = Field(description="digest of the decision: its ID")
    environment: str
    verdict: Verdict
    decided_at: datetime


class Platform(BaseModel):
    """One platform of an image."""

    digest: str
    platform: str
    scanned_at: datetime | None
    findings: dict[str, int] = Field(description="how many of each severity")


class ImageShown(BaseModel):
    """An image on record."""

    digest: str
    media_type: str
    names: list[str]
    recorded_at: datetime
    platforms: list[Platform]
    decisions: list[Decided] = Field(description="the latest one for each environment")


class Images(Page):
    """Images on record, the newest first."""

    images: list[ImageShown]


class Component(BaseModel):
    """A package in an image."""

    platform: str
    purl: str | None
    name: str
    version: str
    kind: str
    ecosystem: str
    path: str
    licences: list[str]
    layer: str | None
    supplier: str | None


class Components(Page):
    """The packages of an image, by platform."""

    components: list[Component]


class Finding(BaseModel):
    """A vulnerability in a package of an image."""

    model_config = ConfigDict(extra="allow")

    platform: str
    first_seen_at: datetime
    vulnerability_id: str
    package: str
    purl: str
    installed_version: str
    fixed_version: str
    severity: str


class Findings(Page):
    """What the latest scan of an image found, by platform."""

    findings: list[Finding]


class Held(BaseModel):
    """What was looked for, as an image has it."""

    package: str
    version: str
    purl: str
    detail: str
    certain: bool = Field(description="false where nobody can tell whether this is meant")


class FoundPlatform(BaseModel):
    """A platform in which something was found."""

    digest: str
    platform: str
    found: list[Held]


class FoundDecision(Decided):
    """A decision about an image or one of its platforms."""

    subject_digest: str


class FoundImage(BaseModel):
    """An image in which something was found."""

    digest: str
    names: list[str]
    platforms: list[FoundPlatform]
    decisions: list[FoundDecision]
    running_in: list[str]


class FoundImages(Page):
    """The images in which something was found, the newest first."""

    images: list[FoundImage]


class FoundClaim(BaseModel):
    """A claim without a signature that an image has what was looked for."""

    subject: str
    names: list[str]
    claimed_by: str
    document: str = Field(description="digest of the SBOM that says so")
    recorded_at: datetime
    found: list[Held]


class FoundClaims(Page):
    """What callers claim, the newest documents first."""

    claims: list[FoundClaim]


class Newest(BaseModel):
    """The end of the chain: note it where whoever writes the database cannot."""

    number: int
    link: str


class Break(BaseModel):
    """A place at which the chain is not as it was written."""

    number: int
    what: str
