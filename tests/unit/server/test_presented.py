"""What an image is, put on record by its documents, each found by digest: nobody is believed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.images import Entry, digest, enter, pack_layer, pack_layout, put, to_json
from supplychain.model.access import Role
from tests.kit.serving import Served, problem
from tests.kit.visitors import visitor

NAME = "registry.test/shop/new"
INDEX = "application/vnd.oci.image.index.v1+json"


def manifest_of(folder: Path, architecture: str, user: str = "1000") -> str:
    layer = pack_layer([Entry("shop", architecture.encode())])
    config = {"User": user, "Labels": {"team": "shop"}}
    return pack_layout(folder, [layer], config=config, tag=architecture, architecture=architecture)


def read(folder: Path, name: str) -> bytes:
    return (folder / "blobs" / name.replace(":", "/")).read_bytes()


def documents(folder: Path, *manifests: str) -> list[bytes]:
    """Manifests and their configurations."""
    found = [read(folder, one) for one in manifests]
    return [*found, *(read(folder, json.loads(one)["config"]["digest"]) for one in found)]


def present(served: Served, named: str, given: list[bytes], **rest: Any) -> httpx.Response:
    body = {
        "name": NAME,
        "digest": named,
        "documents": [base64.b64encode(one).decode() for one in given],
    }
    return served.post("/v1/images", {**body, **rest})


@pytest.fixture
def folder(served: Served) -> Path:
    return served.typist.folder / "layout"


def test_a_manifest_is_put_on_record_with_what_its_configuration_says(
    served: Served, folder: Path
) -> None:
    served.typist.policy("image-config: {user: nonroot}")
    one = manifest_of(folder, "amd64", user="root")
    answer = present(served, one, documents(folder, one))
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/images/{one}"
    told = answer.json()
    assert (told["digest"], told["names"]) == (one, [NAME])
    assert [each["platform"] for each in told["platforms"]] == ["linux/amd64"]
    assert served.get(f"/v1/images/{one}").json() == told
    # The very next decision knows of it.
    said = served.decide(one).json()
    assert said["decision"] == "deny"
    assert "root" in json.dumps(said["reasons"])
    # Again is no change, and the log tells of the first.
    assert present(served, one, documents(folder, one)).status_code == 201
    noted = served.get("/v1/audit", params={"what": "image.recorded"}).json()["events"]
    assert [event["about"].endswith(one) for event in noted] == [True]


def test_an_index_comes_with_all_its_platforms_or_names_the_one(
    served: Served, folder: Path
) -> None:
    both = [manifest_of(folder, "amd64"), manifest_of(folder, "arm64")]
    entries = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": one,
            "size": len(read(folder, one)),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for one, architecture in zip(both, ("amd64", "arm64"), strict=True)
    ]
    raw = to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    index = enter(folder, put(folder, raw, INDEX), "index")
    problem(present(served, index, [raw, *documents(folder, both[0])]), 404, "not_found")
    assert served.get(f"/v1/images/{index}").status_code == 404
    part = present(served, index, [raw, *documents(folder, both[0])], platform="linux/amd64")
    assert part.status_code == 201, part.text
    whole = present(served, index, [raw, *documents(folder, *both)])
    shown = [one["platform"] for one in whole.json()["platforms"]]
    assert sorted(shown) == ["linux/amd64", "linux/arm64"]
    # As an index says itself, and not as the caller would have it.
    lying = raw.replace(b'"arm64"', b'"s390x"')
    given = [lying, *documents(folder, *both)]
    problem(present(served, digest(lying), given), 422, "verification")


def test_other_documents_than_those_named_are_refused(served: Served, folder: Path) -> None:
    one, other = manifest_of(folder, "amd64"), manifest_of(folder, "arm64")
    for given in ([read(folder, one)], documents(folder, other), [b"{}"]):
        problem(present(served, one, given), 404, "not_found")
    artifact = to_json({"schemaVersion": 2, "config": {"mediaType": "x/y", "digest": other}})
    problem(present(served, digest(artifact), [artifact]), 422, "input")
    refused: list[dict[str, object]] = [
        {"name": f"{NAME}:1.4"},
        {"name": "a b"},
        {"digest": "sha256:1"},
        {"documents": []},
        {"documents": ["#"]},
        {"documents": ["AA=="] * 201},
        {"platform": "linux"},
        {"more": 1},
    ]
    for wrong in refused:
        answer = present(served, one, documents(folder, one), **wrong)
        assert answer.status_code == 422, (wrong, answer.text)
    assert served.get("/v1/images").json()["images"] == []


def test_nothing_is_allowed_by_a_name_that_somebody_chose(served: Served, folder: Path) -> None:
    one, name = manifest_of(folder, "amd64"), "registry.test/ours/shop"
    assert present(served, one, documents(folder, one), name=name).status_code == 201
    served.typist.policy(r"images: {only: [registry\.test/ours/.*]}")
    assert served.decide(f"{name}@{one}").json()["decision"] == "deny"
    served.typist.policy(r"images: {repositories: [registry\.test/theirs/.*]}")
    assert served.decide(f"{name}@{one}").json()["decision"] == "allow"
    # What is banned by any of its names stays so, whatever it is asked for by.
    theirs = "registry.test/theirs/shop"
    assert present(served, one, documents(folder, one), name=theirs).status_code == 201
    assert served.decide(f"{name}@{one}").json()["decision"] == "deny"


def test_who_may_not_hand_in_may_not_present(served: Served, folder: Path) -> None:
    one = manifest_of(folder, "amd64")
    body = {"name": NAME, "digest": one, "documents": ["AA=="]}
    problem(visitor(served, Role.VIEWER).post("/v1/images", body), 403, "forbidden")
