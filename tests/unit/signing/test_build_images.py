"""Which images went into a build, as builders write it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing.build_images import images_of

DIGEST = Digest.of(b"a base")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("pkg:docker/python@3.12-slim?platform=linux%2Famd64", "docker.io/library/python"),
        ("pkg:docker/acme/base@1.0", "docker.io/acme/base"),
        ("pkg:docker/ghcr.io/acme/base@1.0?platform=linux%2Farm64", "ghcr.io/acme/base"),
        ("pkg:docker/localhost:5000/base@latest", "localhost:5000/base"),
        ("pkg:docker/acme/base@1.0?repository_url=ghcr.io", "ghcr.io/acme/base"),
        ("pkg:oci/base?repository_url=ghcr.io/acme/base&tag=1.0", "ghcr.io/acme/base"),
        (f"pkg:oci/base@{DIGEST}?repository_url=ghcr.io%2Facme%2Fbase", "ghcr.io/acme/base"),
        ("oci://ghcr.io/acme/base:1.0", "ghcr.io/acme/base"),
        (f"docker-image://docker.io/library/alpine:3@{DIGEST}", "docker.io/library/alpine"),
    ],
)
def test_an_image_is_named_by_its_repository(uri: str, name: str) -> None:
    for predicate in (
        {"materials": [material(uri)]},
        {"buildDefinition": {"resolvedDependencies": [material(uri)]}},
    ):
        assert images_of(predicate) == (Subject(name, DIGEST),)


@pytest.mark.parametrize(
    "item",
    [
        {"uri": "git+https://github.com/acme/shop", "digest": {"sha256": DIGEST.hex}},
        {"uri": "pkg:docker/python@3", "digest": {"sha1": "00"}},
        {"uri": "pkg:docker/python@3", "digest": {"sha256": "00"}},
        {"uri": "pkg:docker/python@3"},
        {"digest": {"sha256": DIGEST.hex}},
        "pkg:docker/python@3",
    ],
    ids=str,
)
def test_what_names_no_image_by_a_digest_names_none(item: object) -> None:
    assert images_of({"materials": [item]}) == ()


def test_they_are_sorted_and_each_is_there_once() -> None:
    uris = ["pkg:docker/b@1", "pkg:docker/a@1", "pkg:docker/b@2"]
    found = images_of({"materials": [material(uri) for uri in uris]})
    assert [s.name for s in found] == ["docker.io/library/a", "docker.io/library/b"]


_WORDS = st.sampled_from(["uri", "digest", "sha256", "materials", "resolvedDependencies"])
_JSON = st.recursive(
    st.none()
    | st.integers()
    | st.text()
    | st.sampled_from(["pkg:docker/a@1", "oci://", DIGEST.hex]),
    lambda inner: st.lists(inner) | st.dictionaries(_WORDS, inner),
)


@given(st.dictionaries(st.sampled_from(["buildDefinition", "materials"]), _JSON))
def test_whatever_is_written_raises_nothing(predicate: dict[str, Any]) -> None:
    images_of(predicate)


def material(uri: str) -> dict[str, object]:
    return {"uri": uri, "digest": {"sha256": DIGEST.hex}}
