from __future__ import annotations

import pytest

from supplychain.images.registry.auth import Challenge, Scope, parse_challenge

_HUB = (
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    'scope="repository:library/debian:pull,push"'
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (_HUB, Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io")),
        ('Basic realm="a, b = c"', Challenge("basic", "a, b = c")),
        ("Basic", Challenge("basic")),
        ("bearer realm=https://t/x , service=s", Challenge("bearer", "https://t/x", "s")),
        ('Basic realm="r", Bearer realm="https://t"', Challenge("bearer", "https://t")),
        ('Bearer realm="https://t", Basic realm="r"', Challenge("bearer", "https://t")),
        ('Negotiate abc==, Basic realm="r"', Challenge("basic", "r")),
        (r'Basic realm="a \"quoted\" one"', Challenge("basic", 'a "quoted" one')),
        ('Bearer service="without a realm"', None),
        ("Negotiate", None),
        ("", None),
        ("=,=,=", None),
    ],
)
def test_the_challenge_that_we_can_answer_is_found(header: str, expected: Challenge | None) -> None:
    assert parse_challenge(header) == expected


def test_a_hostile_header_takes_no_time() -> None:
    assert parse_challenge("Basic realm=" + '"\\' * 100_000) is not None
    assert parse_challenge(" " * 1_000_000) is None


def test_a_scope_reads_as_token_services_want_it() -> None:
    assert str(Scope("team/app")) == "repository:team/app:pull"
    assert str(Scope("team/app", push=True)) == "repository:team/app:pull,push"


def test_a_token_to_push_is_good_for_pulling_but_not_the_reverse() -> None:
    pull, push = Scope("app"), Scope("app", push=True)
    assert push.covers(pull)
    assert not pull.covers(push)
    assert not push.covers(Scope("other"))
