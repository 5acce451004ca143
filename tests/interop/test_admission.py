"""What the policies of `docs/admission` refuse, beside what is not signed with their key."""

from __future__ import annotations

import pytest

from tests.interop import admission, matrix, tools
from tests.interop.conftest import Pushed
from tests.interop.matrix import ADMISSION, OURS, POLICY_CONTROLLER, REGISTRIES
from tests.interop.tools import Bench

everywhere = pytest.mark.parametrize("registry", REGISTRIES)
everyone = pytest.mark.parametrize("reader", ADMISSION)


@everyone
def test_there_is_a_policy_for_all_that_a_controller_is_asked(reader: str) -> None:
    assert tuple(admission.policies(reader)) == matrix.whats(reader)


@everywhere
@everyone
def test_an_image_without_a_signature_is_refused(
    reader: str, registry: str, pushed: Pushed, bench: Bench
) -> None:
    tools.program(reader)
    image = pushed(registry, f"unsigned {reader}")
    refusals = [bench.verify(reader, what, image) for what in matrix.whats(reader)]
    assert all(refusals), refusals


@everyone
def test_an_sbom_is_no_signature(reader: str, pushed: Pushed, bench: Bench) -> None:
    """The same key made both, and a bundle of the one looks like a bundle of the other."""
    tools.program(reader)
    image = pushed(REGISTRIES[1], f"unsigned but attested {reader}")
    bench.attest(OURS, "both", image, "cyclonedx")
    assert bench.verify(reader, "cyclonedx", image) == ""
    assert bench.verify(reader, "signature", image)


def test_policy_controller_takes_no_bundle_with_a_key(pushed: Pushed, bench: Bench) -> None:
    """Why its policies ask for the legacy form."""
    image = pushed(REGISTRIES[0], "bundle for policy-controller")
    bench.sign(OURS, "bundle", image)
    asked = bench.policy(POLICY_CONTROLLER, "signature", image)
    asked["spec"]["authorities"][0]["signatureFormat"] = "bundle"
    assert "the authority must be keyless" in bench.admit(POLICY_CONTROLLER, asked, image)
