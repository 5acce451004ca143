"""Whatever is missing, stale or broken: no allow over HTTP, and always the reason."""

from __future__ import annotations

import httpx
import pytest

from supplychain.errors import SupplyChainError
from supplychain.server.problems import STATUSES
from tests.kit.failings import FAILINGS, Failing, in_order
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, problem, serving
from tests.kit.typist import Typist


@pytest.mark.parametrize("row", FAILINGS, ids=lambda row: row.name)
def test_nothing_of_it_is_an_allow(row: Failing, typist: Typist) -> None:
    in_order(typist)
    with serving(typist) as served:
        # A moment ago it was allowed, and the server remembers that.
        assert served.decide(str(SUBJECT.digest)).json()["decision"] == "allow"
        row.bring_about(typist)
        if row.begins and not row.remembered:
            _no_allow(row, served)
    if row.remembered:
        with serving(typist) as served:
            _no_allow(row, served)
    if not row.begins:
        with pytest.raises(SupplyChainError) as refused, serving(typist):
            pass
        assert refused.value.code == row.problem


def _no_allow(row: Failing, served: Served) -> None:
    for _ in range(2):
        _not_allowed(row, served.decide(str(row.image), row.environment))
    many = {"images": [str(SUBJECT.digest), str(row.image)]}
    answer = served.post(f"/v1/gates/{row.environment}/decide-batch", many)
    if row.problem:
        problem(answer, STATUSES[row.problem], row.problem)
    else:
        assert answer.json()["decisions"][1]["decision"] == "deny"


def _not_allowed(row: Failing, answer: httpx.Response) -> None:
    if row.problem:
        told = problem(answer, STATUSES[row.problem], row.problem)
        assert row.reason in f"{told['detail']} {told['because']}"
        return
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["decision"] == "deny"
    said = [" ".join((one["message"], *one["notes"])) for one in told["reasons"]]
    assert any(row.reason in one for one in said), said
