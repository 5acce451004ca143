"""What a key signs in public: cosign verifies it with the log that it demands by itself."""

from __future__ import annotations

import pytest

from tests.interop import tools
from tests.interop.conftest import Pushed
from tests.interop.matrix import COSIGN_3, REGISTRIES
from tests.interop.tools import Bench
from tests.kit.cli import PROGRAM
from tests.kit.sigstore.private import PrivateSigstore


@pytest.mark.parametrize("registry", REGISTRIES)
def test_cosign_needs_no_leave_to_ignore_the_log(
    registry: str, pushed: Pushed, bench: Bench, private_sigstore: PrivateSigstore
) -> None:
    cosign, image = tools.program(COSIGN_3), pushed(registry, "logged")
    root = ("--trusted-root", str(private_sigstore.trusted_root))
    services = (*root, "--signing-config", str(private_sigstore.signing_config))
    stated = ("--attest", "cyclonedx=cyclonedx.json")
    signed = bench.type(
        *(PROGRAM, "sign", image, "--key", "release.key", "--logged", *services, *stated)
    )
    assert signed.returncode == 0, signed.stderr

    verify = (cosign, "verify", *root, image, "--key")
    attested = (cosign, "verify-attestation", *root, image, "--type", "cyclonedx", "--key")
    for command in (verify, attested):
        done = bench.type(*command, "release.pub")
        assert done.returncode == 0, done.stderr
        assert bench.type(*command, "other.pub").returncode != 0
    # As a bundle that no log holds it would be refused.
    unlogged = pushed(registry, "unlogged")
    bench.type(PROGRAM, "sign", unlogged, "--key", "release.key").check_returncode()
    assert bench.type(cosign, "verify", *root, unlogged, "--key", "release.pub").returncode != 0
