"""A server whose content store is gone or returns other bytes: never an allow, and it says why."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.kit.aftermath import left
from tests.kit.posts import SBOM, Post, Server, review
from tests.kit.scans import SUBJECT

_IMAGE = f"/v1/images/{SUBJECT.digest}"


def _allowed(post: Post) -> None:
    """Have it allow the image."""
    with post.serving() as server:
        assert _review(server).status_code == 201
        assert server.decide().json()["decision"] == "allow"


def _review(server: Server) -> httpx.Response:
    return server.hand_in(review(), kind="attestation", environment="prod")


def _refused(answer: httpx.Response) -> str:
    """The code of a problem document with its reason."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["because"]
    assert problem["hint"]
    return str(problem["code"])


@pytest.mark.fault("the content store of a server is gone for a while")
def test_a_server_whose_content_store_is_gone_allows_and_takes_nothing(post: Post) -> None:
    _allowed(post)
    before, content = left(post.url), post.data / "content"
    elsewhere = content.with_name("elsewhere")
    with post.serving() as server:
        content.rename(elsewhere)
        asked = [
            server.decide(),
            server.hand_in(SBOM, kind="sbom"),
            _review(server),
            server.get(f"{_IMAGE}/exports/sbom"),
            server.get("/readyz"),
        ]
        assert [_refused(answer) for answer in asked] == ["store"] * len(asked)
        # Nobody makes another one in its place, nor a row about what was not kept.
        assert not content.exists()
        assert left(post.url) == before

        elsewhere.rename(content)
        assert server.get("/readyz").status_code == 200
        assert server.decide().json()["decision"] == "allow"
        assert server.get(f"{_IMAGE}/exports/sbom").status_code == 200
        assert server.hand_in(SBOM, kind="sbom").status_code == 202


@pytest.mark.fault("the content store of a server returns other bytes")
def test_a_server_whose_content_store_returns_other_bytes_allows_nothing_by_them(
    post: Post,
) -> None:
    _allowed(post)
    kept = {
        file: file.read_bytes() for file in (post.data / "content").rglob("*") if file.is_file()
    }
    _write({file: text + b" " for file, text in kept.items()})
    before = left(post.url)
    # Whoever has read the right ones may answer by them: this one has not.
    with post.serving() as server:
        asked = [
            server.decide(),
            server.get(f"{_IMAGE}/exports/sbom"),
        ]
        assert [_refused(answer) for answer in asked] == ["digest_mismatch"] * len(asked)
        assert left(post.url) == before

        _write(kept)
        assert server.decide().json()["decision"] == "allow"
        assert server.get(f"{_IMAGE}/exports/sbom").status_code == 200
    assert left(post.url).rows == before.rows


def _write(kept: dict[Path, bytes]) -> None:
    for file, text in kept.items():
        file.chmod(0o644)
        file.write_bytes(text)
