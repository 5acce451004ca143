"""Clients that ask again at once, for the tests here have servers fail again and again."""

from __future__ import annotations

import pytest

from supplychain.client import connection


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks again does so at once; how often stays as it is."""
    monkeypatch.setattr(connection, "_PAUSE", 0.01)
