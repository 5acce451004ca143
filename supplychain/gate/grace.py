"""Where the time begins for which a finding is borne."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from supplychain.model.dossier import RecordedFinding


class Since(StrEnum):
    """Where grace begins."""

    FIRST_SEEN = "first_seen"
    FIX = "fix"
    PUBLISHED = "published"

    def begin(self, recorded: RecordedFinding) -> datetime | None:
        """When it began for a finding; None where nobody knows."""
        if self is Since.PUBLISHED:
            return recorded.finding.published_at
        if self is Since.FIX and recorded.fixable_at is not None:
            return recorded.fixable_at
        return recorded.first_seen_at
