"""The admission controllers, asked with the policies that `docs/admission` offers for copying."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from subprocess import CompletedProcess
from typing import Any

import yaml

from tests.interop.matrix import (
    KYVERNO_BUNDLE,
    KYVERNO_COSIGN,
    KYVERNO_IMAGE,
    POLICY_CONTROLLER,
)
from tests.kit.prose import REPOSITORY
from tests.kit.sigstore.tuf_repository import TufRepository

FOLDER = REPOSITORY / "docs" / "admission"
FILES = {
    POLICY_CONTROLLER: "policy-controller.yaml",
    KYVERNO_COSIGN: "kyverno-cosign.yaml",
    KYVERNO_BUNDLE: "kyverno-sigstore-bundle.yaml",
    KYVERNO_IMAGE: "kyverno-image-validating-policy.yaml",
}
KEYLESS = "kyverno-image-validating-policy-keyless.yaml"
# Kyverno's program ends with 0 too where a policy matched nothing.
_PASSED = re.compile(r"pass: [1-9]\d*, fail: 0, warn: 0, error: 0, skip: 0")
# What a user replaces by what is theirs.
KEY = "-----BEGIN PUBLIC KEY-----\n(what release.pub holds)\n-----END PUBLIC KEY-----\n"
REGISTRY = "registry.example"
IDENTITY = "https://git.example/acme/shop/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://issuer.example"
TUF, TUF_ROOT = "https://tuf.example", "(what its root.json holds, in base64)"
TRUST_ROOT = "private"


@cache
def policies(file: str) -> dict[str, Any]:
    """The policies that a file offers, by what they ask for."""
    documents = yaml.safe_load_all((FOLDER / file).read_text("utf-8"))
    return {found["metadata"]["name"].removeprefix("supplychain-"): found for found in documents}


def policy(reader: str, what: str, key: str, registry: str) -> dict[str, Any]:
    """The policy that asks for a signature or an attestation, with a user's key and registry."""
    return _adapted(FILES[reader], what, {KEY: key, REGISTRY: registry})


def keyless_policy(
    what: str, identity: str, issuer: str, tuf: TufRepository, registry: str
) -> dict[str, Any]:
    """Kyverno's that asks for what an identity signed, by a private Sigstore's trusted root."""
    root = base64.b64encode(tuf.root).decode()
    theirs = {IDENTITY: identity, ISSUER: issuer, TUF: tuf.address, TUF_ROOT: root}
    return _adapted(KEYLESS, what, {**theirs, REGISTRY: registry})


def as_identity(policy: dict[str, Any], identity: str, issuer: str) -> dict[str, Any]:
    """A policy of policy-controller's for a key, made to ask for an identity by `trust_root`."""
    [authority] = policy["spec"]["authorities"]
    trusted = {"trustRootRef": TRUST_ROOT}
    who = [{"subject": identity, "issuer": issuer}]
    keyless = {"keyless": {**trusted, "identities": who}, "signatureFormat": "bundle"}
    clocks = {"ctlog": trusted, "rfc3161timestamp": trusted}
    others = {name: value for name, value in authority.items() if name != "key"}
    return {**policy, "spec": {**policy["spec"], "authorities": [others | keyless | clocks]}}


def trust_root(root: dict[str, Any]) -> dict[str, Any]:
    """Policy-controller's document for what a Sigstore's trusted root holds."""
    authorities = {
        name: [
            {
                "subject": one["subject"],
                "uri": one["uri"],
                "certChain": _encoded("CERTIFICATE", one["certChain"]["certificates"]),
            }
            for one in root[name]
        ]
        for name in ("certificateAuthorities", "timestampAuthorities")
    }
    logs = {
        name: [
            {
                "baseURL": one["baseUrl"],
                "hashAlgorithm": "sha-256",
                "publicKey": _encoded("PUBLIC KEY", [one["publicKey"]]),
            }
            for one in root[name.lower()]
        ]
        for name in ("tLogs", "ctLogs")
    }
    return {
        "apiVersion": "policy.sigstore.dev/v1alpha1",
        "kind": "TrustRoot",
        "metadata": {"name": TRUST_ROOT},
        "spec": {"sigstoreKeys": authorities | logs},
    }


def pod(image: str, **others: str) -> dict[str, Any]:
    """A pod with one container, and one of each other kind that is named."""
    kinds = {"containers": image, **others}
    spec = {kind: [{"name": kind.lower(), "image": name}] for kind, name in kinds.items()}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, "spec": spec}


def typed(reader: str, image: str) -> list[str]:
    """What is typed after a controller's name, where `policy.yaml` and `pod.yaml` lie."""
    if reader == POLICY_CONTROLLER:
        return ["-policy", "policy.yaml", "-image", image]
    return ["apply", "policy.yaml", "--resource", "pod.yaml", "--registry", "--detailed-results"]


def answer(reader: str, done: CompletedProcess[str]) -> str:
    """What a controller said; "" where it admits the image, having looked at it."""
    said = f"{done.stdout}{done.stderr}"
    looked = reader == POLICY_CONTROLLER or _PASSED.search(said)
    return "" if done.returncode == 0 and looked else f"exit code {done.returncode}: {said}"


def _adapted(file: str, what: str, theirs: dict[str, str]) -> dict[str, Any]:
    adapted: dict[str, Any] = _replaced(policies(file)[what], theirs)
    return adapted


def _encoded(label: str, holders: Iterable[dict[str, Any]]) -> str:
    return base64.b64encode(
        "".join(armoured(label, one["rawBytes"]) for one in holders).encode()
    ).decode()


def armoured(label: str, data: str) -> str:
    """Base64 as PEM."""
    lines = "\n".join(textwrap.wrap(data, 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _replaced(node: Any, theirs: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {name: _replaced(value, theirs) for name, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, theirs) for value in node]
    if isinstance(node, str):
        for mine, other in theirs.items():
            node = node.replace(mine, other)
    return node
