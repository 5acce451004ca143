"""CISA's catalogue of known exploited vulnerabilities, as CISA publishes it: JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.model.exploitation import KnownExploit

# The edition of 2026 has 2 MB.
KEV_LIMIT = 32 * 1024 * 1024
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}")


@dataclass(frozen=True, slots=True)
class Kev:
    """What one edition says.

    Attributes:
        version: The catalogue's version.
        published_at: When it was released.
        entries: What it lists, by CVE.
    """

    version: str
    published_at: datetime
    entries: Mapping[str, KnownExploit]


def read_kev(data: bytes) -> Kev:
    """Read an edition.

    Raises:
        LimitError: It is larger than any.
        InputError: It is no edition of the catalogue, or not whole.
    """
    if len(data) > KEV_LIMIT:
        raise LimitError("the edition of KEV is too large", because=f"over {KEV_LIMIT} bytes")
    try:
        document = orjson.loads(data)
        return _catalogue(document)
    except orjson.JSONDecodeError as error:
        raise _unreadable("it is not JSON") from error
    except KeyError as error:
        raise _unreadable(f"{error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(str(error)) from error


def _catalogue(document: Any) -> Kev:
    listed = document["vulnerabilities"]
    entries = {entry.vulnerability_id: entry for entry in map(_entry, listed)}
    if document["count"] != len(listed):
        raise ValueError(f"it says that it lists {document['count']} and lists {len(listed)}")
    if len(entries) != len(listed):
        raise ValueError("it lists a vulnerability twice")
    if not entries:
        # Nothing would be known to be exploited, which is not so.
        raise ValueError("it lists nothing")
    released = datetime.fromisoformat(document["dateReleased"])
    if released.tzinfo is None:
        raise ValueError(f"dateReleased {document['dateReleased']!r} has no time zone")
    version = document["catalogVersion"]
    if not isinstance(version, str) or not 0 < len(version) <= 64:
        raise ValueError(f"catalogVersion is {str(version)[:64]!r}")
    return Kev(version, released.astimezone(UTC), entries)


def _entry(listed: Mapping[str, Any]) -> KnownExploit:
    name = listed["cveID"]
    if not _CVE.fullmatch(name):
        raise ValueError(f"it lists {name[:60]!r}, which is no CVE")
    due = listed.get("dueDate")
    return KnownExploit(
        vulnerability_id=name,
        added_on=date.fromisoformat(listed["dateAdded"]),
        due_on=date.fromisoformat(due) if due else None,
        ransomware=listed.get("knownRansomwareCampaignUse") == "Known",
    )


def _unreadable(because: str) -> InputError:
    return InputError(
        "this is no edition of CISA's catalogue of known exploited vulnerabilities",
        because=because,
        hint="take known_exploited_vulnerabilities.json as CISA publishes it",
    )
