"""What the policies of `docs/admission` refuse, beside what is not signed with their key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from supplychain.images.reference import Reference
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.model.artifact import OCI_MANIFEST
from tests.interop import admission, matrix, tools
from tests.interop.conftest import Pushed, Signed
from tests.interop.matrix import (
    ADMISSION,
    KYVERNO,
    KYVERNO_BUNDLE,
    KYVERNO_IMAGE,
    OURS,
    POLICY_CONTROLLER,
    REGISTRIES,
)
from tests.interop.tools import Bench
from tests.kit.cli import PROGRAM
from tests.kit.sigstore.oidc import DEVELOPER
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.tuf_repository import TufRepository, tuf_repository

everywhere = pytest.mark.parametrize("registry", REGISTRIES)
everyone = pytest.mark.parametrize("reader", ADMISSION)


@everyone
def test_there_is_a_policy_for_all_that_a_controller_is_asked(reader: str) -> None:
    assert tuple(admission.policies(admission.FILES[reader])) == matrix.whats(reader)


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


@pytest.mark.parametrize("reader", [KYVERNO_BUNDLE, KYVERNO_IMAGE])
def test_kyverno_has_to_be_asked_for_a_signature_by_its_type(
    reader: str, pushed: Pushed, bench: Bench
) -> None:
    """Why the policies do: asked as its own examples do, it takes an SBOM for a signature."""
    tools.program(reader)
    image = pushed(REGISTRIES[1], f"attested, asked without a type {reader}")
    bench.attest(OURS, "bundle", image, "cyclonedx")
    asked = _untyped(bench.policy(reader, "signature", image))
    assert bench.admit(reader, asked, image) == ""


@pytest.mark.parametrize("kind", ["initContainers", "ephemeralContainers"])
@pytest.mark.parametrize("reader", KYVERNO)
def test_every_container_of_a_pod_is_looked_at(
    reader: str, kind: str, signed: Signed, pushed: Pushed, bench: Bench
) -> None:
    tools.program(reader)
    image = signed(OURS, "both", REGISTRIES[1])
    for what in matrix.whats(reader):
        policy = bench.policy(reader, what, image)
        assert bench.admit(reader, policy, image, **{kind: image}) == ""
        beside = pushed(REGISTRIES[1], f"unsigned {kind} {reader}")
        assert bench.admit(reader, policy, image, **{kind: beside})


@pytest.fixture(scope="module")
def updates(private_sigstore: PrivateSigstore) -> Iterator[TufRepository]:
    """Where the private Sigstore's trusted root is fetched."""
    with tuf_repository(private_sigstore.trusted_root.read_bytes()) as repository:
        yield repository


@everywhere
def test_kyverno_admits_what_an_identity_signed_and_no_other(
    registry: str,
    private_sigstore: PrivateSigstore,
    updates: TufRepository,
    pushed: Pushed,
    bench: Bench,
) -> None:
    tools.program(KYVERNO_IMAGE)
    image = pushed(registry, "signed by an identity")
    for what in matrix.whats(KYVERNO_IMAGE):
        (bench.folder / "token").write_text(private_sigstore.token())
        stated = () if what == "signature" else ("--type", what, "--predicate", f"{what}.json")
        verb = "sign" if what == "signature" else "attest"
        done = bench.type(PROGRAM, verb, image, *stated, *_keyless(private_sigstore))
        assert done.returncode == 0, done.stderr

    def ask(what: str, identity: str, issuer: str) -> str:
        place = image.partition("/")[0]
        policy = admission.keyless_policy(what, identity, issuer, updates, place)
        return bench.admit(KYVERNO_IMAGE, policy, image)

    for what in matrix.whats(KYVERNO_IMAGE):
        assert ask(what, DEVELOPER, private_sigstore.issuer) == ""
        assert "by the release workflow" in ask(what, f"x{DEVELOPER}", private_sigstore.issuer)
        assert "by the release workflow" in ask(what, DEVELOPER, private_sigstore.workflow_issuer)


@pytest.mark.parametrize("reader", KYVERNO)
def test_only_sigstore_bundle_is_stopped_by_a_51st_attached_manifest(
    reader: str, pushed: Pushed, bench: Bench
) -> None:
    tools.program(reader)
    image = pushed(REGISTRIES[0], f"crowded {reader}")
    bench.attest(OURS, "both", image, "cyclonedx")
    _attach_notes(image, 49)
    assert bench.verify(reader, "cyclonedx", image) == ""
    _attach_notes(image, 50)
    answer = bench.verify(reader, "cyclonedx", image)
    assert ("too many referrers found, max limit is 50" in answer) == (reader == KYVERNO_BUNDLE)
    assert (answer == "") == (reader != KYVERNO_BUNDLE)


def test_policy_controller_takes_no_bundle_with_a_key(pushed: Pushed, bench: Bench) -> None:
    """Why its policies ask for the legacy form."""
    image = pushed(REGISTRIES[0], "bundle for policy-controller")
    bench.sign(OURS, "bundle", image)
    asked = bench.policy(POLICY_CONTROLLER, "signature", image)
    asked["spec"]["authorities"][0]["signatureFormat"] = "bundle"
    assert "the authority must be keyless" in bench.admit(POLICY_CONTROLLER, asked, image)


def _keyless(sigstore: PrivateSigstore) -> tuple[str, ...]:
    """The options that sign as an identity."""
    trusted = ("--trusted-root", str(sigstore.trusted_root))
    services = ("--signing-config", str(sigstore.signing_config))
    return ("--keyless", "--identity-token", "token", *trusted, *services)


def _untyped(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy of Kyverno's that asks for a signature as such, of whatever type."""
    spec = policy["spec"]
    if "rules" in spec:
        [rule] = spec["rules"][0]["verifyImages"]
        rule["attestors"] = rule.pop("attestations")[0]["attestors"]
    else:
        del spec["attestations"]
        verify = (
            "images.containers.all(image, verifyImageSignatures(image, [attestors.release]) > 0)"
        )
        spec["validations"] = [{"expression": verify}]
    return policy


def _attach_notes(image: str, count: int) -> None:
    """Have so many small manifests lie beside an image, whatever else does."""
    reference = Reference.parse(image)
    registry = RegistryRepository(reference, RegistryOptions())
    assert reference.digest is not None
    subject = registry.manifest(reference.digest)
    nothing = {
        "digest": str(registry.put_blob(b"{}")),
        "size": 2,
        "mediaType": "application/vnd.oci.empty.v1+json",
    }
    notes = [
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "artifactType": "application/vnd.example.note",
                "config": nothing,
                "layers": [nothing],
                "subject": {
                    "mediaType": subject.media_type,
                    "digest": str(subject.digest),
                    "size": len(subject.raw),
                },
                "annotations": {"note": str(number)},
            }
        ).encode()
        for number in range(count)
    ]
    registry.attach_all(notes, OCI_MANIFEST, subject=subject.digest)
