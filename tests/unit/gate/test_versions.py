"""Which version people are told to upgrade to."""

from __future__ import annotations

import pytest

from supplychain.gate.versions import lowest_repair

PYPI = "pkg:pypi/django@2.2"
DEBIAN = "pkg:deb/debian/openssl@3.0.9-1"


@pytest.mark.parametrize(
    ("purl", "installed", "fixes", "named"),
    [
        # one version is named as the advisory writes it, comparable or not
        (PYPI, "2.2", ["2.2.9"], "2.2.9"),
        ("pkg:rpm/rhel/openssl@1", "1:1.0.2k-16.el7", ["1:1.0.2k-25.el7_9"], "1:1.0.2k-25.el7_9"),
        # the installed version's own branch
        (PYPI, "2.2", ["1.11.27, 2.2.9, 3.0.1"], "2.2.9"),
        (PYPI, "2.1.5", ["1.11.27, 2.2.9, 3.0.1"], "2.2.9"),
        (PYPI, "3.0", ["1.11.27, 2.2.9, 3.0.1"], "3.0.1"),
        # numbers, not letters
        (PYPI, "2.2", ["2.2.9", "2.2.10"], "2.2.10"),
        # in one branch far enough for every advisory
        (PYPI, "2.2", ["1.11.27, 2.2.9, 3.0.1", "2.2.28, 3.2.13"], "2.2.28"),
        # 3.0.0 is past 2.2.9 but before the fix of its own branch
        (PYPI, "2.2", ["2.2.9, 3.0.1", "3.0.0"], "3.0.1"),
        ("pkg:golang/stdlib@v1.21.0", "v1.21.0", ["1.20.10, 1.21.3", "1.21.5"], "1.21.5"),
        # nothing to compare by
        (PYPI, "2.2rc1", ["2.2.9", "2.2.10"], None),
        ("pkg:apk/alpine/busybox@1.36.1-r0", "1.36.1-r0", ["1.36.1-r1", "1.36.1-r2"], None),
        # every fix is older than what is there: the advisory says something we do not understand
        (PYPI, "5.0", ["2.2.9", "2.2.10"], None),
        (DEBIAN, "3.0.9-1", ["3.0.11-1~deb12u2", "3.0.9-1+deb12u1"], "3.0.11-1~deb12u2"),
        (DEBIAN, "1.0-1", ["1:0.5-1", "2.0-1"], "1:0.5-1"),
        (DEBIAN, "1.0-1", ["1.2-1, 1.3-1", "2.0-1"], None),
        (DEBIAN, "1.0-1", ["not a version", "2.0-1"], None),
    ],
)
def test_the_lowest_version_that_repairs_everything(
    purl: str, installed: str, fixes: list[str], named: str | None
) -> None:
    assert lowest_repair(purl, installed, fixes) == named
