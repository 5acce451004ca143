from collections.abc import Mapping

import pytest

from supplychain import errors
from supplychain.server.problems import STATUSES
from tests.kit.failings import in_order
from tests.kit.scans import SUBJECT
from tests.kit.serving import DECIDE, Served, problem

ASKED = {"image": str(SUBJECT)}


def every_error(kind: type[errors.SupplyChainError]) -> set[str]:
    return {kind.code}.union(*map(every_error, kind.__subclasses__()))


def test_every_error_has_a_status() -> None:
    assert every_error(errors.SupplyChainError) == set(STATUSES)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer sct_another-token-that-nobody-ever-made-00000"},
        {"Authorization": "Basic YWRhOnNlY3JldA=="},
    ],
)
def test_strangers_get_nothing(served: Served, headers: Mapping[str, str]) -> None:
    in_order(served.typist)
    del served.client.headers["Authorization"]
    answer = served.post(DECIDE, ASKED, headers=headers)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    answer = served.post(f"{DECIDE}?project=of-another", ASKED, headers=headers)
    problem(answer, 401, "unauthenticated")


def test_strangers_see_whether_it_lives(served: Served) -> None:
    del served.client.headers["Authorization"]
    assert served.get("/livez").status_code == 200
    assert served.get("/readyz").status_code == 200


def test_it_is_not_ready_without_its_database(served: Served) -> None:
    served.typist.sql("DELETE FROM alembic_version")
    problem(served.get("/readyz"), 503, "schema_version")
    assert served.get("/livez").status_code == 200


def test_a_project_that_is_not_there_is_said_so(served: Served) -> None:
    problem(served.post(f"{DECIDE}?project=nobodys", ASKED), 404, "not_found")
    problem(served.post(f"{DECIDE}?project=../x", ASKED), 422, "input")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"image"', b"{}", b'{"image": 1}', b'{"image": null}'],
)
def test_a_body_that_does_not_fit_is_a_problem(served: Served, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = served.client.post(DECIDE, content=body, headers=headers)
    problem(answer, 422, "input")


def test_a_field_that_nobody_knows_is_refused(served: Served) -> None:
    answer = served.post(DECIDE, {**ASKED, "at": "2020-01-01"})
    assert problem(answer, 422, "input")["errors"][0]["pointer"] == "/at"


def test_what_is_not_there_is_a_problem_too(served: Served) -> None:
    problem(served.get("/v1/nothing"), 404, "not_found")
    problem(served.get(DECIDE), 405, "method")


def test_what_nobody_foresaw_tells_no_more_than_where_to_look(served: Served) -> None:
    @served.app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("the secret")

    answer = served.get("/broken", headers={"X-Request-Id": "mine-1"})
    assert problem(answer, 500, "internal")["request_id"] == "mine-1"
    assert "secret" not in answer.text


def test_a_request_has_a_name_and_only_a_usable_one(served: Served) -> None:
    assert served.get("/livez", headers={"X-Request-Id": "ci-17"}).headers["x-request-id"] == (
        "ci-17"
    )
    for name in ("", "a b", "x" * 129, "<script>"):
        given = served.get("/livez", headers={"X-Request-Id": name}).headers["x-request-id"]
        assert given not in {"", name}


def test_each_thing_that_is_described_has_a_name_of_its_own(served: Served) -> None:
    names = served.get("/v1/openapi.json").json()["components"]["schemas"]
    assert [name for name in names if not name.isalnum()] == []
