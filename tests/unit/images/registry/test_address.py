from __future__ import annotations

import pytest

from supplychain.errors import RegistryError
from supplychain.images.registry.address import Origin, api_host, without_secrets


def test_an_origin_is_scheme_host_and_port() -> None:
    assert Origin.of("https://R.example/v2/?a=b") == Origin("https", "r.example", 443)
    assert Origin.of("http://[::1]:5000/") == Origin("http", "::1", 5000)
    assert str(Origin.of("http://[::1]:5000/")) == "[::1]:5000"
    assert str(Origin.of("https://r.example:443/")) == "r.example"
    assert Origin.of("http://r.example") != Origin.of("https://r.example")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://r.example/",
        "file:///etc/passwd",
        "/relative",
        "https://",
        "https://user:secret@r.example/",
        "https://r.example:port/",
        "https://[::1/",
    ],
)
def test_an_address_that_must_not_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(RegistryError) as caught:
        Origin.of(url)
    assert "secret" not in f"{caught.value} {caught.value.because}"
    assert not caught.value.retryable


def test_docker_hubs_api_has_another_name() -> None:
    assert api_host("docker.io") == "registry-1.docker.io"
    assert api_host("ghcr.io") == "ghcr.io"


def test_a_signed_url_is_shown_without_its_signature() -> None:
    url = "https://user:pw@storage.example/blob?X-Signature=secret#part"
    assert without_secrets(url) == "https://storage.example/blob"
