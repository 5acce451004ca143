"""A token in software: Debian's SoftHSM, with a key pair on it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.kit.debian import unpacked

PIN = "1234567"
_GENERATE = """
import sys
import pkcs11
from pkcs11 import Attribute, KeyType
from pkcs11.util.ec import encode_named_curve_parameters

module, label, pin, key, curve = sys.argv[1:]
with pkcs11.lib(module).get_token(token_label=label).open(rw=True, user_pin=pin) as session:
    parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
    domain = session.create_domain_parameters(KeyType.EC, parameters, local=True)
    domain.generate_keypair(store=True, label=key)
"""


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """A token.

    Attributes:
        module: The library that speaks to it.
        token: Its label.
    """

    module: Path
    token: str

    def new_key(self, curve: str = "secp256r1") -> str:
        """The label of a new key pair."""
        label = f"key {uuid.uuid4().hex[:12]}"
        # In a process of its own: a login counts for a whole process, and so does a logout.
        subprocess.run(
            [sys.executable, "-c", _GENERATE, self.module, self.token, PIN, label, curve],
            check=True,
            timeout=60,
        )
        return label

    def reference(self, label: str) -> str:
        """A reference to a key by its label, as RFC 7512 writes it."""
        return f"pkcs11:token={self.token};object={quote(label)}?module-path={self.module}"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """A new token of this test run's own; skips where SoftHSM cannot be had."""
    root = unpacked(["libsofthsm2", "softhsm2"])
    (module,) = root.glob("usr/lib/*/softhsm/libsofthsm2.so")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        made = subprocess.run(
            [
                root / "usr/bin/softhsm2-util",
                "--init-token",
                "--free",
                "--label=signing",
                f"--so-pin={PIN}",
                f"--pin={PIN}",
                f"--module={module}",
            ],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "SOFTHSM2_CONF": str(config)},
        )
        if made.returncode != 0:
            pytest.skip(f"SoftHSM does not run here: {made.stderr.strip()[:200]}")
        yield SoftHsm(module, "signing")
