from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from supplychain.errors import VulnerabilityDatabaseError
from supplychain.model.digest import Digest
from supplychain.scan.scanner import DatabaseGeneration

BUILT = datetime(2026, 1, 10, 6, 0, tzinfo=UTC)
DATABASE = DatabaseGeneration(Digest.of(b"database"), BUILT, Path("/nowhere"), ("pip",))


def test_a_database_is_fresh_up_to_its_age_and_no_longer() -> None:
    limit = timedelta(hours=72)
    DATABASE.require_fresh(BUILT, limit)
    DATABASE.require_fresh(BUILT + limit, limit)
    with pytest.raises(VulnerabilityDatabaseError):
        DATABASE.require_fresh(BUILT + limit + timedelta(seconds=1), limit)


def test_a_stale_database_says_how_stale_and_what_to_type() -> None:
    with pytest.raises(VulnerabilityDatabaseError, match="is 5 d 4 h old") as caught:
        DATABASE.require_fresh(BUILT + timedelta(days=5, hours=4), timedelta(hours=20))
    assert "2026-01-10T06:00:00Z" in str(caught.value.because)
    assert "at most 20 h" in str(caught.value.because)
    assert caught.value.hint == "supplychain vulndb pull"


def test_it_is_evidence_by_its_digest_and_date() -> None:
    assert DATABASE.database.digest == DATABASE.digest
    assert DATABASE.database.updated_at == BUILT
