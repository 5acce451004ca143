"""Files from the web: whole, bounded, by TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from supplychain.errors import InputError, LimitError, NotFoundError, RegistryError
from supplychain.images.download import download, is_url
from supplychain.images.registry.options import RegistryOptions
from tests.kit.misbehaving import cut, redirect, reply, scripted_server
from tests.kit.tls import Authority

OPTIONS = RegistryOptions(retries=1, read_timeout=2)


def test_a_file_comes_whole_through_redirects_and_after_a_failure() -> None:
    with scripted_server() as server:
        server.on("GET", "/feed", redirect("/moved"))
        server.on("GET", "/moved", reply(503), reply(200, b"the edition"))
        assert download(f"{server.url}/feed", OPTIONS, limit=100) == b"the edition"
        assert all(asked.authorization is None for asked in server.requests)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(404), NotFoundError),
        (reply(403), RegistryError),
        (reply(500), RegistryError),
        (reply(200, b"x" * 101), LimitError),
        (cut(b"the edition", 4), RegistryError),
        (redirect("http://feeds.example/x"), RegistryError),
    ],
)
def test_a_part_or_something_else_is_none(answer: object, error: type[Exception]) -> None:
    with scripted_server() as server:
        server.on("GET", "/feed", answer)  # type: ignore[arg-type]
        with pytest.raises(error):
            download(f"{server.url}/feed", OPTIONS, limit=100)


def test_tls_is_verified(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    with scripted_server(authority.issue(tmp_path, "127.0.0.1")) as server:
        server.on("GET", "/feed", reply(200, b"the edition"))
        with pytest.raises(RegistryError, match="not trusted"):
            download(f"{server.url}/feed", OPTIONS, limit=100)
        trusting = RegistryOptions(cacert=authority.certificate_file)
        assert download(f"{server.url}/feed", trusting, limit=100) == b"the edition"


@pytest.mark.parametrize(
    "url", ["http://feeds.example/epss", "https://me:secret@feeds.example/epss"]
)
def test_what_would_be_seen_or_changed_on_the_way_is_not_asked(url: str) -> None:
    with pytest.raises(InputError) as refused:
        download(url, OPTIONS, limit=100)
    assert "secret" not in f"{refused.value} {refused.value.because}"


def test_a_file_is_no_url() -> None:
    assert is_url("https://feeds.example/epss")
    assert not is_url("epss.csv.gz")
    assert not is_url("C:/epss.csv.gz")
