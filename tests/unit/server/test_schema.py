"""Requests that nobody would think of, made from the description of the interface.

The short form is part of every run; `make test-api` makes 20,000 of them.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.kit.failings import in_order
from tests.kit.serving import Served

CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.negative_data_rejection,
]
REQUESTS = int(os.environ.get("SUPPLYCHAIN_TEST_REQUESTS", "600"))


@pytest.mark.parametrize("served", [{"rate_limit": "1000000"}], indirect=True)
def test_no_request_is_answered_with_a_bug_or_against_its_description(served: Served) -> None:
    in_order(served.typist)
    served.decide()
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", served.app)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # an error would end the test
    assert len(operations) > 25
    headers = {"Authorization": served.client.headers["Authorization"]}
    each = max(1, REQUESTS // len(operations))
    failed: list[Exception] = []
    for operation in operations:

        @settings(
            max_examples=each,
            deadline=None,
            derandomize=REQUESTS < 1000,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            response = case.call(headers=headers)
            case.validate_response(
                response,
                checks=CHECKS,
            )

        try:
            ask()
        except Exception as error:  # noqa: BLE001  # the others are asked all the same
            failed.append(error)
    if failed:
        raise ExceptionGroup("not answered as it is described", failed)
