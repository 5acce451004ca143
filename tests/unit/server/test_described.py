"""The description of the interface says what FastAPI does not see by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.serving import Served
from tests.kit.visitors import LOGIN, SESSION

ONCE = {
    "/v1/gates/{environment}/decide",
    "/v1/gates/{environment}/decide-batch",
    "/v1/tokens/exchange",
    "/v1/logout",
}


def _operations(served: Served) -> dict[tuple[str, str], dict[str, Any]]:
    paths = served.get("/v1/openapi.json").json()["paths"]
    return {(path, verb): told for path, found in paths.items() for verb, told in found.items()}


def _takes_a_key(told: dict[str, Any]) -> bool:
    return any(one["name"] == "Idempotency-Key" for one in told.get("parameters", ()))


def test_whatever_changes_something_takes_a_key(served: Served) -> None:
    takes = {place for place, told in _operations(served).items() if _takes_a_key(told)}
    posts = {(path, verb) for path, verb in _operations(served) if verb == "post"}
    assert takes == {place for place in posts if place[0] not in ONCE}
    assert {"/v1/projects", "/v1/tokens", "/v1/trust", "/v1/members", "/v1/waivers"} <= {
        path for path, _ in takes
    }


@pytest.mark.parametrize("served", [LOGIN], indirect=True)
def test_a_session_is_another_way_in_and_changes_nothing_without_its_page(served: Served) -> None:
    schemes = served.get("/v1/openapi.json").json()["components"]["securitySchemes"]
    assert schemes["Session"].items() >= {"type": "apiKey", "in": "cookie", "name": SESSION}.items()
    page = {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"}
    assert schemes["PageOfOurs"].items() >= page.items()
    guarded = {place: told for place, told in _operations(served).items() if "security" in told}
    assert len(guarded) > 25
    for (_, verb), told in guarded.items():
        session = ["Session"] if verb == "get" else ["Session", "PageOfOurs"]
        assert told["security"] == [{"HTTPBearer": []}, {name: [] for name in session}]


def test_where_nobody_logs_in_no_cookie_is_a_way_in(served: Served) -> None:
    schemes = served.get("/v1/openapi.json").json()["components"]["securitySchemes"]
    assert list(schemes) == ["HTTPBearer"]
