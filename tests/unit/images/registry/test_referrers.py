from __future__ import annotations

import json

import pytest

from supplychain.errors import InputError, LimitError, VerificationError
from supplychain.images.registry.host import Answer
from supplychain.images.registry.referrers import (
    MOST_REFERRERS,
    entry_for,
    fallback_tag,
    listed,
    next_page,
    with_entry,
)
from supplychain.model.artifact import DOCKER_INDEX, OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest
from supplychain.model.digest import Digest

_SUBJECT = Digest.of(b"subject")


def _entry(number: int) -> Descriptor:
    return Descriptor(OCI_MANIFEST, Digest.of(str(number).encode()), number, "a/b", None)


def _manifest(**more: object) -> Manifest:
    document = {
        "schemaVersion": 2,
        "config": {"mediaType": "application/x-config", "digest": str(_SUBJECT), "size": 2},
        "subject": {"mediaType": OCI_MANIFEST, "digest": str(_SUBJECT), "size": 7},
    }
    raw = json.dumps(document | more).encode()
    return Manifest(OCI_MANIFEST, Digest.of(raw), raw)


def test_the_fallback_tag_is_the_digest_with_a_hyphen() -> None:
    assert fallback_tag(_SUBJECT) == f"sha256-{_SUBJECT.hex}"
    long = Digest("sha512", "ab" * 64)
    assert fallback_tag(long) == f"sha512-{'ab' * 32}"


def test_what_is_added_is_listed_in_order() -> None:
    raw = None
    for number in range(3):
        raw = with_entry(raw, _entry(number))
    assert raw is not None
    assert listed(raw, "here") == tuple(_entry(number) for number in range(3))


def test_what_others_wrote_stays_as_it_is() -> None:
    theirs = {
        "mediaType": OCI_MANIFEST,
        "digest": str(Digest.of(b"theirs")),
        "size": 3,
        "data": "e30=",
        "x-unknown": [1],
    }
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [theirs], "annotations": {}}
    after = json.loads(with_entry(json.dumps(index).encode(), _entry(1)))
    assert after["manifests"][0] == theirs
    assert after["annotations"] == {}
    assert len(after["manifests"]) == 2


def test_a_digest_is_listed_once() -> None:
    raw = with_entry(with_entry(None, _entry(1)), _entry(1))
    assert listed(raw, "here") == (_entry(1),)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"[" * 100_000,
        json.dumps({"mediaType": DOCKER_INDEX, "manifests": []}).encode(),
        json.dumps({"manifests": {}}).encode(),
        json.dumps({"manifests": ["text"]}).encode(),
        json.dumps({"manifests": [{"digest": "sha256:1", "size": 1}]}).encode(),
        json.dumps({"manifests": [{"digest": str(_SUBJECT), "size": -1}]}).encode(),
        json.dumps({"manifests": [{"digest": str(_SUBJECT), "size": True}]}).encode(),
        json.dumps({"manifests": [{"digest": str(_SUBJECT)}]}).encode(),
    ],
)
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises(VerificationError, match="the list is not an index"):
        listed(raw, "the list")


def test_text_that_others_would_read_otherwise_is_refused() -> None:
    item = {"mediaType": OCI_MANIFEST, "digest": str(_SUBJECT), "size": 1}
    raw = json.dumps({"manifests": [item | {"artifactType": "\ud800"}]}).encode()
    with pytest.raises(VerificationError, match="the list is not an index"):
        listed(raw, "the list")
    with pytest.raises(VerificationError, match="cannot be written again"):
        with_entry(raw, _entry(1))


def test_a_list_without_end_is_refused() -> None:
    item = {"mediaType": OCI_MANIFEST, "digest": str(_SUBJECT), "size": 1}
    raw = json.dumps({"manifests": [item] * (MOST_REFERRERS + 1)}).encode()
    with pytest.raises(LimitError):
        listed(raw, "the list")


def test_the_entry_carries_type_and_annotations() -> None:
    manifest = _manifest(artifactType="x/y", annotations={"b": "2", "a": "1"})
    assert entry_for(manifest, _SUBJECT) == Descriptor(
        OCI_MANIFEST,
        manifest.digest,
        len(manifest.raw),
        artifact_type="x/y",
        annotations=(("a", "1"), ("b", "2")),
    )


def test_without_an_artifact_type_the_configurations_type_counts() -> None:
    assert entry_for(_manifest(), _SUBJECT).artifact_type == "application/x-config"


@pytest.mark.parametrize("subject", [None, {"digest": str(Digest.of(b"other")), "size": 1}])
def test_a_manifest_about_something_else_has_no_entry(subject: object) -> None:
    with pytest.raises(InputError, match="subject"):
        entry_for(_manifest(subject=subject), _SUBJECT)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</v2/a/referrers/d?last=1>; rel="next"', "https://r/v2/a/referrers/d?last=1"),
        ('<https://r/p>; rel="prev", <?n=2>; rel="next"', "https://r/v2/a/referrers/d?n=2"),
        ('<https://r/p>; rel="prev"', None),
        ("", None),
        ("garbage", None),
    ],
)
def test_the_next_page_is_where_the_link_says(link: str, expected: str | None) -> None:
    answer = Answer(200, {"Link": link}, b"", "https://r/v2/a/referrers/d")
    assert next_page(answer) == expected
