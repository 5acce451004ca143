"""The text of tokens: random, kept as a digest, never repeated."""

from __future__ import annotations

import re

import pytest

from supplychain.access.tokens import SESSION, make_token, read_session, read_token
from supplychain.errors import UnauthenticatedError
from supplychain.model.digest import Digest


def test_a_token_is_read_as_it_was_made() -> None:
    made = make_token()
    found = read_token(made.text)
    assert found.identifier == made.identifier
    assert found.is_of(made.digest)
    assert re.fullmatch(r"sct_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", made.text)


def test_a_session_is_no_token_and_a_token_no_session() -> None:
    session, token = make_token(SESSION), make_token()
    assert read_session(session.text).is_of(session.digest)
    for text in (token.text, f"x{session.text}", session.text[:-1], ""):
        with pytest.raises(UnauthenticatedError):
            read_session(text)
    with pytest.raises(UnauthenticatedError):
        read_token(session.text)


def test_two_tokens_have_nothing_in_common() -> None:
    one, other = make_token(), make_token()
    assert one.identifier != other.identifier
    assert not read_token(one.text).is_of(other.digest)


def test_what_is_kept_does_not_open_the_door() -> None:
    made = make_token()
    secret = made.text.rpartition(f"{made.identifier}_")[2]
    assert made.digest == Digest.of(secret.encode())
    assert not read_token(f"sct_{made.identifier}_{made.digest.hex[:43]}").is_of(made.digest)


def test_nothing_prints_a_secret() -> None:
    made = make_token()
    secret = made.text.rpartition(f"{made.identifier}_")[2]
    assert secret not in repr(made)
    assert made.digest.hex not in repr(read_token(made.text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sct",
        "sct__",
        "sct_abcdefghijkl_short",
        "sct_ABCDEFGHIJKL_" + "a" * 43,
        "sct_abcdefghijkl_" + "a" * 44,
        "sct_abcdefghijkl_" + "a" * 42 + "é",
        " sct_abcdefghijkl_" + "a" * 43,
        "sct_abcdefghijkl_" + "a" * 43 + "\n",
        "ghp_abcdefghijkl_" + "a" * 43,
        "sct_abcdefghijk٣_" + "a" * 43,
        "x" * 1_000_000,
    ],
)
def test_what_has_another_form_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        read_token(text)
    assert len(text) < 10 or text not in f"{refused.value} {refused.value.because}"
