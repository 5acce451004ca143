"""SBOMs for tests: of the image that `tests.kit.scans` describes, under its fixed clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from supplychain.model.component import Component
from supplychain.model.evidence import Producer
from supplychain.sbom.cyclonedx import ImageDescription, SpecVersion, make
from tests.kit.scans import (
    AT,
    CONFIG,
    LAYERS,
    OPERATING_SYSTEM,
    PLATFORM,
    SUBJECT,
    make_scan,
    realistic_components,
)

IMAGE = ImageDescription(SUBJECT, PLATFORM, CONFIG, LAYERS)
SERIAL = UUID("3e671687-395b-41f5-a30f-a58921a69b79")
TOOL = Producer("supplychain", "0.1.0")


def make_sbom(
    components: Sequence[Component] | None = None,
    *,
    spec_version: SpecVersion = "1.6",
    serial: UUID = SERIAL,
    made_at: datetime = AT,
    tool: Producer = TOOL,
    author: str | None = None,
) -> bytes:
    """An SBOM of `components` (ten realistic ones and their system where none are given)."""
    scan = make_scan(
        components=(OPERATING_SYSTEM, *realistic_components(10))
        if components is None
        else components
    )
    return make(
        scan,
        IMAGE,
        spec_version=spec_version,
        serial=serial,
        made_at=made_at,
        tool=tool,
        author=author,
    )


def changed(document: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The document after `change` has worked on what it holds."""
    parsed = orjson.loads(document)
    change(parsed)
    return orjson.dumps(parsed)
