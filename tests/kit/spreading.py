"""Which tests run in one process: those of a file, for what is slow to make is shared by them."""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# A service that is started once in each of its forms, for all files of a folder.
_SERVICE = re.compile(r"(tests/acceptance/service)/.*\[([a-z-]+)")


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # untyped
    """Files go to whoever is free next, in their order: the slow ones come first."""

    def _split_scope(self, nodeid: str) -> str:
        shared = _SERVICE.match(nodeid)
        return "-".join(shared.groups()) if shared else str(super()._split_scope(nodeid))


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order of files, where the default is by how many tests they have."""
    config.option.loadscopereorder = False


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    """What tells tests out."""
    return _ByFile(config, log)
