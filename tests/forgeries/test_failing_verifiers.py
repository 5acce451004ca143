"""A verifier that crashes, hangs or is ended has allowed nothing."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supplychain.model.artifact import OCI_INDEX
from supplychain.model.digest import Digest
from tests.kit.cli import Desk, until
from tests.kit.keys import signer
from tests.kit.misbehaving import dripping, manifest, reply, scripted_server, silence
from tests.kit.scene import NOW, Scene
from tests.kit.shop import digest_of, serve
from tests.kit.sigstore import Forge
from tests.kit.sigstore.keys import public_pem

# What a library of a verifier may do that no `except Exception` catches. The real one, in Rust,
# ends a bug of its own with the first.
CRASHES = {
    "a panic": "class Panic(BaseException): pass\nraise Panic('a bug of a library')",
    "an abort": "import os\nos.abort()",
    "an exit that says all is well": "raise SystemExit(0)",
    "an exit below everything": "import os\nos._exit(70)",
    "no memory": "raise MemoryError",
    "no end of recursion": "def f():\n    f()\nf()",
}


@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES.keys())
def test_a_verifier_that_crashes(bare_desk: Desk, scene: Scene, forge: Forge, crash: str) -> None:
    """A genuine signature, with a timestamp: the library that reads it crashes."""
    made = forge.attest(scene.statement, keyed=True, log=None, stamped_at=[NOW])
    scene.attach(made.bundle())
    (bare_desk.folder / "signer.pub").write_bytes(public_pem(made.key))
    (bare_desk.folder / "trusted_root.json").write_bytes(forge.trusted_root())
    environ = {"SUPPLYCHAIN_TRUSTED_ROOT": "trusted_root.json"}
    image = f"oci:{scene.layout.name}"
    bare_desk.type("verify", image, "--key", "signer.pub", **environ).ended(0)

    library = bare_desk.folder / "library"
    library.mkdir()
    (library / "rfc3161_client.py").write_text(crash + "\n")
    environ["PYTHONPATH"] = str(library)
    done = bare_desk.type("verify", image, "--key", "signer.pub", **environ)
    assert done.code != 0
    assert done.stdout == ""


@pytest.mark.parametrize("how", ["silence", "dripping"])
def test_a_verification_that_takes_for_ever(bare_desk: Desk, scene: Scene, how: str) -> None:
    (bare_desk.folder / "release.pub").write_bytes(signer().public_key.pem())
    bundle = scene.keyed()
    scene.attach(bundle)
    answer = silence if how == "silence" else dripping(bundle, 0.2)
    with scripted_server() as server:
        raw = scene.layout.manifest(scene.subject.digest).raw
        server.on("GET", f"/v2/app/manifests/{scene.subject.digest}", manifest(raw))
        [entry] = scene.layout.referrers(scene.subject.digest)
        listed = {"mediaType": entry.media_type, "digest": str(entry.digest), "size": entry.size}
        raw = scene.layout.manifest(entry.digest).raw
        server.on("GET", f"/v2/app/manifests/{entry.digest}", manifest(raw))
        index = json.dumps({"schemaVersion": 2, "manifests": [listed]}).encode()
        api = f"/v2/app/referrers/{scene.subject.digest}"
        server.on("GET", api, reply(200, index, kind=OCI_INDEX))
        server.on("GET", f"/v2/app/blobs/{Digest.of(bundle)}", answer)
        image = f"{server.repository}@{scene.subject.digest}"
        began = time.monotonic()
        done = bare_desk.type(
            "verify", image, "--key", "release.pub", SUPPLYCHAIN_REGISTRY_TIMEOUT="1s"
        )
    done.refused(1, server.address)
    assert time.monotonic() - began < 60


def test_a_run_that_is_killed_while_it_verifies(desk: Desk, repaired: Path) -> None:
    """It has scanned and signed; what it was about to read back, nobody has verified."""
    bundles = f"/v2/app/referrers/{digest_of(repaired)}"
    with scripted_server() as server:
        serve(repaired, server)
        server.on("GET", bundles, silence)
        image = f"{server.repository}:1"
        before = desk.rows()
        with desk.typing("run", image, "-e", "prod", "--no-sign") as process:
            until(lambda: server.asked("GET", bundles))
            process.send_signal(signal.SIGKILL)
            assert process.wait(20) == -signal.SIGKILL
    # That somebody works on it is all that is left, and makes the gate wait for a minute.
    assert desk.rows() == before
    desk.type("gate", digest_of(repaired), "-e", "prod").ended(11)
    soon = datetime.now(UTC) + timedelta(seconds=61)
    desk.type("gate", digest_of(repaired), "-e", "prod", "--at", soon.isoformat()).ended(10)
