"""From what source provenance says that something was built, as each builder writes it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.signing.build_sources import BuildSource, source_of

DATA = Path(__file__).parents[2] / "data" / "sigstore"
COMMIT = "ab" * 20
SHOP = "https://github.com/acme/shop"


def v1(parameters: dict[str, Any], *dependencies: dict[str, Any]) -> dict[str, Any]:
    return {
        "buildDefinition": {
            "externalParameters": parameters,
            "resolvedDependencies": list(dependencies),
        }
    }


def git(uri: str, name: str = "gitCommit") -> dict[str, Any]:
    return {"uri": uri, "digest": {name: COMMIT}}


WRITTEN = {
    "GitHub": (
        v1(
            {"workflow": {"repository": SHOP, "ref": "refs/heads/main", "path": "x.yml"}},
            git(f"git+{SHOP}@refs/heads/main"),
        ),
        BuildSource(SHOP, "refs/heads/main", COMMIT),
    ),
    "GitLab": (
        v1({"source": "https://gitlab.example/acme/shop"}, git("https://gitlab.example/acme/shop")),
        BuildSource("https://gitlab.example/acme/shop", "", COMMIT),
    ),
    "BuildKit": (
        v1(
            {"configSource": {"uri": f"{SHOP}.git#refs/tags/v1", "digest": {"sha1": COMMIT}}},
            {"uri": "pkg:docker/debian@12", "digest": {"sha256": "00" * 32}},
        ),
        BuildSource(SHOP, "refs/tags/v1", COMMIT),
    ),
    "Tekton": (v1({}, git(f"git+{SHOP}.git", "sha1")), BuildSource(SHOP, "", COMMIT)),
    "the older form": (
        {
            "invocation": {
                "configSource": {
                    "uri": f"git+{SHOP}@refs/heads/main",
                    "digest": {"sha1": COMMIT.upper()},
                }
            },
            "materials": [git(f"git+{SHOP}@refs/heads/main", "sha1")],
        },
        BuildSource(SHOP, "refs/heads/main", COMMIT),
    ),
    "two sources": (v1({}, git(f"git+{SHOP}"), git("git+https://x.example/y")), BuildSource()),
    "two commits": (
        v1({"source": SHOP}, git(SHOP), {"uri": SHOP, "digest": {"sha1": "cd" * 20}}),
        BuildSource(SHOP),
    ),
    "no address": (v1({"source": "file:///shop"}), BuildSource()),
    "a password in it": (
        v1({"source": "https://user@github.com/acme/shop"}),
        BuildSource("https://user@github.com/acme/shop"),
    ),
    "nothing": ({}, BuildSource()),
    "other shapes": (
        {"buildDefinition": {"externalParameters": [], "resolvedDependencies": {"a": 1}}},
        BuildSource(),
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_found_where_each_builder_writes_it(name: str) -> None:
    predicate, source = WRITTEN[name]
    assert source_of(predicate) == source


def test_it_is_found_in_what_github_really_wrote() -> None:
    bundle = json.loads((DATA / "sigstore-js-2.0.0-provenance.sigstore.json").read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    assert source_of(statement["predicate"]) == BuildSource(
        "https://github.com/sigstore/sigstore-js",
        "refs/heads/main",
        "f0b49a04e5a62250e0f60fb128004a73110fe311",
    )


WORDS = (
    *("buildDefinition", "externalParameters", "workflow", "source", "uri", "digest"),
    *("configSource", "resolvedDependencies", "invocation", "materials", "repository"),
)
_json = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
        )
    ),
)


@given(st.dictionaries(st.sampled_from(["buildDefinition", "invocation", "materials"]), _json))
def test_whatever_is_written_raises_nothing(predicate: dict[str, Any]) -> None:
    source_of(predicate)
