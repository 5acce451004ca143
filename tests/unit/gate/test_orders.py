"""Versions sort as their ecosystem sorts them; what it would not take for one has no key."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from supplychain.gate.orders import has_order, order_key

# Each line ascends; the sources are named where the line is not plain from the documentation.
ASCENDING = {
    "deb": [
        "0.9-1", "1.0~~", "1.0~rc1-1", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1",
        "1.0-2", "1.0a-1", "1.0+dfsg-1", "1.0.1-1", "1.9-1", "1.10-1", "1:0.1-1", "2:0.0.1",
    ],
    # tests/rpmvercmp.at of rpm
    "rpm": [
        "0.9-1", "1.0~rc1~git123-1", "1.0~rc1-1", "1.0-1", "1.0^-1", "1.0^git1-1", "1.0^git2-1",
        "1.0.a-1", "1.0.1-1", "1.0.10-1.el9", "1.0.10-2.el9", "5.5p1-1", "5.5p10-1",
        "5.6p1-1", "20101121-1", "1:0.1-1",
    ],
    # test/user/version.data of apk-tools
    "apk": [
        "0.01-r0", "0.1-r0", "1.0_alpha-r0", "1.0_alpha2-r0", "1.0_beta-r0", "1.0_pre1-r0",
        "1.0_rc1-r0", "1.0", "1.0-r0", "1.0-r1", "1.0-r10", "1.0_cvs1-r0", "1.0_git20200101-r0",
        "1.0_p1-r0", "1.0_p10-r0", "1.0a-r0", "1.0.1-r0", "1.36.1-r0", "20230506-r0",
    ],
    "npm": [
        "0.0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0", "2.0.0-0", "2",
    ],
    "golang": [
        "v0.0.0-20190101000000-abcdefabcdef", "v0.0.0-20200101000000-0123456789ab",
        "v0.0.1-0.20200101000000-0123456789ab", "v0.0.1-rc.1", "v0.0.1", "v1.9.0",
        "v1.10.0-pre.0.20210101000000-0123456789ab", "v1.10.0", "v20.10.7+incompatible",
    ],
    "pypi": [
        "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
        "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5",
        "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1!0.1",
    ],
    # ComparableVersionTest of Maven
    "maven": [
        "1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11",
        "1-rc", "1-cr2", "1-rc123", "1-SNAPSHOT", "1", "1-sp", "1-sp2", "1-sp123", "1-abc",
        "1-def", "1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123", "1.0.1", "2.0", "2.0.a", "2-1",
        "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1", "2.1.0.1", "2.2", "2.123",
    ],
    # test_gem_version.rb of RubyGems
    "gem": [
        "0.beta.1", "0.0.beta.2", "1.0.0.a.1.1", "1.0.a.2", "1.0.a10", "1.0.pre", "1.0.rc1", "1.0",
        "1.0.0.1", "1.8.2.a", "1.8.2.a9", "1.8.2.a10", "1.8.2.b", "1.8.2", "1.9.0.a", "5.0.0.1",
    ],
    "nuget": [
        "1.0.0-alpha", "1.0.0-Alpha.1", "1.0.0-beta", "1.0.0-BETA.2", "1.0.0-rc.10", "1.0",
        "1.0.0.1", "1.0.1", "2.0.0.0",
    ],
    "composer": [
        "1.0.0-dev", "1.0.0-alpha1", "v1.0.0-beta2", "1.0.0-RC1", "1.0.0", "1.0.0-p1", "1.0.0.1",
        "1.0.1", "v2.0",
    ],
}  # fmt: skip
EQUAL = [
    ("deb", "1.0-1", "0:1.0-1"),
    ("deb", "1.0", "1.0-0"),
    ("rpm", "1.0-1", "0:1.0-1"),
    ("rpm", "1.0010", "1.10"),
    ("rpm", "2_0", "2.0"),
    ("npm", "1.0.0+build.1", "1.0.0"),
    ("npm", "v1.0.0", "1.0.0"),
    ("golang", "v2.0.0+incompatible", "2.0.0"),
    ("pypi", "1.0", "1.0.0"),
    ("pypi", "1.0-RC.1", "1.0c1"),
    ("pypi", "1.0-1", "1.0.post1"),
    ("maven", "1.0.0", "1"),
    ("maven", "1.ga", "1-0"),
    ("maven", "1.0.Final", "1.0.0.RELEASE"),
    ("maven", "1-a1", "1-alpha-1"),
    ("maven", "1x", "1.0.0-x"),
    ("maven", "1-cr1", "1-rc1"),
    ("gem", "1.0", "1"),
    ("gem", "1.0.0.a", "1.a"),
    ("gem", "1.15.0-x86_64-linux", "1.15.0"),
    ("nuget", "1.0.0+sha", "1.0"),
    ("composer", "1.0.0-stable", "v1"),
]


@pytest.mark.parametrize(
    ("package_type", "older", "newer"),
    [(t, a, b) for t, line in ASCENDING.items() for a, b in pairwise(line)],
)
def test_versions_sort_as_their_ecosystem_sorts_them(
    package_type: str, older: str, newer: str
) -> None:
    assert order_key(package_type, older) < order_key(package_type, newer)
    assert not order_key(package_type, newer) < order_key(package_type, older)


@pytest.mark.parametrize("package_type", ASCENDING)
def test_an_order_is_one_of_all_its_versions_and_not_only_of_neighbours(package_type: str) -> None:
    for older, newer in combinations(ASCENDING[package_type], 2):
        assert order_key(package_type, older) < order_key(package_type, newer), (older, newer)


@pytest.mark.parametrize(("package_type", "one", "other"), EQUAL)
def test_what_is_written_otherwise_may_be_the_same_version(
    package_type: str, one: str, other: str
) -> None:
    assert order_key(package_type, one) == order_key(package_type, other)


@pytest.mark.parametrize(
    ("package_type", "version"),
    [
        ("npm", "latest"),
        ("npm", "1.2.3.4"),
        ("npm", ""),
        ("golang", "(devel)"),
        ("pypi", "2004d-final"),
        ("composer", "dev-master"),
        ("gem", "1.0-something else"),
        ("deb", "1.0_1"),
        ("rpm", "1.0/2"),
        ("apk", "1.0-beta"),
        ("pypi", "1" * 300),
        ("pypi", "١.٢"),
        ("generic", "1.0"),
    ],
)
def test_what_its_ecosystem_would_not_take_for_a_version_cannot_be_compared(
    package_type: str, version: str
) -> None:
    assert order_key(package_type, version) is None


def test_every_order_is_there() -> None:
    assert all(has_order(package_type) for package_type in ASCENDING)


_PYTHON = st.from_regex(r"[0-2](\.[0-2]){0,2}", fullmatch=True)
_SUFFIXES = st.sampled_from(
    ["", "a1", "b2", "rc1", ".post1", ".dev1", "a1.dev1", ".post1.dev2", "+x.1", "+1", "-1", "rc"]
)


@given(_PYTHON, _SUFFIXES, _PYTHON, _SUFFIXES)
def test_python_versions_sort_as_packaging_sorts_them(a: str, b: str, c: str, d: str) -> None:
    one, other = a + b, c + d
    keys = order_key("pypi", one), order_key("pypi", other)
    assert (keys[0] < keys[1]) == (Version(one) < Version(other))
    assert (keys[0] == keys[1]) == (Version(one) == Version(other))


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not there to compare with")
def test_debian_versions_sort_as_dpkg_itself_sorts_them() -> None:
    hard = ["1.0", "1.0-0", "1.0~", "1.0~-1", "1.0a~b", "1.0.", "1.0+", "1:0", "0a", "1.0-1.1"]
    for one, other in product(hard, hard):
        newer = ["dpkg", "--compare-versions", one, "gt", other]
        said = subprocess.run(newer, check=False, capture_output=True).returncode == 0
        assert (order_key("deb", one) > order_key("deb", other)) == said, (one, other)
