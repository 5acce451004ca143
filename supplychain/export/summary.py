"""A decision as a SLSA verification summary (VSA): for whoever trusts us and asks no further."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC

from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import Producer
from supplychain.sbom.purls import image_purl

# Policies have no address of their own: they are known by their environment and their digest.
_POLICY = "pkg:generic/supplychain#policy"
_SLSA = "1.1"


def render(decision: Decision, *, verifier: str, product: Producer) -> bytes:
    """The predicate (SLSA, "Verification Summary Attestation", v1).

    Whatever is no allow has failed. No level of SLSA's build track is claimed, for the gate does
    not look at how an image was built.

    Args:
        decision: The decision.
        verifier: Who decided: a URI.
        product: This program.
    """
    passed = decision.verdict is Verdict.ALLOW
    policy: dict[str, object] = {"uri": f"{_POLICY}/{decision.environment}"}
    if decision.policy is not None:
        policy["digest"] = _digest_set(decision.policy)
    predicate = {
        "verifier": {"id": verifier, "version": {product.name: product.version}},
        "timeVerified": decision.decided_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "resourceUri": image_purl(decision.subject),
        "policy": policy,
        "inputAttestations": [
            {"name": name, "digest": _digest_set(digest)} for name, digest in _inputs(decision)
        ],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED" if passed else "FAILED"],
        "slsaVersion": _SLSA,
    }
    return json.dumps(predicate, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _inputs(decision: Decision) -> Iterator[tuple[str, Digest]]:
    """The evidence; and behind it everything that was judged as one document, for a replay."""
    yield from ((str(one.kind), one.digest) for one in decision.evidence)
    if decision.inputs is not None:
        yield "inputs", decision.inputs


def _digest_set(digest: Digest) -> dict[str, str]:
    return {digest.algorithm: digest.hex}
