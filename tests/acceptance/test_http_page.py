"""Every request on the page about HTTP, sent by curl to a server, answered as the page says."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from demo.images import Entry, pack_layer, pack_layout
from supplychain.signing import dsse
from supplychain.signing.statement import write
from tests.kit.keys import signer
from tests.kit.reference_docs import DOCS
from tests.kit.scans import SUBJECT
from tests.kit.serving import Served, listening

REVIEW = "https://example.com/review/v1"
_BLOCK = re.compile(
    r"^```sh\n(.*?)^```\n(?:\n```(?:json|text)\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE
)
_RULES = (
    "sbom: {}",
    "freshness: {scan: 24h, database: 48h}",
    f"attestation: {{type: {REVIEW}, keys: [../release.pub]}}\n    warn: true",
)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("served", [{"registry_allowed": "registry.test"}], indirect=True)
def test_every_request_of_the_page_is_answered_as_it_says(served: Served) -> None:
    folder = served.typist.folder
    (folder / "release.pub").write_bytes(signer().public_key.pem())
    served.typist.policy(*_RULES)
    served.typist.examined()
    statement = write(SUBJECT, REVIEW, b'{"by": "Ann"}')
    envelope = json.dumps(dsse.seal(statement, signer()).value())
    (folder / "review.bundle.json").write_text(envelope)
    (folder / "elsewhere.json").write_text(_elsewhere(folder / "elsewhere"))
    (folder / "shop.cdx.json").write_text('{"bomFormat": "CycloneDX"}')
    blocks = [
        found for found in _BLOCK.findall((DOCS / "http.md").read_text()) if "curl" in found[0]
    ]
    assert len(blocks) >= 10
    with listening(served.app) as url:
        environ = {
            "PATH": os.environ["PATH"],
            "SERVER": url,
            "TOKEN": served.client.headers["Authorization"].removeprefix("Bearer "),
            "DIGEST": str(SUBJECT.digest),
        }
        for command, shown in blocks:
            told = _sent(served, command, environ)
            if told.startswith("id: "):
                _require_shown(_events(shown), _events(told))
                continue
            document = json.loads(told)
            environ["RUN"] = document.get("id", "")
            if shown:
                _require_shown(json.loads(shown), document)
            else:
                assert "code" not in document, (command, document)


def _elsewhere(layout: Path) -> str:
    """An image that the service has never seen, as it is put on record."""
    manifest = pack_layout(layout, [pack_layer([Entry("shop", b"1")])])
    documents = [
        base64.b64encode(blob.read_bytes()).decode() for blob in layout.glob("blobs/sha256/*")
    ]
    return json.dumps(
        {"name": "registry.test/elsewhere", "digest": manifest, "documents": documents}
    )


def _sent(served: Served, command: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=served.typist.folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def _events(text: str) -> dict[str, Any]:
    """What is told of each event, by the names of its fields."""
    (block,) = text.strip().split("\n\n")
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return {**fields, "data": json.loads(fields["data"])}


def _require_shown(shown: dict[str, Any], told: dict[str, Any]) -> None:
    assert list(shown) == list(told)
    for name, value in shown.items():
        if isinstance(value, dict):
            _require_shown(value, told[name])
            continue
        pattern = re.escape(json.dumps(value)).replace(re.escape(json.dumps("…")[1:-1]), ".*")
        assert re.fullmatch(pattern, json.dumps(told[name])), (name, value, told[name])
