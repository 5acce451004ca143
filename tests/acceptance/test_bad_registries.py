"""Registries that refuse, fail, lie, or take for ever: a clear error, and nothing recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.images import OCI, Layer, digest, to_json
from tests.kit.cli import Desk
from tests.kit.misbehaving import (
    Answer,
    ScriptedServer,
    cut,
    dripping,
    endless,
    refusal,
    reply,
    scripted_server,
)
from tests.kit.registry import RunningRegistry
from tests.kit.shop import digest_of, push, serve

_TAG = "/v2/app/manifests/1"


@pytest.fixture
def server(repaired: Path) -> Iterator[ScriptedServer]:
    """A registry that offers a sound image, until a test says otherwise."""
    with scripted_server() as running:
        serve(repaired, running)
        yield running


def test_it_is_sound_until_a_test_says_otherwise(desk: Desk, server: ScriptedServer) -> None:
    desk.type("scan", f"{server.repository}:1").ended(0)


def test_a_tag_that_does_not_exist(
    desk: Desk, repaired: Path, debian_registry: RunningRegistry
) -> None:
    reference = debian_registry.fresh()
    push(repaired, reference)

    with desk.nothing_changes():
        done = desk.type("run", f"{reference}:2.0", "-e", "prod")
    done.refused(1, f"the tag '2.0' of {reference}", "does not exist")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            refusal(401, "UNAUTHORIZED", **{"WWW-Authenticate": "Basic"}),
            ("wants a login", "try: docker login"),
        ),
        (refusal(429, "TOOMANYREQUESTS", Retry_After="3600"), ("429", "try again in 3600 s")),
        (refusal(500, "UNKNOWN"), ("500",)),
        (cut(b"{}" * 500, 20), ()),
    ],
    ids=["401", "429", "500", "cut"],
)
def test_a_registry_that_refuses_or_fails(
    desk: Desk, server: ScriptedServer, answer: Answer, words: tuple[str, ...]
) -> None:
    server.on("GET", _TAG, answer)

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(1, server.address, *words)


def test_a_layer_whose_connection_is_always_cut(
    desk: Desk, server: ScriptedServer, repaired_layer: Layer
) -> None:
    blob = f"/v2/app/blobs/{digest(repaired_layer.data)}"
    server.on("GET", blob, cut(repaired_layer.data, 1000, "application/octet-stream"))

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(1, server.address)
    assert len(server.asked("GET", blob)) > 1


@pytest.mark.parametrize("what", ["manifest", "layer"])
def test_a_server_that_drips(
    desk: Desk, server: ScriptedServer, repaired_layer: Layer, what: str
) -> None:
    slow = {
        "manifest": (_TAG, b" " * 1000),
        "layer": (f"/v2/app/blobs/{digest(repaired_layer.data)}", repaired_layer.data),
    }
    path, data = slow[what]
    server.on("GET", path, dripping(data, 0.1))

    began = time.monotonic()
    with desk.nothing_changes():
        done = desk.type(
            "run", f"{server.repository}:1", "-e", "prod", SUPPLYCHAIN_REGISTRY_TIMEOUT="1s"
        )
    done.refused(1, server.address)
    assert time.monotonic() - began < 40


def test_a_manifest_of_100_megabytes(desk: Desk, server: ScriptedServer) -> None:
    server.on("GET", _TAG, endless(100 * 1024 * 1024))

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(2, server.address, "4194304")


@pytest.mark.parametrize(
    ("body", "kind", "code", "words"),
    [
        (b"<html>Welcome!</html>", "text/html", 1, "check the registry's address"),
        (b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json", 2, "1.10"),
        (b'{"schemaVersion":2}', f"{OCI}.config.v1+json", 2, "neither an image manifest"),
        (b"{", f"{OCI}.manifest.v1+json", 2, "JSON"),
    ],
    ids=["html", "schema-1", "config", "broken"],
)
def test_a_manifest_of_the_wrong_type(
    desk: Desk, server: ScriptedServer, body: bytes, kind: str, code: int, words: str
) -> None:
    server.on("GET", _TAG, reply(200, body, kind=kind))

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(code, server.address, words)


def test_a_manifest_that_claims_to_hold_itself(desk: Desk, server: ScriptedServer) -> None:
    """No document can name its own digest; a registry can claim so, and is found out."""
    claimed = "sha256:" + 64 * "a"
    child = {"mediaType": f"{OCI}.index.v1+json", "digest": claimed, "size": 1}
    index = to_json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [child]})
    for name in ("1", claimed):
        server.on(
            "GET", f"/v2/app/manifests/{name}", reply(200, index, kind=f"{OCI}.index.v1+json")
        )

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(2, f"holds another index, {claimed}")
    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}@{claimed}", "-e", "prod")
    done.refused(1, f"expected {claimed}, got {digest(index)}")


def test_a_layer_that_is_another_than_the_one_named(
    desk: Desk, server: ScriptedServer, vulnerable_layer: Layer, repaired_layer: Layer
) -> None:
    name = digest(repaired_layer.data)
    server.on("GET", f"/v2/app/blobs/{name}", reply(200, vulnerable_layer.data))

    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(1, f"layer 1 of 1 ({name})")


def test_a_registry_that_takes_no_signature(
    desk: Desk, repaired: Path, server: ScriptedServer
) -> None:
    """Everything was found and nothing could be attached: then there is no record of it either."""
    with desk.nothing_changes():
        done = desk.type("run", f"{server.repository}:1", "-e", "prod")
    done.refused(1, server.address)
    assert any(asked.method == "POST" for asked in server.requests)
    assert json.loads(desk.type("images", "list", "-o", "json").stdout)["images"] == []
    assert digest_of(repaired) not in done.stdout


def test_a_registry_that_is_not_there(desk: Desk) -> None:
    with scripted_server() as gone:
        image = f"{gone.repository}:1"

    with desk.nothing_changes():
        done = desk.type("run", image, "-e", "prod")
    done.refused(1, f"nothing answers at {gone.address}", "try: check the port")
