"""What is kept of the secrets in a report, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from supplychain.model.digest import Digest
from supplychain.model.image_config import Secret
from supplychain.scan.secrets import read_secrets

LAYER = Digest.of(b"layer")


def result(*secrets: dict[str, Any], target: str = "/app/.env") -> dict[str, Any]:
    return {"Class": "secret", "Target": target, "Secrets": list(secrets)}


def found(**changes: Any) -> dict[str, Any]:
    node = {
        "RuleID": "aws-access-key-id",
        "Category": "AWS",
        "Severity": "CRITICAL",
        "Title": "AWS Access Key ID",
        "StartLine": 3,
        "Match": "key = ****",
        "Code": {"Lines": [{"Content": "password of the line beside it"}]},
        "Layer": {"DiffID": str(LAYER)},
    }
    return node | changes


def test_where_it_is_and_what_it_is_like_and_nothing_of_itself() -> None:
    (secret,) = read_secrets([result(found()), {"Class": "os-pkgs", "Target": "debian"}])

    assert secret == Secret(
        "aws-access-key-id", "AWS", "critical", "AWS Access Key ID", "app/.env", 3, LAYER
    )
    assert not any(word in repr(secret) for word in ("****", "password"))


def test_they_are_sorted_and_each_is_there_once() -> None:
    twice = [result(found(StartLine=9), found(), found()), result(found(), target="/a")]
    assert [(s.path, s.line) for s in read_secrets(twice)] == [
        ("a", 3),
        ("app/.env", 3),
        ("app/.env", 9),
    ]


@pytest.mark.parametrize(
    "changes", [{"RuleID": ""}, {"StartLine": "3"}, {"StartLine": -1}, {"Severity": 4}]
)
def test_what_is_not_understood_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_secrets([result(found(**changes))])
