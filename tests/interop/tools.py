"""The programs as they are typed; `docs/interop.md` shows the same commands."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop.matrix import COSIGN_2, COSIGN_3, OURS
from tests.kit.cli import PROGRAM
from tests.kit.go_tools import COSIGN_2 as BUILT_2
from tests.kit.go_tools import COSIGN_3 as BUILT_3

PASSWORD = "correct horse"
_TIMEOUT = 60
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
_FORMATS = {"bundle": "bundle", "legacy": "legacy", "both": "bundle,legacy"}


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
        return bench

    def sign(self, by: str, form: str, image: str) -> None:
        """Sign an image and attest an SBOM and a scan."""
        self._say(by, form, "sign", image)
        for kind in ("cyclonedx", "vuln"):
            self._say(by, form, "attest", image, "--type", kind, "--predicate", f"{kind}.json")

    def verify(self, reader: str, what: str, image: str, key: str = "release") -> str:
        """What a reader answers when it is asked for a signature or an attestation; "" for yes."""
        done = self.type(program(reader), *verifying(reader, what, image, f"{key}.pub"))
        return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def type(self, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for it."""
        home = {"HOME": str(self.folder), "PATH": os.defpath, "LANG": "C.UTF-8"}
        passwords = {"COSIGN_PASSWORD": PASSWORD, "SUPPLYCHAIN_KEY_PASSWORD": PASSWORD}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=home | passwords | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )

    def _say(self, by: str, form: str, *arguments: str) -> None:
        key = ("--key", "release.key")
        if by == OURS:
            formats = {"SUPPLYCHAIN_SIGNATURE_FORMATS": _FORMATS[form]}
            done = self.type(PROGRAM, *arguments, *key, **formats)
        else:
            verb, image, *rest = arguments
            done = self.type(program(by), verb, *key, *SIGNING[by, form], *rest, image)
        assert done.returncode == 0, done.stderr


def program(name: str) -> Path:
    """The file of a program; skips the calling test where it is not there."""
    return {OURS: lambda: PROGRAM, COSIGN_3: BUILT_3.required, COSIGN_2: BUILT_2.required}[name]()


def verifying(reader: str, what: str, image: str, key: str) -> list[str]:
    """What is typed after a reader's name to ask for a signature or an attestation."""
    if reader == OURS:
        kind = () if what == "signature" else ("--type", what)
        return ["verify", image, "--key", key, *kind]
    verb = ("verify",) if what == "signature" else ("verify-attestation", "--type", what)
    root = ("--trusted-root", "root.json") if reader == COSIGN_2 else ()
    return [*verb, "--key", key, "--insecure-ignore-tlog=true", *root, image]
