"""The real Trivy, checked as the product checks it."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from supplychain.errors import ToolMissingError
from supplychain.scan.binary import TrivyBinary, find_trivy
from supplychain.scan.caches import CachePool
from supplychain.scan.fingerprints import Fingerprints
from supplychain.scan.trivy import Trivy, TrivyScanner


@pytest.fixture(scope="session")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> Fingerprints:
    """A memory of hashes that lasts for the session."""
    return Fingerprints(tmp_path_factory.mktemp("hashes"))


@pytest.fixture(scope="session")
def trivy_binary(fingerprints: Fingerprints) -> TrivyBinary:
    """The Trivy of this environment, or of PATH; a test that needs it skips where there is none."""
    search_path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        return find_trivy(None, search_path=search_path, fingerprints=fingerprints)
    except ToolMissingError as error:
        pytest.skip(f"no Trivy that may run: {error}")


@pytest.fixture(scope="session")
def trivy(trivy_binary: TrivyBinary) -> Trivy:
    """The tool, with a limit that a loaded machine keeps."""
    return Trivy(trivy_binary, timeout=timedelta(minutes=2))


@pytest.fixture
def trivy_scanner(trivy: Trivy, fingerprints: Fingerprints, tmp_path: Path) -> TrivyScanner:
    """A scanner with a cache that nothing was scanned into yet."""
    return TrivyScanner(trivy, CachePool(tmp_path / "caches"), fingerprints)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The folder for temporary files that a scan has to leave as it was."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder
