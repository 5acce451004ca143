"""The programs as they are typed without a key; `docs/interop.md` shows the same commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.interop import admission, tools
from tests.interop.matrix import ADMISSION, COSIGN_2, COSIGN_3, OURS, POLICY_CONTROLLER
from tests.kit.sigstore.oidc import DEVELOPER
from tests.kit.sigstore.private import PrivateSigstore
from tests.kit.sigstore.tuf_repository import TufRepository

_ROOT = ("--trusted-root", "root.json")
_TOKEN = ("--identity-token", "token")
_SERVICES = ("--signing-config", "services.json")
# Where the older form is made, cosign is told of each service by itself.
_EACH = ("--fulcio-url", "--rekor-url")
# How each is asked for one form, when it signs.
SIGNING: Mapping[tuple[str, str], tuple[str, ...]] = {
    (OURS, "bundle"): ("--keyless", *_TOKEN, *_ROOT, *_SERVICES),
    (COSIGN_3, "bundle"): (*_TOKEN, *_ROOT, *_SERVICES, "--yes"),
    (COSIGN_3, "legacy"): (
        *(*_TOKEN, *_ROOT, "--yes"),
        *("--use-signing-config=false", "--new-bundle-format=false", *_EACH),
    ),
    (COSIGN_2, "bundle"): (*_TOKEN, *_ROOT, *_SERVICES, "--yes", "--new-bundle-format"),
    (COSIGN_2, "legacy"): (*_TOKEN, "--yes", *_EACH),
}
# How each is told whom to trust, beside whose signature it has to be.
READING: Mapping[tuple[str, str], tuple[str, ...]] = {
    (OURS, "bundle"): _ROOT,
    (OURS, "legacy"): _ROOT,
    (COSIGN_3, "bundle"): _ROOT,
    (COSIGN_3, "legacy"): (*_ROOT, "--new-bundle-format=false"),
    (COSIGN_2, "bundle"): (*_ROOT, "--new-bundle-format", "--use-signed-timestamps"),
    (COSIGN_2, "legacy"): (),
}
# How cosign 2.6 is told of it in the older form.
OLDER_TRUST: Mapping[str, str] = {
    "SIGSTORE_ROOT_FILE": "fulcio.pem",
    "SIGSTORE_REKOR_PUBLIC_KEY": "rekor.pub",
    "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": "ctlog.pub",
}


@dataclass(frozen=True, slots=True)
class Who:
    """Whose signature it has to be."""

    identity: str
    issuer: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The words for it, which all have in common."""
        names = ("--certificate-identity", self.identity)
        return *names, "--certificate-oidc-issuer", self.issuer


@dataclass(frozen=True, slots=True)
class Office:
    """A folder with the documents of a Sigstore, from which one form is made and read.

    Attributes:
        folder: The folder.
        sigstore: Who vouches.
        form: `bundle` or `legacy`.
        updates: Where its trusted root is fetched by who wants to fetch it.
    """

    folder: Path
    sigstore: PrivateSigstore
    form: str
    updates: TufRepository

    @classmethod
    def furnished(
        cls, folder: Path, sigstore: PrivateSigstore, form: str, updates: TufRepository
    ) -> Office:
        """What is attested, and whom to ask and to trust."""
        tools.write_predicates(folder)
        shutil.copy(sigstore.trusted_root, folder / "root.json")
        shutil.copy(sigstore.signing_config, folder / "services.json")
        _write_older_trust(folder, json.loads(sigstore.trusted_root.read_bytes()))
        return cls(folder, sigstore, form, updates)

    @property
    def signer(self) -> Who:
        """Who signs here."""
        return Who(DEVELOPER, self.sigstore.issuer)

    def sign(self, by: str, form: str, image: str) -> None:
        """Sign an image and attest an SBOM and a scan."""
        for what in ("signature", "cyclonedx", "vuln"):
            done = self.state(by, form, what, image)
            assert done.returncode == 0, done.stderr

    def state(self, by: str, form: str, what: str, image: str) -> subprocess.CompletedProcess[str]:
        """Have a signature or an attestation made in a form, or forms."""
        (self.folder / "token").write_text(self.sigstore.token())
        verb, *rest = tools.stating(what)
        if by == OURS:
            formats = {"SUPPLYCHAIN_SIGNATURE_FORMATS": tools.FORMATS[form]}
            command = (verb, image, *rest, *SIGNING[by, "bundle"])
            return tools.typed(self.folder, tools.program(by), *command, **formats)
        told = map(self._with_address, SIGNING[by, form])
        return self._ask_cosign(by, verb, *told, *rest, image)

    def verify(self, reader: str, what: str, image: str, who: Who | None = None) -> str:
        """What a reader answers when it is asked for a signature or an attestation; "" for yes."""
        who = who or self.signer
        if reader in ADMISSION:
            root = json.loads((self.folder / "root.json").read_bytes())
            return self.admit(reader, what, image, who, root)
        flags = (*who.flags, *READING[reader, self.form])
        if reader == OURS:
            kind = () if what == "signature" else ("--type", what)
            command = (tools.program(reader), "verify", image, *flags, *kind)
            done = tools.typed(self.folder, *command)
        else:
            done = self._ask_cosign(reader, *tools.asking(what), *flags, image)
        return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"

    def admit(self, reader: str, what: str, image: str, who: Who, root: dict[str, Any]) -> str:
        """What a controller answers that trusts this root; "" where it admits the image."""
        place = image.partition("/")[0]
        asked = admission.typed(reader, image)
        if reader == POLICY_CONTROLLER:
            of_a_key = admission.policy(reader, what, "", place)
            policy = admission.as_identity(of_a_key, who.identity, who.issuer)
            asked += ["-trustroot", "trust.yaml"]
        else:
            named = (who.identity, who.issuer)
            policy = admission.keyless_policy(what, *named, self.updates, place)
        documents = {
            "policy.yaml": policy,
            "pod.yaml": admission.pod(image),
            "trust.yaml": admission.trust_root(root),
        }
        for name, document in documents.items():
            (self.folder / name).write_text(yaml.safe_dump(document))
        done = tools.typed(self.folder, tools.program(reader), *asked)
        return admission.answer(reader, done)

    def _ask_cosign(self, version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = OLDER_TRUST if (version, self.form) == (COSIGN_2, "legacy") else {}
        return tools.typed(self.folder, tools.program(version), *arguments, **environ)

    def _with_address(self, flag: str) -> str:
        services = {"--fulcio-url": self.sigstore.fulcio, "--rekor-url": self.sigstore.rekor}
        return f"{flag}={services[flag]}" if flag in services else flag


def _write_older_trust(folder: Path, root: dict[str, Any]) -> None:
    """What a trusted root says of its authority and of its first logs, as PEM."""
    chain = root["certificateAuthorities"][0]["certChain"]["certificates"]
    held = {
        "SIGSTORE_ROOT_FILE": [("CERTIFICATE", one) for one in chain],
        "SIGSTORE_REKOR_PUBLIC_KEY": [("PUBLIC KEY", root["tlogs"][0]["publicKey"])],
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": [("PUBLIC KEY", root["ctlogs"][0]["publicKey"])],
    }
    for name, blocks in held.items():
        armoured = [admission.armoured(label, str(one["rawBytes"])) for label, one in blocks]
        (folder / OLDER_TRUST[name]).write_text("".join(armoured))
