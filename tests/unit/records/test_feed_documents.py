"""EPSS and KEV as their makers publish them, and what only looks so."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from supplychain.errors import InputError
from supplychain.model.exploitation import ExploitChance, KnownExploit
from supplychain.records.epss import check_epss, read_epss
from supplychain.records.kev import read_kev
from tests.kit.feeds import EPSS_DATE, KEV_DATE, LOG4SHELL, epss, kev


@pytest.mark.parametrize("compressed", [True, False])
def test_epss_is_read_compressed_or_not(compressed: bool) -> None:
    found = check_epss(epss(compressed=compressed))
    assert (found.version, found.published_at, len(found.rows)) == ("v2025.03.14", EPSS_DATE, 3)
    assert found.chance(LOG4SHELL) == ExploitChance(LOG4SHELL, 0.94358, 0.99958)
    assert found.chance("CVE-2021-4422") is None
    assert found.chance("CVE-2021-44228,0.9") is None
    assert read_epss(epss(compressed=compressed)).rows == found.rows


def test_every_form_of_a_date_and_of_a_number_is_read() -> None:
    text = epss({"CVE-2020-0001": ("4e-05", "1.0"), "CVE-2020-0002": ("0", "1")}, compressed=False)
    older = text.replace(b"T07:00:00Z", b"T00:00:00+0000")
    assert check_epss(older).published_at == datetime(2026, 1, 15, tzinfo=UTC)
    assert check_epss(text).chance("CVE-2020-0001") == ExploitChance("CVE-2020-0001", 4e-05, 1.0)
    oldest = text.replace(b"T07:00:00Z", b"")
    assert check_epss(oldest).published_at == datetime(2026, 1, 15, tzinfo=UTC)


PLAIN = epss(compressed=False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin with"),
        (b"<html>not found</html>", "does not begin with"),
        (PLAIN.partition(b"\n")[2], "does not begin with"),
        (PLAIN.replace(b"score_date:2026", b"score_date:when"), "score_date is"),
        (PLAIN.replace(b"cve,epss,percentile", b"cve,percentile,epss"), "its columns are"),
        (PLAIN.replace(b"0.94358", b"94.358"), "it has a row"),
        (PLAIN.replace(b"0.94358", b"nan"), "it has a row"),
        (PLAIN.replace(b"0.94358,", b""), "it has a row"),
        (PLAIN.replace(LOG4SHELL.encode(), b"GHSA-jfh8"), "it has a row"),
        (PLAIN.replace(b"CVE-1999-0001", LOG4SHELL.encode()), "tells twice"),
        (PLAIN[:-3], "a part is missing"),
        (epss({}, compressed=False), "tells of no vulnerability"),
        (epss()[:-9], "is not whole"),
        (epss() + epss(), "is not whole"),
        (b"\x1f\x8bnonsense", "cannot be decompressed"),
    ],
)
def test_what_is_no_edition_of_epss_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        check_epss(data)
    assert reason in str(refused.value.because)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supplychain.records.epss.EPSS_LIMIT", 1000)
    bomb = gzip.compress(PLAIN + b"0" * 100_000)
    with pytest.raises(InputError, match="too large"):
        check_epss(bomb)


def test_kev() -> None:
    found = read_kev(kev(LOG4SHELL, "CVE-2019-0708"))
    released = KEV_DATE + timedelta(microseconds=456_700)
    assert (found.version, found.published_at) == ("2026.01.13", released)
    assert found.entries[LOG4SHELL] == KnownExploit(
        LOG4SHELL, date(2021, 12, 10), date(2021, 12, 24), ransomware=True
    )
    assert set(found.entries) == {LOG4SHELL, "CVE-2019-0708"}


def listed(**changes: Any) -> bytes:
    document = json.loads(kev())
    entry = document["vulnerabilities"][0]
    entry |= changes
    document["vulnerabilities"] = [{n: v for n, v in entry.items() if v is not None}]
    return json.dumps(document).encode()


def test_older_entries_say_less() -> None:
    [entry] = read_kev(listed(knownRansomwareCampaignUse=None, dueDate=None)).entries.values()
    assert (entry.ransomware, entry.due_on) == (False, None)
    [entry] = read_kev(listed(knownRansomwareCampaignUse="Unknown")).entries.values()
    assert not entry.ransomware


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", ""),
        (b"{}", "is missing"),
        (kev(count=2), "says that it lists 2 and lists 1"),
        (kev(count=0, vulnerabilities=[]), "lists nothing"),
        (kev(LOG4SHELL, LOG4SHELL), "twice"),
        (kev(dateReleased="2026-01-13T12:00:00"), "no time zone"),
        (kev(dateReleased="yesterday"), "yesterday"),
        (kev(catalogVersion=7), "catalogVersion"),
        (listed(cveID="CVE-1"), "no CVE"),
        (listed(cveID=None), "is missing"),
        (listed(dateAdded="soon"), "soon"),
    ],
)
def test_what_is_no_edition_of_kev_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        read_kev(data)
    assert reason in str(refused.value.because)
