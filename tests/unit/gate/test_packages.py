"""Which packages a pattern means, and which it cannot tell of."""

from __future__ import annotations

import pytest

from supplychain.errors import InputError
from supplychain.gate.packages import Match, PackagePattern
from supplychain.gate.ranges import VersionRange

INSIDE, OUTSIDE, UNKNOWN = Match.INSIDE, Match.OUTSIDE, Match.UNKNOWN


@pytest.mark.parametrize(
    ("pattern", "purl", "said"),
    [
        ("pkg:pypi/django", "pkg:pypi/django@2.2", INSIDE),
        ("pkg:pypi/django", "pkg:pypi/django", INSIDE),
        ("pkg:pypi/django", "pkg:pypi/django-cors@2.2", OUTSIDE),
        ("pkg:pypi/django", "pkg:npm/django@2.2", OUTSIDE),
        # names as the ecosystem compares them
        ("pkg:pypi/Typing_Extensions", "pkg:pypi/typing.extensions@4", INSIDE),
        ("pkg:golang/github.com/Acme/toml", "pkg:golang/github.com/acme/toml@v1", INSIDE),
        ("pkg:maven/org.acme/Tool", "pkg:maven/org.acme/tool@1", OUTSIDE),
        ("pkg:npm/@babel/core", "pkg:npm/%40babel/core@7.0.0", INSIDE),
        ("pkg:npm/core", "pkg:npm/%40babel/core@7.0.0", OUTSIDE),
        # stars
        ("pkg:npm/@acme/*", "pkg:npm/%40acme/tool@1.0.0", INSIDE),
        ("pkg:npm/@acme/*", "pkg:npm/%40acme-evil/tool@1.0.0", OUTSIDE),
        ("pkg:npm/left-*", "pkg:npm/left-pad@1.0.0", INSIDE),
        ("pkg:maven/org.apache.logging/*", "pkg:maven/org.apache.logging/log4j-core@2", INSIDE),
        ("pkg:maven/org.apache.logging/*", "pkg:maven/orgXapache.logging/core@2", OUTSIDE),
        ("pkg:golang/github.com/acme/*", "pkg:golang/github.com/acme/tool/v2@v2.0.0", INSIDE),
        ("pkg:deb/*/openssl", "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1", INSIDE),
        # one version
        ("pkg:pypi/django@2.2", "pkg:pypi/django@2.2.0", INSIDE),
        ("pkg:pypi/django@2.2", "pkg:pypi/django@2.2.1", OUTSIDE),
        ("pkg:pypi/django@2.2", "pkg:pypi/django", UNKNOWN),
        ("pkg:pypi/django@2.2", "pkg:pypi/django@unreleased", UNKNOWN),
        ("pkg:generic/tool@r7", "pkg:generic/tool@r7", INSIDE),
        ("pkg:generic/tool@r7", "pkg:generic/tool@r8", OUTSIDE),
        ("pkg:generic/tool@r7", "pkg:generic/tool", UNKNOWN),
        # an epoch stands in the version or beside it
        ("pkg:deb/debian/login@1:4.13", "pkg:deb/debian/login@4.13?arch=amd64&epoch=1", INSIDE),
        ("pkg:deb/debian/login@1:4.13", "pkg:deb/debian/login@1:4.13", INSIDE),
        ("pkg:deb/debian/login@4.13", "pkg:deb/debian/login@4.13?epoch=1", OUTSIDE),
        # what it is cannot be told
        ("pkg:pypi/django", "", UNKNOWN),
        ("pkg:pypi/django", "django", UNKNOWN),
    ],
)  # fmt: skip
def test_a_pattern_covers_what_it_names(pattern: str, purl: str, said: Match) -> None:
    assert PackagePattern.parse(pattern).covers(purl) is said


@pytest.mark.parametrize(
    ("package_type", "versions", "inside", "outside", "unknown"),
    [
        ("pypi", ">=2.0, <2.2.9", "2.0 2.2.8 2.2.9rc1", "1.11.27 2.2.9 3.0", "main 2.2-final"),
        ("pypi", "<=2.2.1", "2.2.1 2.2.1+acme.1", "2.2.1.post1", ""),
        ("pypi", ">2.2.1", "2.2.2", "2.2.1+acme.1", ""),
        ("pypi", "==2.2.1", "2.2.1 2.2.1+acme.1", "2.2.2", "x"),
        ("pypi", "2.2.1+acme.1", "2.2.1+acme.1", "2.2.1", ""),
        ("pypi", "!=2.2.1", "2.2", "2.2.1", "x"),
        ("npm", "<1.2 || >=2, <2.3", "1.1.9 2.2.9 2.3.0-rc.1", "1.2.0 2.3.0", "latest"),
        ("golang", "<0.17.0", "v0.16.9 v0.0.0-20200101000000-0123456789ab", "v0.17.0", "(devel)"),
        ("deb", "<1:3.0.13-1", "3.0.11-1~deb12u2 9.9", "1:3.0.13-1", "3.0_1"),
        ("rpm", "<=1.1.1k", "1.1.1k-9.el8 1.1.1j-1", "1.1.1l-1 1:1.0-1", "1.1/1"),
        ("rpm", "<1.1.1k-9", "1.1.1k-8.el8", "1.1.1k-9", ""),
        ("apk", "<1.36.1-r2", "1.36.1-r1 1.36.0_rc1", "1.36.1-r2", "1.36-beta"),
        ("maven", ">=2.0-beta9, <2.15.0", "2.0-beta9 2.14.1", "2.0-beta8 2.15.0", "${version}"),
        ("pypi", "vers:pypi/>=2.0|<2.2.9", "2.0 2.2.8", "1.9 2.2.9", "main"),
        ("pypi", "vers:pypi/<1.0|>=2.0|!=2.5|<3.0|4.0", "0.9 2.4 4.0", "1.5 2.5 3.0 4.1", "x"),
        ("pypi", "vers:pypi/!=1.0|!=1.1", "1.2", "1.0 1.1", "x"),
        ("npm", "vers:semver/<1.0.0", "0.9.0", "1.0.0", ""),
        ("deb", "vers:deb/<1%3A3.0", "1:2.9", "1:3.0", ""),
        ("generic", "vers:generic/a|b", "a b", "c", ""),
        ("pypi", "vers:pypi/*", "1.0 x", "", ""),
    ],
)  # fmt: skip
def test_a_range_holds_in_the_order_of_its_ecosystem(
    package_type: str, versions: str, inside: str, outside: str, unknown: str
) -> None:
    read = VersionRange.parse(package_type, versions)
    for said, words in ((INSIDE, inside), (OUTSIDE, outside), (UNKNOWN, unknown)):
        assert {version: read.covers(version) for version in words.split()} == dict.fromkeys(
            words.split(), said
        )


@pytest.mark.parametrize("versions", ["<2", ">=2", "!=2", "2", "<1 || >2"])
def test_a_version_that_is_not_known_is_neither_inside_nor_outside(versions: str) -> None:
    assert VersionRange.parse("npm", versions).covers("") is UNKNOWN


@pytest.mark.parametrize(
    ("purl", "versions", "refusal", "hint"),
    [
        ("django", "", "'django' is not a package URL", "pkg:pypi/django"),
        ("pkg:pypi/", "", "'pkg:pypi/' is not a package URL", "pkg:pypi/django"),
        ("pkg:pyp/django", "", "'pyp' is not a type of packages", "did you mean pypi?"),
        ("pkg:*/django", "", "'*' is not a type of packages", ""),
        ("pkg:deb/openssl", "", "names no namespace", "pkg:deb/debian/openssl"),
        ("pkg:deb/debian/openssl?arch=amd64", "", "has qualifiers, which are not compared", ""),
        ("pkg:npm/a*b*c*d*e*f", "", "has too many *", "at most 4"),
        ("pkg:pypi/django@2", "<3", "names a version beside a range", "leave one out"),
        ("pkg:pypi/django@2.*", "", "is not a range of versions", ">=2.0, <2.2.9"),
        ("pkg:npm/x", "^1.2", "'^1.2' is not a range of versions", ">=2.0, <2.2.9"),
        ("pkg:npm/x", "~1.2", "'~1.2' is not a range of versions", ">=2.0, <2.2.9"),
        ("pkg:maven/g/x", "[1,2)", "is not a range of versions", ">=2.0, <2.2.9"),
        ("pkg:pypi/x", ">=2 <3", "is not a range of versions", ">=2.0, <2.2.9"),
        ("pkg:pypi/x", ">=2,", "is not a range of versions", ""),
        ("pkg:pypi/x", "<two", "'two' is not a version of pypi packages", ""),
        ("pkg:generic/x", "<2", "versions of generic packages cannot be compared", "one by one"),
        ("pkg:pypi/x", ">3, <2", "'>3, <2' can hold of no version", "||"),
        ("pkg:pypi/x", ">2, <=2", "can hold of no version", "||"),
        ("pkg:pypi/x", "1, 2", "can hold of no version", "||"),
        ("pkg:pypi/x", "vers:npm/<2", "npm versions and the package of type pypi", "vers:pypi/<2"),
        ("pkg:pypi/x", "vers:pypi/<1|<2", "two limits in a row", "leave the one out"),
        ("pkg:pypi/x", "vers:pypi", "is not a VERS range", "vers:TYPE"),
    ],
)  # fmt: skip
def test_what_would_match_nothing_or_says_two_things_is_refused(
    purl: str, versions: str, refusal: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        PackagePattern.parse(purl, versions)
    assert refusal in str(caught.value)
    assert hint in (caught.value.hint or "")
