"""Editions of EPSS and KEV in the exact form of their makers, small and made by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.kit.scans import AT

LOG4SHELL = "CVE-2021-44228"
EPSS_DATE = AT - timedelta(hours=5)
KEV_DATE = AT - timedelta(days=2)
SCORES = {
    "CVE-1999-0001": ("0.01025", "0.77032"),
    LOG4SHELL: ("0.94358", "0.99958"),
    "CVE-2024-0727": ("0.00204", "0.42401"),
}


def epss(
    scores: Mapping[str, tuple[str, str]] | None = None,
    *,
    at: datetime = EPSS_DATE,
    compressed: bool = True,
) -> bytes:
    """An edition of EPSS."""
    rows = SCORES if scores is None else scores
    date = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [f"#model_version:v2025.03.14,score_date:{date}", "cve,epss,percentile"]
    lines += [f"{cve},{score},{percentile}" for cve, (score, percentile) in rows.items()]
    text = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(text, mtime=0) if compressed else text


def kev(*listed: str, at: datetime = KEV_DATE, **changes: Any) -> bytes:
    """An edition of KEV; `changes` replace members of the catalogue."""
    entries = [
        {
            "cveID": cve,
            "vendorProject": "Apache",
            "product": "Log4j2",
            "vulnerabilityName": "Apache Log4j2 Remote Code Execution Vulnerability",
            "dateAdded": "2021-12-10",
            "shortDescription": "A remote attacker can execute code.",
            "requiredAction": "Apply updates per vendor instructions.",
            "dueDate": "2021-12-24",
            "knownRansomwareCampaignUse": "Known",
            "notes": "https://nvd.nist.gov/vuln/detail/CVE-2021-44228",
            "cwes": ["CWE-20", "CWE-400", "CWE-502"],
        }
        for cve in listed or (LOG4SHELL,)
    ]
    catalogue = {
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": at.strftime("%Y.%m.%d"),
        "dateReleased": at.strftime("%Y-%m-%dT%H:%M:%S.4567Z"),
        "count": len(entries),
        "vulnerabilities": entries,
    }
    return json.dumps(catalogue | changes, indent=4).encode()
