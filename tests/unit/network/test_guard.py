"""The guard: what is named, how names are written, and what DNS may say."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from supplychain.errors import ConfigurationError, DestinationError
from supplychain.network.guard import Guard
from supplychain.network.names import Named, parse_names, plain_host
from tests.kit.guards import guarded

_REGISTRY = "registry.example"
_PUBLIC = "1.1.1.1"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("registry.example", "registry.example"),
        ("Registry.EXAMPLE", "registry.example"),
        ("registry.example.", "registry.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
    ],
)
def test_a_host_has_one_form(text: str, host: str) -> None:
    assert plain_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "registry..example",
        "registry.example..",
        "registry.example@evil.example",
        "registry.example#.evil.example",
        "registry.example/",
        "registry.example\\.evil.example",
        "registry.example\x00.evil.example",
        "registry.example%2eevil.example",
        "127%2e0.0.1",
        "registry example",
        "bücher.example",
        "ｒegistry.example",
        "registry。example",
        "127.0.0.1。",
        "①②⑦.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "registry.example.0x7f",
        "256.256.256.256",
        "[fe80::1%25lo]",
        "fe80::1%lo",
        "-registry.example",
        f"{'a' * 64}.example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_could_be_read_in_several_ways_is_no_host(text: str) -> None:
    assert plain_host(text) is None
    with pytest.raises(DestinationError, match="nothing is fetched from"):
        guarded([_REGISTRY]).admit(text, 443)


@given(st.text(st.sampled_from("ab0179xX.-_:[]@#%/\\\\?。ⅼ\x00 "), max_size=12))
@example("a@b")
@example("0x7f.1")
@example("[::1]")
def test_every_reader_of_urls_sees_the_same_host(text: str) -> None:
    host = plain_host(text)
    if host is None:
        return
    shown = f"[{host}]" if ":" in host else host
    url = f"https://{shown}:5000/v2/"
    assert urlsplit(url).hostname == host
    assert parse_url(url).host == shown
    assert plain_host(shown) == host


@pytest.mark.parametrize(
    ("named", "host", "port", "allowed"),
    [
        ("registry.example", "registry.example", 443, True),
        ("registry.example", "registry.example", 80, True),
        ("registry.example", "registry.example.", 443, True),
        ("registry.example", "registry.example", 22, False),
        ("registry.example", "evil.registry.example", 443, False),
        ("registry.example", "registry.example.evil.example", 443, False),
        ("registry.example", "evilregistry.example", 443, False),
        ("registry.example:5000", "registry.example", 5000, True),
        ("registry.example:5000", "registry.example", 443, False),
        ("*.registry.example", "a.b.registry.example", 443, True),
        ("*.registry.example", "registry.example", 443, False),
        ("*.registry.example", "evilregistry.example", 443, False),
        ("[2606:4700::1]:5000", "2606:4700:0::1", 5000, True),
        ("registry.example/team", "registry.example", 443, True),
    ],
)
def test_a_host_is_admitted_by_its_whole_name(
    named: str, host: str, port: int, allowed: bool
) -> None:
    guard = guarded([named])
    if allowed:
        guard.admit(host, port)
        return
    with pytest.raises(DestinationError, match="is not a place") as caught:
        guard.admit(host, port)
    assert "registry_allowed" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("named", "repository", "allowed"),
    [
        ("registry.example", "anything/at/all", True),
        ("registry.example/team", "team", True),
        ("registry.example/team", "team/app", True),
        ("registry.example/team/", "team/app", True),
        ("registry.example/team", "teams/app", False),
        ("registry.example/team/app", "team", False),
        ("other.example/team", "team", False),
    ],
)
def test_a_repository_is_admitted_by_whole_parts(
    named: str, repository: str, allowed: bool
) -> None:
    guard = guarded([named])
    if allowed:
        guard.admit_repository(_REGISTRY, 443, repository)
        return
    with pytest.raises(DestinationError):
        guard.admit_repository(_REGISTRY, 443, repository)


def test_no_image_is_taken_from_where_registries_only_send_on_to() -> None:
    guard = guarded([_REGISTRY], ["storage.example"])
    guard.admit("storage.example", 443)
    with pytest.raises(DestinationError):
        guard.admit_repository("storage.example", 443, "app")


def test_who_names_nothing_goes_nowhere() -> None:
    for host in (_REGISTRY, "localhost", "127.0.0.1"):
        with pytest.raises(DestinationError):
            Guard(()).dial(host, 443, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "*.",
        "*.com",
        "*.10.0.0.1",
        "reg*.example",
        "https://registry.example",
        "registry.example:0",
        "registry.example:65536",
        "good@registry.example",
        "registry.example//team",
        "10.1",
        "10.0.0.0/8",
        "",
    ],
)
def test_an_entry_that_names_no_host_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="registry_allowed"):
        parse_names([text], "registry_allowed")


def test_entries_are_read_as_they_are_meant() -> None:
    assert parse_names(["*.a.example:5000", "[::1]/team/app/"], "x", paths=True) == (
        Named("a.example", below=True, port=5000),
        Named("::1", path="team/app"),
    )


@pytest.mark.parametrize(
    "found",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%2"],
        ["not an address"],
        [_PUBLIC, "10.0.0.1"],
        [_PUBLIC, "::1"],
        [],
        [_PUBLIC] * 65,
    ],
)
def test_one_answer_that_is_refused_refuses_the_host(found: list[str]) -> None:
    guard = guarded([_REGISTRY], at={_REGISTRY: found})
    with pytest.raises(DestinationError, match=f"nothing is fetched from {_REGISTRY}"):
        guard.dial(_REGISTRY, 443, 0.1)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (_REGISTRY, "169.254.169.254"),
        (_REGISTRY, "169.254.1.1"),
        (_REGISTRY, "fd00:ec2::254"),
        (_REGISTRY, "224.0.0.1"),
        (_REGISTRY, "0.0.0.0"),
        ("169.254.169.254", ""),
        ("[::ffff:169.254.169.254]", ""),
        ("168.63.129.16", ""),
    ],
)
def test_naming_a_host_for_private_addresses_opens_no_other(host: str, found: str) -> None:
    guard = guarded([host], private=[host], at={host: [found]})
    with pytest.raises(DestinationError, match="nothing is fetched from"):
        guard.dial(host, 443, 0.1)


def test_another_host_is_not_opened_by_the_one_that_is() -> None:
    guard = guarded(["a.example", "b.example"], private=["a.example"], at={"b.example": ["::1"]})
    with pytest.raises(DestinationError) as caught:
        guard.dial("b.example", 443, 0.1)
    assert "this machine itself" in (caught.value.because or "")
