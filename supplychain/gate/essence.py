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

# Sentences for people, in which an age may stand.
_TOLD = ("message", "remedy", "remedies", "summary", "notes", "beside")


def essence_of(decision: Decision) -> Digest:
    """The digest of what a decision says, which no passing of time alone changes.

    Two decisions of one essence are about the same digest under the same name in the same
    environment, give the same verdict for the same reasons by the same policy and evidence, and
    hold equally long.
    """
    said = as_data(decision)
    # When it was said, and where the rest is kept.
    del said["decided_at"], said["inputs"]
    _untime(said)
    for reference in said["evidence"]:
        del reference["age_seconds"]
    for result in said["results"]:
        _untime(result)
        for violation in result["violations"]:
            _untime(violation)
            if violation["evidence"] is not None:
                del violation["evidence"]["age_seconds"]
    return Digest.of(json.dumps(said, separators=(",", ":")).encode())


def _untime(said: dict[str, Any]) -> None:
    """Take the ages out of sentences for people."""
    for name in _TOLD:
        told = said.get(name)
        if isinstance(told, str):
            said[name] = ageless(told)
        elif told:
            said[name] = [ageless(text) for text in told]
