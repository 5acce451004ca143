"""`supplychain feeds`, typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tests.kit.cli import Desk
from tests.kit.feeds import LOG4SHELL, epss, kev
from tests.kit.misbehaving import reply, scripted_server

NOW = datetime.now(UTC).replace(microsecond=0)


def test_feeds_are_imported_listed_and_asked(bare_desk: Desk) -> None:
    edition = epss(at=NOW - timedelta(hours=3))
    (bare_desk.folder / "epss.csv.gz").write_bytes(edition)
    pin = sha256(edition).hexdigest()
    desk = bare_desk
    other = "0" * 64
    desk.type("feeds", "import", "epss", "epss.csv.gz", "--sha256", other).refused(
        1, "is not what was asked for", pin
    )
    desk.type("feeds", "import", "epss", "epss.csv.gz", "--sha256", "7").refused(2, "64 hex digits")
    told = desk.type("feeds", "import", "epss", "epss.csv.gz", "--sha256", pin).ended(0)
    # How long ago depends on when the tests were begun.
    assert re.search(r"3 h.* ago: 3 vulnerabilities, counts  sha256:", told.stdout)

    with scripted_server() as server:
        server.on("GET", "/kev.json", reply(200, kev(at=NOW - timedelta(days=2))))
        desk.type("feeds", "import", "kev", f"{server.url}/kev.json?sig=secret").ended(0)
    (desk.folder / "old.json").write_bytes(kev(at=NOW - timedelta(days=9)))
    told = desk.type("feeds", "import", "kev", "old.json").ended(0)
    assert "warning: it does not count" in told.stderr

    listed = desk.type("feeds", "list", "--output", "json").ended(0).json()["editions"]
    assert [(e["feed"], e["counts"]) for e in listed] == [
        ("epss", True),
        ("kev", True),
        ("kev", False),
    ]
    assert listed[1]["source"] == f"{server.url}/kev.json"
    shown = desk.type("feeds", "show", "epss", LOG4SHELL).ended(0).stdout
    assert f"{LOG4SHELL}: score 0.94358, higher than 99.96% of all" in shown
    said = desk.type("feeds", "show", "kev", LOG4SHELL, "--output", "json").ended(0).json()["says"]
    assert (said["added_on"], said["ransomware"]) == ("2021-12-10", True)
    desk.type("feeds", "import", "kev", "missing.json").refused(2, "cannot be read")
