"""`/v1/search`: which images contain what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from supplychain.export.found import found_claim_data, found_data
from supplychain.gate.licences import licence_query
from supplychain.gate.options import ENVIRONMENT
from supplychain.gate.packages import PackagePattern
from supplychain.model.digest import Digest
from supplychain.records.claim_search import ClaimPlace
from supplychain.records.found_images import FoundImage, Part
from supplychain.server import shapes
from supplychain.server.caller import Reading
from supplychain.server.instants import utc
from supplychain.server.paging import Pager, Paging
from supplychain.server.routing import noun

router = noun("/v1/search", "search")

_FOUND = shapes.gives(shapes.FoundImages)
_Purl = Annotated[
    str,
    Query(
        min_length=1,
        max_length=1024,
        description="package URL, perhaps with its version; `*` stands for any text",
        examples=["pkg:pypi/django"],
    ),
]
_Versions = Annotated[
    str,
    Query(max_length=1024, description="which versions of it", examples=[">=2.0, <2.2.28"]),
]


@router.get("/components", responses=_FOUND)
def search_components(
    purl: _Purl,
    caller: Reading,
    pager: Paging,
    versions: _Versions = "",
    environment: shapes.EnvironmentQuery = None,
    at: shapes.At = None,
) -> Response:
    """Find the images that contain a package, and where they may run.

    Versions compare as the package's own ecosystem compares them. What counts is the latest scan,
    and signed SBOMs that were handed in.
    """
    pattern = PackagePattern.parse(purl, versions)
    search = partial(caller.record.search.component, pattern)
    return _page(pager, search, utc(at, "at"), environment)


@router.get("/claims", responses=shapes.gives(shapes.FoundClaims))
def search_claims(
    purl: _Purl,
    caller: Reading,
    pager: Paging,
    versions: _Versions = "",
    at: shapes.At = None,
) -> Response:
    """Find the images of which callers claim that they contain a package.

    These are the SBOMs that were handed in without a signature: nothing rests on them, and no
    other search finds them. Of each caller the newest one about an image counts.
    """
    pattern = PackagePattern.parse(purl, versions)
    found = caller.record.handed_in.having(
        pattern,
        at=utc(at, "at") or pager.at,
        limit=pager.limit + 1,
        after=ClaimPlace(*pager.numbers(2)) if pager.after else None,
    )
    shown = found[: pager.limit]
    more = "{}.{}".format(*shown[-1].place) if len(found) > len(shown) else ""
    return pager.answer("claims", [found_claim_data(one) for one in shown], more)


@router.get("/vulnerabilities", responses=_FOUND)
def search_vulnerabilities(
    id: Annotated[  # noqa: A002  # so it is called
        str, Query(min_length=1, max_length=200, examples=["CVE-2021-44228"])
    ],
    caller: Reading,
    pager: Paging,
    environment: shapes.EnvironmentQuery = None,
    at: shapes.At = None,
) -> Response:
    """Find the images in which a vulnerability was found, and where they may run."""
    search = partial(caller.record.search.vulnerability, id)
    return _page(pager, search, utc(at, "at"), environment)


@router.get("/licences", responses=_FOUND)
def search_licences(
    expression: Annotated[
        str, Query(min_length=1, max_length=1000, examples=["AGPL-3.0-only OR network-copyleft"])
    ],
    caller: Reading,
    pager: Paging,
    environment: shapes.EnvironmentQuery = None,
    at: shapes.At = None,
) -> Response:
    """Find the images with packages under a licence or of a category, and where they may run."""
    search = partial(caller.record.search.licence, licence_query(expression))
    return _page(pager, search, utc(at, "at"), environment)


def _page(
    pager: Pager,
    search: Callable[..., tuple[FoundImage, ...]],
    at: datetime | None,
    environment: str | None,
) -> Response:
    part = Part(
        limit=pager.limit + 1,
        after=Digest.parse(pager.after) if pager.after else None,
        environment=None if environment is None else str(ENVIRONMENT.parse(environment)),
    )
    found = search(at=at or pager.at, part=part)
    shown = found[: pager.limit]
    more = str(shown[-1].digest) if len(found) > len(shown) else ""
    return pager.answer("images", [found_data(image) for image in shown], more)
