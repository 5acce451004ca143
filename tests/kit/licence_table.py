"""Write the table of licence categories: python -m tests.kit.licence_table."""

from __future__ import annotations

import json
import re
import textwrap
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from supplychain.sbom.schema import spdx_identifiers

TABLE = Path(__file__).parents[2] / "supplychain" / "gate" / "licence_table.py"
_HEAD = '''"""The kind of licence of each SPDX identifier: made by tests.kit.licence_table.

The identifiers are those of SPDX that CycloneDX's schema admits. The kinds are the categories of
ScanCode LicenseDB (https://scancode-licensedb.aboutcode.org, Copyright (c) nexB Inc. and others,
CC BY 4.0) as the package `license-expression` carries them, in fewer words: Public Domain counts as
permissive, Copyleft Limited is weak copyleft; Source-available, Free Restricted, Commercial and
Proprietary Free are proprietary. Network copyleft is parted from that by us: licences whose text
reaches those who use the program over a network, too. An identifier without category is in none.
"""

from __future__ import annotations

'''
# SPDX lists exceptions apart from licences; CycloneDX's one list has both.
_EXCEPTION = re.compile(
    r"(?!.*-(with|no-copyleft)-).*exception.*|GPL-CC-1\.0|Linux-syscall-note|LLGPL|SHL-2\.[01]"
)
_CATEGORIES = {
    "Permissive": "permissive",
    "Public Domain": "permissive",
    "Copyleft Limited": "weak-copyleft",
    "Copyleft": "strong-copyleft",
    "Source-available": "proprietary",
    "Free Restricted": "proprietary",
    "Commercial": "proprietary",
    "Proprietary Free": "proprietary",
}
# AGPL section 13; APSL 1.4 and 2.0 "externally deploy"; CAL 4.2; CPAL 15 and OSL 5 "external
# deployment"; EUPL 1 "communication"; Parity; RPL 1.11 "deploy".
_NETWORK = (
    "AGPL-", "APSL-2.0", "CAL-1.0", "CPAL-", "EUPL-", "NPOSL-", "OSL-", "Parity-", "RPL-",
)  # fmt: skip


def table() -> str:
    """The module's text."""
    data = json.loads(
        (files("license_expression") / "data" / "scancode-licensedb-index.json").read_bytes()
    )
    rows = {
        name: row
        for row in data
        for name in (row["spdx_license_key"], *row.get("other_spdx_license_keys", ()))
        if name
    }
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(spdx_identifiers()):
        category = rows[name]["category"] if name in rows else ""
        if _EXCEPTION.fullmatch(name):
            found["exceptions"].append(name)
        elif "-with-" in name:  # SPDX once had the GPL together with each exception from it
            found["strong-copyleft"].append(name)
        elif name.startswith(_NETWORK) and "Copyleft" in category:
            found["network-copyleft"].append(name)
        else:
            found[_CATEGORIES.get(category, "unknown")].append(name)
    exceptions = found.pop("exceptions")
    lines = [_HEAD, "CATEGORIES = {\n"]
    lines += [f'    "{word}": """\n{_wrapped(found[word])}    """,\n' for word in sorted(found)]
    lines.append(f'}}\nEXCEPTIONS = """\n{_wrapped(exceptions)}"""\n')
    return "".join(lines)


def _wrapped(names: list[str]) -> str:
    wrapped = textwrap.fill(
        " ".join(names), 92, break_on_hyphens=False, initial_indent=" " * 8,
        subsequent_indent=" " * 8,
    )  # fmt: skip
    return f"{wrapped}\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
