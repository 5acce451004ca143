"""The steps of waivers as canonical JSON: what the content store keeps of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from supplychain.model.digest import Digest
from supplychain.model.waiver import EndsWithFix, WaiverEvent, WaiverScope, WaiverStep, WaiverTerms

SCHEMA_VERSION = 1


def make_event(
    number: int,
    position: int,
    step: WaiverStep,
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    terms: WaiverTerms | None = None,
    answers: Digest | None = None,
) -> tuple[WaiverEvent, bytes]:
    """A step, and the document that says so.

    Args:
        number: See `WaiverEvent`, and so are the others.
        position: As there.
        step: As there.
        actor: As there.
        at: As there.
        reason: As there.
        terms: As there.
        answers: As there.
    """
    said = {
        "schemaVersion": SCHEMA_VERSION,
        "waiver": number,
        "position": position,
        "step": step.value,
        "actor": actor,
        "at": _instant(at),
        "reason": reason,
        "terms": None if terms is None else terms_data(terms),
        "answers": None if answers is None else str(answers),
    }
    document = _canonical(said).encode() + b"\n"
    digest = Digest.of(document)
    return WaiverEvent(number, position, step, actor, at, reason, digest, terms, answers), document


def terms_data(terms: WaiverTerms) -> dict[str, Any]:
    """Terms as data."""
    scope = terms.scope
    return {
        "scope": {
            "vulnerability": scope.vulnerability,
            "rule": scope.rule,
            "package": scope.package,
            "versions": scope.versions,
            "repository": scope.repository,
            "image": None if scope.image is None else str(scope.image),
            "environments": list(scope.environments),
        },
        "reason": terms.reason,
        "expires_at": _instant(terms.expires_at),
        "owner": terms.owner,
        "ticket": terms.ticket,
        "ends_with_fix": terms.ends_with_fix.value,
    }


def terms_text(terms: WaiverTerms) -> str:
    """Terms as canonical JSON."""
    return _canonical(terms_data(terms))


@lru_cache(maxsize=4096)
def read_terms(text: str) -> WaiverTerms:
    """The terms that `terms_text` wrote.

    Raises:
        ValueError: It did not write them, and so do `KeyError`, `TypeError` and `InputError` say.
    """
    said = json.loads(text)
    scope = said["scope"]
    image, environments = scope.pop("image"), scope.pop("environments")
    return WaiverTerms(
        WaiverScope(
            **scope,
            image=None if image is None else Digest.parse(image),
            environments=tuple(environments),
        ),
        reason=said["reason"],
        expires_at=datetime.fromisoformat(said["expires_at"]),
        owner=said["owner"],
        ticket=said["ticket"],
        ends_with_fix=EndsWithFix(said["ends_with_fix"]),
    )


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
