"""The programs as they are typed; `docs/interop.md` shows the same commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.interop import admission
from tests.interop.matrix import ADMISSION, COSIGN_2, COSIGN_3, OURS, POLICY_CONTROLLER
from tests.kit import go_tools
from tests.kit.cli import PROGRAM

PASSWORD = "correct horse"
_TIMEOUT = 120
# A key without a log needs none of what a trusted root holds, but cosign 2.6 wants the file.
TRUSTED_ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}\n'
_UNLOGGED = ("--tlog-upload=false", "--yes")
_UNSERVED = ("--use-signing-config=false",)
# How each cosign is asked for one form, when it signs.
SIGNING = {
    (COSIGN_3, "bundle"): (*_UNLOGGED, *_UNSERVED),
    (COSIGN_3, "legacy"): (*_UNLOGGED, *_UNSERVED, "--new-bundle-format=false"),
    (COSIGN_2, "bundle"): (*_UNLOGGED, "--new-bundle-format"),
    (COSIGN_2, "legacy"): _UNLOGGED,
}
_BUILT = {
    COSIGN_3: go_tools.COSIGN_3,
    COSIGN_2: go_tools.COSIGN_2,
    POLICY_CONTROLLER: go_tools.POLICY_CONTROLLER,
    **{reader: go_tools.KYVERNO for reader in ADMISSION if reader != POLICY_CONTROLLER},
}
FORMATS = {"bundle": "bundle", "legacy": "legacy", "both": "bundle,legacy"}


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder with a key, predicates and a home, from which everything is typed."""

    folder: Path

    @classmethod
    def furnished(cls, folder: Path) -> Bench:
        """A key pair of ours, another's public key, and what is attested."""
        bench = cls(folder)
        for name in ("release", "other"):
            bench.type(PROGRAM, "keys", "generate", "--output-key-prefix", name).check_returncode()
        (folder / "root.json").write_text(TRUSTED_ROOT)
        write_predicates(folder)
        return bench

    def sign(self, by: str, form: str, image: str) -> None:
        """Sign an image and attest an SBOM and a scan."""
        self._say(by, form, "sign", image)
        for kind in ("cyclonedx", "vuln"):
            self.attest(by, form, image, kind)

    def attest(self, by: str, form: str, image: str, kind: str) -> None:
        """Attest an SBOM or a scan."""
        self._say(by, form, "attest", image, "--type", kind, "--predicate", f"{kind}.json")

    def verify(self, reader: str, what: str, image: str, key: str = "release") -> str:
        """What a reader answers when it is asked for a signature or an attestation; "" for yes."""
        if reader in ADMISSION:
            return self.admit(reader, self.policy(reader, what, image, key), image)
        done = self.type(program(reader), *verifying(reader, what, image, f"{key}.pub"))
        return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def policy(self, reader: str, what: str, image: str, key: str = "release") -> dict[str, Any]:
        """A controller's policy for a key and for the registry of an image."""
        trusted = (self.folder / f"{key}.pub").read_text()
        return admission.policy(reader, what, trusted, image.partition("/")[0])

    def admit(self, reader: str, policy: Mapping[str, Any], image: str, **others: str) -> str:
        """What an admission controller answers; "" where it admits a pod with that image.

        Args:
            reader: The controller.
            policy: Its policy.
            image: The image of the pod's container.
            others: An image for each other kind of container in the pod.
        """
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(policy))
        (self.folder / "pod.yaml").write_text(yaml.safe_dump(admission.pod(image, **others)))
        done = self.type(program(reader), *admission.typed(reader, image))
        return admission.answer(reader, done)

    def type(self, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for it."""
        passwords = {"COSIGN_PASSWORD": PASSWORD, "SUPPLYCHAIN_KEY_PASSWORD": PASSWORD}
        return typed(self.folder, *command, **passwords | environ)

    def _say(self, by: str, form: str, *arguments: str) -> None:
        key = ("--key", "release.key")
        if by == OURS:
            formats = {"SUPPLYCHAIN_SIGNATURE_FORMATS": FORMATS[form]}
            done = self.type(PROGRAM, *arguments, *key, **formats)
        else:
            verb, image, *rest = arguments
            done = self.type(program(by), verb, *key, *SIGNING[by, form], *rest, image)
        assert done.returncode == 0, done.stderr


def typed(folder: Path, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Type a command in a folder, which is the home too, and wait for it."""
    home = {"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8"}
    return subprocess.run(
        command,
        cwd=folder,
        env=home | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )


def write_predicates(folder: Path) -> None:
    """What is attested: an SBOM and a scan."""
    (folder / "cyclonedx.json").write_text(
        '{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,'
        '"components":[{"type":"library","name":"a<b>&c","version":"1.0"}]}\n'
    )
    (folder / "vuln.json").write_text(
        '{"invocation":{"parameters":null,"uri":"","event_id":"","builder.id":""},'
        '"scanner":{"uri":"https://scanner.example","version":"1",'
        '"db":{"uri":"","version":""},"result":{"SchemaVersion":2}},'
        '"metadata":{"scanStartedOn":"2026-01-01T00:00:00Z",'
        '"scanFinishedOn":"2026-01-01T00:00:01Z"}}\n'
    )


def asking(what: str) -> tuple[str, ...]:
    """What cosign is typed to ask for a signature or an attestation."""
    return ("verify",) if what == "signature" else ("verify-attestation", "--type", what)


def stating(what: str) -> tuple[str, ...]:
    """What cosign, and we, are typed to make a signature or an attestation."""
    if what == "signature":
        return ("sign",)
    return "attest", "--type", what, "--predicate", f"{what}.json"


def program(name: str) -> Path:
    """The file of a program; skips the calling test where it is not there."""
    return PROGRAM if name == OURS else _BUILT[name].required()


def verifying(reader: str, what: str, image: str, key: str) -> list[str]:
    """What is typed after a reader's name to ask for a signature or an attestation."""
    if reader == OURS:
        kind = () if what == "signature" else ("--type", what)
        return ["verify", image, "--key", key, *kind]
    root = ("--trusted-root", "root.json") if reader == COSIGN_2 else ()
    return [*asking(what), "--key", key, "--insecure-ignore-tlog=true", *root, image]
