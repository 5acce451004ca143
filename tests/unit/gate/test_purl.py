from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL

from supplychain.model.purl import package_identity, package_name
from tests.kit.scans import realistic_components

WRITTEN = [
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12.5",
    "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&epoch=1",
    "pkg:npm/%40angular/animation@12.3.1",
    "pkg:npm/lodash@4.17.21#dist/a@b",
    "pkg:golang/golang.org/x/crypto@v0.1.0#ssh",
    "pkg:golang/github.com/docker/docker@v20.10.7%2Bincompatible",
    "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
    "pkg:pypi/django@2.2",
    "pkg:pypi/django",
    "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64",
    "pkg:rpm/redhat/openssl@3.0.7-27.el9?epoch=1&arch=x86_64",
    "pkg:oci/alpine@sha256%3Aabc?repository_url=registry.test/alpine",
    "pkg:generic/a%20b@1",
]


def _by_the_book(purl: str) -> tuple[str, str, str, str]:
    parsed = PackageURL.from_string(purl)
    return (parsed.type, parsed.namespace or "", parsed.name, parsed.version or "")


@pytest.mark.parametrize("purl", WRITTEN)
def test_reads_as_the_reference_implementation_does(purl: str) -> None:
    assert package_name(purl) == _by_the_book(purl)


def test_reads_every_purl_of_a_realistic_image_as_the_reference_does() -> None:
    for component in realistic_components(100):
        assert package_name(component.purl) == _by_the_book(component.purl)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda text: text.strip("/ .") == text == text.strip() and "//" not in text
)


@given(_TEXT, _TEXT.filter(lambda t: "/" not in t), _TEXT.filter(lambda t: "/" not in t))
def test_reads_back_whatever_the_reference_writes(namespace: str, name: str, version: str) -> None:
    written = PackageURL("generic", namespace, name, version).to_string()

    assert package_name(written) == _by_the_book(written)


def test_an_npm_scope_that_nobody_encoded_is_no_version() -> None:
    assert package_name("pkg:npm/@angular/core") == ("npm", "@angular", "core", "")
    assert package_name("pkg:npm/@angular/core@1.2") == ("npm", "@angular", "core", "1.2")


@pytest.mark.parametrize("text", ["", "libc6", "pkg:", "pkg:deb", "pkg:deb/", "http://pkg:deb/a"])
def test_what_is_no_package_url_has_no_name(text: str) -> None:
    assert package_name(text) is None


def test_an_upgrade_keeps_the_identity_and_another_package_has_its_own() -> None:
    old = package_identity("pkg:deb/debian/openssl@1?distro=debian-11", "openssl")
    new = package_identity("pkg:deb/debian/openssl@2?distro=debian-12", "openssl")

    assert old == new == "pkg:deb/debian/openssl"
    assert package_identity("pkg:pypi/openssl@1", "openssl") == "pkg:pypi//openssl"
    assert package_identity("", "openssl") == "openssl"
