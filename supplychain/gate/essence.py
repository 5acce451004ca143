"""What makes a decision the one it is: everything that it says, but for the time of day.

Asked again an hour later, a gate that sees the same evidence says the same, with every age an hour
greater. That is no new decision. A new reason, other evidence, another waiver or another end is.
"""

from __future__ import annotations

import json
from typing import Any

from supplychain.gate.decision_document import as_data
from supplychain.gate.durations import ageless
from supplychain.model.decision import Decision
from supplychain.model.digest import Digest

# What passes with time alone, and what only names where the rest is kept.
_PASSING = frozenset({"decided_at", "age_seconds", "inputs"})
# Sentences for people, in which an age may stand.
_TOLD = frozenset({"message", "remedy", "remedies", "summary", "notes", "beside"})


def essence_of(decision: Decision) -> Digest:
    """The digest of what a decision says, which no passing of time alone changes.

    Two decisions of one essence are about the same digest under the same name in the same
    environment, give the same verdict for the same reasons by the same policy and evidence, and
    hold equally long.
    """
    said = _lasting(as_data(decision))
    return Digest.of(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def _lasting(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: _untimed(value) if key in _TOLD else _lasting(value)
            for key, value in data.items()
            if key not in _PASSING
        }
    return [_lasting(item) for item in data] if isinstance(data, list) else data


def _untimed(told: Any) -> Any:
    return [ageless(text) for text in told] if isinstance(told, list) else ageless(told)
