"""Which Trivy may run.

In March 2026 three Trivy releases were malicious and their scans looked normal (CVE-2026-33634).
So a binary runs only if the SHA-256 of its file is on a list, and its version, which is read from
the build information inside the file and never by running it, is neither one of those nor older
than the floor.
"""

from __future__ import annotations

import json
import mmap
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from io import BufferedReader
from pathlib import Path

from supplychain.errors import ToolMissingError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest
from supplychain.scan.fingerprints import Fingerprints, Identity, identity, require_unchanged

# Before 0.71.0: CVE-2026-54448.
FLOOR = (0, 71, 0)
MALICIOUS = frozenset({(0, 69, 4), (0, 69, 5), (0, 69, 6)})

# Where Go's linker puts the build information (Go, debug/buildinfo), and what stands there.
_BUILD_INFO = b"\xff Go buildinf:"
_BUILD_INFO_SIZE = 256 * 1024
_MODULE = re.compile(rb"\tgithub\.com/aquasecurity/trivy\tv(\d+\.\d+\.\d+)[\t\n]")
_LINKER_FLAG = re.compile(rb"trivy/pkg/version/app\.ver=(\d+\.\d+\.\d+)[ \"']")


@dataclass(frozen=True, slots=True)
class TrivyBinary:
    """A Trivy whose file was checked.

    Attributes:
        path: Where it was found.
        digest: SHA-256 of the file.
        version: Its version, `0.76.0`.
        seen: What the file looked like when it was checked.
    """

    path: Path
    digest: Digest
    version: str
    seen: Identity

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The very file that was checked, as a file descriptor to execute.

        A path may lead elsewhere a moment after it was checked; `/proc/self/fd/N` cannot. That the
        file itself was not rewritten is looked at before and, since a result is only believed
        after it, once more at the end: rewriting moves its change time. A private copy would need
        neither, but costs 170 MB each time.

        Raises:
            ConflictError: The file changed since it was checked, or while it ran.
            ToolMissingError: It is gone.
        """
        with _open(self.path) as file:
            require_unchanged(file, self.seen, self.path)
            yield file.fileno()
            require_unchanged(file, self.seen, self.path)


def find_trivy(
    configured: Path | None,
    *,
    search_path: str,
    trusted: Iterable[Digest] = (),
    fingerprints: Fingerprints,
) -> TrivyBinary:
    """Find a Trivy that may run: the configured one, else the first on the search path.

    Args:
        configured: The user's setting; None where there is none.
        search_path: `PATH`.
        trusted: SHA-256 digests that the user trusts beside the packaged list.
        fingerprints: Memory of what files hash to.

    Raises:
        ToolMissingError: There is none, its hash is on no list, or its version is refused.
    """
    path = configured or _on_path(search_path)
    with _open(path) as file:
        digest = fingerprints.digest(file, path)
        version = allowed_binaries().get(digest) or fingerprints.recall(
            file, path, "trivy-version", lambda: _embedded_version(file)
        )
        seen = identity(file)
    if version:
        _check_version(path, version)
    if digest not in allowed_binaries() and digest not in set(trusted):
        raise _not_allowed(path, digest, version)
    if not version:
        raise ToolMissingError(
            f"{path} does not tell its version",
            because="a Trivy without Go build information cannot be told from a malicious release",
            hint="use a release build of Trivy from 0.71.0 on",
        )
    return TrivyBinary(path, digest, version, seen)


def allowed_binaries() -> dict[Digest, str]:
    """The versions of the packaged list's binaries, by digest."""
    text = (files("supplychain.scan") / "binaries.json").read_bytes()
    return {Digest("sha256", b["sha256"]): b["version"] for b in json.loads(text)["binaries"]}


def _on_path(search_path: str) -> Path:
    found = shutil.which("trivy", path=search_path)
    if found is None:
        raise ToolMissingError(
            "Trivy is not installed",
            because="there is no trivy on PATH and no setting names one",
            hint="install Trivy 0.71.0 or newer, or set SUPPLYCHAIN_TRIVY=/path/to/trivy",
        )
    return Path(found)


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise ToolMissingError(
            f"Trivy cannot be read at {path}",
            because=error.strerror,
            hint="set SUPPLYCHAIN_TRIVY=/path/to/trivy",
        ) from error


def _embedded_version(file: BufferedReader) -> str:
    """The version in the file's Go build information; "" where there is none."""
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = data.find(_BUILD_INFO)
            block = data[start : start + _BUILD_INFO_SIZE] if start >= 0 else b""
    except ValueError:  # an empty file
        return ""
    found = _MODULE.search(block) or _LINKER_FLAG.search(block)
    return found[1].decode() if found else ""


def _check_version(path: Path, version: str) -> None:
    parts = tuple(int(part) for part in version.split("."))
    if parts in MALICIOUS:
        raise ToolMissingError(
            f"{path} is Trivy {version}, a malicious release, and was not run",
            because="0.69.4, 0.69.5 and 0.69.6 steal credentials (CVE-2026-33634)",
            hint="treat this machine's credentials as stolen; then install Trivy 0.71.0 or newer",
        )
    if parts < FLOOR:
        raise ToolMissingError(
            f"{path} is Trivy {version}, which is too old, and was not run",
            because="before 0.71.0 Trivy has CVE-2026-54448",
            hint="install Trivy 0.71.0 or newer",
        )


def _not_allowed(path: Path, digest: Digest, version: str) -> ToolMissingError:
    named = f"Trivy {version}" if version else "of a version that it does not tell"
    return ToolMissingError(
        f"{path} is on no list of binaries that may run, and was not run",
        because=f"it hashes to {digest} and is {named}",
        hint="if you trust it, put this line into your own supplychain.toml: "
        f'trivy_sha256 = "{digest.hex}"  # {path} {version}'.rstrip(),
    )
