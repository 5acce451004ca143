"""A client that others' tools make of our description: it is whole, fits its types, and works."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kit.failings import in_order
from tests.kit.generator import generator
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, listening

_PROGRAM = """
import sys
from made import AuthenticatedClient
from made.api.evidence import list_evidence, show_evidence
from made.api.gates import decide
from made.api.waivers import show_waiver
from made.models import DecideRequest, DecisionResponse, EvidenceDocuments, Problem
from made.types import File

url, token, image = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token) as client:
    told = decide.sync("prod", client=client, body=DecideRequest(image=image))
    assert isinstance(told, DecisionResponse), told
    print(told.decision, told.image)
    digest = image.rpartition("@")[2]
    held = list_evidence.sync(digest, client=client)
    assert isinstance(held, EvidenceDocuments), held
    first = held.documents[0]
    found = show_evidence.sync(digest, first.digest, client=client)
    assert isinstance(found, File), found
    print(len(found.payload.read()) == first.size, first.verified_by)
    missing = show_waiver.sync("WV-9", client=client)
    assert isinstance(missing, Problem), missing
    print(missing.status, missing.code)
    strangers = AuthenticatedClient(base_url=url, token="sct_nobodys")
    refused = decide.sync("prod", client=strangers, body=DecideRequest(image=image))
    assert isinstance(refused, Problem), refused
    print(refused.status, refused.code)
"""


def _typed(programs: Path, folder: Path, command: Sequence[str | Path]) -> str:
    done = subprocess.run(
        [programs / command[0], *command[1:]],
        cwd=folder,
        env={"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.timeout(900)
def test_a_generated_client_is_whole_and_asks_the_gate(served: Served, tmp_path: Path) -> None:
    programs = generator()
    (tmp_path / "openapi.json").write_text(json.dumps(served.get("/v1/openapi.json").json()))
    generate = ("openapi-python-client", "generate", "--path", "openapi.json", "--meta", "none")
    said = _typed(programs, tmp_path, [*generate, "--output-path", "made"])
    assert "WARNING" not in said, said
    assert "Unable" not in said, said
    (tmp_path / "ask.py").write_text(_PROGRAM)
    _typed(programs, tmp_path, ["python", "-m", "compileall", "-q", "made"])
    # The generator's own frame is not strict with itself; whoever uses it can be.
    _typed(programs, tmp_path, ["mypy", "--strict", "--follow-imports=silent", "ask.py"])
    in_order(served.typist)
    token = served.client.headers["Authorization"].removeprefix("Bearer ")
    with listening(served.app) as url:
        told = _typed(programs, tmp_path, ["python", "ask.py", url, token, str(SUBJECT)])
    assert told.splitlines() == [
        f"allow {SUBJECT}", "True first-hand", "404 not_found", "401 unauthenticated",
    ]  # fmt: skip
