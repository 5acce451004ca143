"""EPSS as FIRST publishes it every day: CSV, mostly compressed (first.org/epss/data_stats).

#model_version:v2025.03.14,score_date:2026-11-25T12:55:00Z
cve,epss,percentile
CVE-1999-0001,0.01025,0.77032
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.model.exploitation import ExploitChance

# The edition of 2026 has 11 MB.
EPSS_LIMIT = 256 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_COMMENT = re.compile(r"#model_version:([^,\s]{1,64}),score_date:(\S{10,40})")
_COLUMNS = b"cve,epss,percentile"
_NUMBER = rb"(?:0(?:\.\d{1,20})?|1(?:\.0{1,20})?|\d(?:\.\d{1,20})?e-\d{1,2})"
_ROW = re.compile(rb"CVE-\d{4}-\d{4,19},%b,%b" % (_NUMBER, _NUMBER))


@dataclass(frozen=True, slots=True)
class Epss:
    """What one edition says.

    Attributes:
        version: The model that made it.
        published_at: Its date.
        rows: By CVE, the whole row as it stands there.
    """

    version: str
    published_at: datetime
    rows: Mapping[bytes, bytes]

    def chance(self, vulnerability_id: str) -> ExploitChance | None:
        """What it says of a vulnerability; None where it does not know it."""
        row = self.rows.get(vulnerability_id.encode(errors="replace"))
        if row is None:
            return None
        _, score, percentile = row.split(b",")
        return ExploitChance(vulnerability_id, float(score), float(percentile))


def check_epss(data: bytes) -> Epss:
    """Read an edition, and look at every row of it.

    Raises:
        InputError: It is no edition of EPSS, or a part of one.
        LimitError: It is larger than any.
    """
    text = _text(data)
    found = read_epss(data)
    for line in text.splitlines()[2:]:
        if not _ROW.fullmatch(line):
            raise _unreadable(f"it has a row {line[:60].decode(errors='replace')!r}")
    if not text.endswith(b"\n"):
        raise _unreadable("its last row has no end: a part is missing")
    if not found.rows:
        raise _unreadable("it tells of no vulnerability")
    if len(found.rows) != text.count(b"\n") - 2:
        raise _unreadable("it tells twice of a vulnerability")
    return found


def read_epss(data: bytes) -> Epss:
    """Read an edition that was checked when it was recorded.

    Raises:
        InputError: It is no edition of EPSS.
        LimitError: It is larger than any.
    """
    comment, _, rest = _text(data).partition(b"\n")
    columns, _, body = rest.partition(b"\n")
    match = _COMMENT.fullmatch(comment.decode(errors="replace").rstrip())
    if match is None:
        raise _unreadable("it does not begin with #model_version:…,score_date:…")
    if columns.rstrip() != _COLUMNS:
        raise _unreadable(f"its columns are {columns[:60].decode(errors='replace')!r}")
    # The fastest of six ways: 0.1 s for 300,000 rows.
    rows = {line.partition(b",")[0]: line for line in body.splitlines()}
    return Epss(match[1], _instant(match[2]), rows)


def _instant(text: str) -> datetime:
    """The date of an edition; one without a time zone, as older ones have it, is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(f"its score_date is {text!r}") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _text(data: bytes) -> bytes:
    if len(data) > EPSS_LIMIT:
        raise _too_large()
    if not data.startswith(_GZIP):
        return data
    decoder = zlib.decompressobj(wbits=31)
    try:
        text = decoder.decompress(data, EPSS_LIMIT)
    except zlib.error as error:
        raise _unreadable(f"it cannot be decompressed: {error}") from error
    if decoder.unconsumed_tail:
        raise _too_large()
    if not decoder.eof or decoder.unused_data:
        raise _unreadable("its compressed form is not whole")
    return text


def _too_large() -> LimitError:
    return LimitError("the edition of EPSS is too large", because=f"over {EPSS_LIMIT} bytes")


def _unreadable(because: str) -> InputError:
    return InputError(
        "this is no edition of EPSS",
        because=because,
        hint="take epss_scores-YYYY-MM-DD.csv.gz as FIRST publishes it",
    )
