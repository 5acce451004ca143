"""Programs that are built with Go: once, into the cache of the tests, at pinned versions.

`python -m tests.kit.go_tools TIER` builds what is missing of what `make test-TIER` needs. Tests
only take what is there: a build may take longer than any test may.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kit.debian import cache_folder, locked

_BUILD_TIMEOUT = 25 * 60
# How Go says that it could not fetch what it has not got, or is older than what it fetched wants.
_NOT_TO_BE_HAD = re.compile(
    r"dial tcp|no such host|i/o timeout|TLS handshake timeout|connection re(?:fused|set)"
    r"|module lookup disabled|requires go >= "
)


@dataclass(frozen=True, slots=True)
class GoTool:
    """A program and where its source is.

    Attributes:
        name: Its own name and its version.
        binary: How the file is called that Go makes.
        package: What is built: with `@` and a version, or below `module` or `source`.
        module: The folder of the module that it is in; None for one that Go fetches.
        source: The fetched module that it is in, with `@` and a version, where that replaces
            modules of others: Go heeds that in a main module alone. Its own `go.sum` holds.
    """

    name: str
    binary: str
    package: str
    module: Path | None = None
    source: str | None = None

    @property
    def path(self) -> Path:
        """Where the program is, once it is built; elsewhere when a source of ours changed."""
        return cache_folder() / f"{self.name}{self._ours()}" / self.binary

    def build(self) -> str | None:
        """Build it where it is missing; why it could not be had, or None.

        Raises:
            RuntimeError: It does not build, and neither time nor the network is to blame.
        """
        go = shutil.which("go")
        with locked(self.path.parent):
            if self.path.exists():
                return None
            if go is None:
                return "there is no Go on PATH"
            print(f"building  {self.name}; the first time takes minutes", flush=True)
            began = time.monotonic()
            why = self._build(go)
            print(f"          {why or 'done'} after {time.monotonic() - began:.0f} s", flush=True)
            return why

    def required(self) -> Path:
        """Where it is; skips the calling test where it is not built."""
        if not self.path.exists():
            pytest.skip(
                f"{self.name} is not built: the `make` of its tier does that, where there is Go"
            )
        return self.path

    def _ours(self) -> str:
        if self.module is None:
            return ""
        read = b"".join(path.read_bytes() for path in sorted(self.module.iterdir()))
        return f"-{hashlib.sha256(read).hexdigest()[:8]}"

    def _build(self, go: str) -> str | None:
        folder = self.module or self.path.parent
        install = (go, "install", "-p", "2", "-ldflags", "-s -w", self.package)
        try:
            if self.source is not None:
                fetch = (go, "mod", "download", "-json", self.source)
                folder = Path(json.loads(self._run(fetch, folder))["Dir"])
            self._run(install, folder)
        except subprocess.TimeoutExpired:
            return f"the build took more than {_BUILD_TIMEOUT // 60} minutes"
        except subprocess.CalledProcessError as error:
            last = f"{error.stdout}{error.stderr}".strip().splitlines()[-20:]
            for line in filter(_NOT_TO_BE_HAD.search, last):
                return f"it could not be fetched: {line.strip()}"
            raise RuntimeError("\n".join([f"{self.name} does not build:", *last])) from error
        return None

    def _run(self, command: tuple[str, ...], folder: Path) -> str:
        beside = {"GOBIN": str(self.path.parent), "GOFLAGS": "-buildvcs=false"}
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | beside,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT,
            check=True,
        )
        return done.stdout


def _cosign(version: str) -> GoTool:
    major = version.partition(".")[0]
    package = f"github.com/sigstore/cosign/v{major}/cmd/cosign@v{version}"
    return GoTool(f"cosign-{version}", "cosign", package)


def _own(name: str, binary: str) -> GoTool:
    module = Path(__file__).resolve().parents[1] / "interop" / binary
    return GoTool(name, binary, ".", module)


COSIGN_3 = _cosign("3.1.3")
COSIGN_2 = _cosign("2.6.5")
REFERRERS = _own("referrers-0.22.1", "referrers")
FULCIO = GoTool("fulcio-1.8.8", "fulcio", "github.com/sigstore/fulcio@v1.8.8")
REKOR = GoTool(
    "rekor-tiles-2.3.0",
    "posix",
    "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0",
)
CT_LOG = _own("tesseract-0.1.2", "ctlog")
TIMESTAMPS = _own("timestamp-authority-2.1.3", "timestamps")
SIGSTORE = (FULCIO, REKOR, CT_LOG, TIMESTAMPS)

# The admission controllers, as the programs in which their own policies are tried.
POLICY_CONTROLLER = GoTool(
    "policy-tester-0.13.1",
    "tester",
    "./cmd/tester",
    source="github.com/sigstore/policy-controller@v0.13.1",
)
KYVERNO = GoTool(
    "kyverno-1.19.1",
    "kubectl-kyverno",
    "./cmd/cli/kubectl-kyverno",
    source="github.com/kyverno/kyverno@v1.19.1",
)
ADMISSION = (POLICY_CONTROLLER, KYVERNO)

# Of those that a Docker daemon as old as Debian's understands, the newest.
COMPOSE = GoTool("compose-5.0.2", "cmd", "./cmd", source="github.com/docker/compose/v5@v5.0.2")

_TIERS = {
    "interop": (REFERRERS, *SIGSTORE, COSIGN_3, COSIGN_2, *ADMISSION),
    "image": (COMPOSE,),
}


def main(tier: str) -> None:
    """Build everything that is missing for a tier; what cannot be had is said and no error."""
    for tool in _TIERS[tier]:
        if why := tool.build():
            print(f"skipped   {tool.name}: {why}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
