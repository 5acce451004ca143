from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError
from supplychain.images.reference import Reference
from supplychain.model.digest import Digest

_HEX = "0123456789abcdef" * 4
_DIGEST = f"sha256:{_HEX}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("debian", "docker.io", "library/debian", None, None),
        ("debian:12", "docker.io", "library/debian", "12", None),
        ("docker://debian:12", "docker.io", "library/debian", "12", None),
        ("docker.io/debian", "docker.io", "library/debian", None, None),
        ("index.docker.io/team/app", "docker.io", "team/app", None, None),
        ("team/app:v1", "docker.io", "team/app", "v1", None),
        ("ghcr.io/team/app", "ghcr.io", "team/app", None, None),
        ("localhost/app", "localhost", "app", None, None),
        ("localhost:5000/app:1", "localhost:5000", "app", "1", None),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", None, None),
        ("[::1]:5000/app:1", "[::1]:5000", "app", "1", None),
        ("[2001:db8::1]/app", "[2001:db8::1]", "app", None, None),
        ("Registry.Example.COM/app", "registry.example.com", "app", None, None),
        ("BuildHost/app:1", "BuildHost", "app", "1", None),
        ("LocalHost/app", "localhost", "app", None, None),
        ("app:5000", "docker.io", "library/app", "5000", None),
        ("r.io/a__b/c-d.e--f_g", "r.io", "a__b/c-d.e--f_g", None, None),
        (f"r.io/app@{_DIGEST}", "r.io", "app", None, _DIGEST),
        (f"r.io:80/app:1.0@{_DIGEST}", "r.io:80", "app", "1.0", _DIGEST),
        (f"r.io/app@sha512:{_HEX * 2}", "r.io", "app", None, f"sha512:{_HEX * 2}"),
    ],
)
def test_reads_what_docker_reads(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    found = Reference.parse(text)
    expected = Reference(registry, repository, tag, Digest.parse(digest) if digest else None)
    assert found == expected
    assert found.name == f"{registry}/{repository}"
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "no repository"),
        ("docker://", "no repository"),
        (f"@{_DIGEST}", "no repository"),
        ("Debian", "lower-case"),
        ("r.io/Team/App:1", "lower-case"),
        ("app:", "tag is empty"),
        ("app:-1", "not a tag"),
        ("app:1/2:", "tag is empty"),
        ("app:" + "x" * 129, "not a tag"),
        ("app:ünïcode", "not a tag"),
        ("app@", "not a digest"),
        ("app@sha256:12", "64 lower-case hexadecimal"),
        (f"app@sha256:{_HEX.upper()}", "64 lower-case hexadecimal"),
        ("app@md5:" + "0" * 32, "not accepted"),
        (f"app@{_DIGEST}@{_DIGEST}", "64 lower-case hexadecimal"),
        ("r.io/" + "a" * 256, "256 characters, more than 255"),
        ("a" * 2000, "more than 1024"),
        (_HEX, "image ID"),
        ("r.io//app", "lower-case"),
        ("r.io/app/", "lower-case"),
        ("/app", "lower-case"),
        ("r.io/a..b", "lower-case"),
        ("r.io/a___b", "lower-case"),
        ("r.io/../v2", "lower-case"),
        ("r.io/app\n", "lower-case"),
        ("r.io/app?x=1", "lower-case"),
        ("https://r.io/app", "not a registry"),
        ("user:pw@r.io/app", "not a digest"),
        ("-r.io/app", "not a registry"),
        ("r.io:0/app", "ports go from 1"),
        ("r.io:65536/app", "ports go from 1"),
        ("r.io:/app", "not a registry"),
        ("[::1/app", "not a registry"),
    ],
)
def test_refuses_what_does_not_parse_and_says_how_to_write_it(text: str, because: str) -> None:
    with pytest.raises(InputError) as caught:
        Reference.parse(text)
    assert because in f"{caught.value}: {caught.value.because}"
    assert caught.value.hint


def test_offers_the_lower_case_spelling() -> None:
    with pytest.raises(InputError) as caught:
        Reference.parse("r.io/Team/App")
    assert caught.value.hint == "did you mean team/app?"


@pytest.mark.parametrize(
    ("registry", "repository", "tag"),
    [("r.io/x", "app", None), ("r.io", "App", None), ("r.io", "app", "a b"), ("", "app", None)],
)
def test_cannot_be_made_of_wrong_parts(registry: str, repository: str, tag: str | None) -> None:
    with pytest.raises(InputError):
        Reference(registry, repository, tag)


@given(st.text(max_size=80))
def test_anything_else_is_an_input_error(text: str) -> None:
    try:
        found = Reference.parse(text)
    except InputError:
        return
    assert Reference.parse(str(found)) == found
