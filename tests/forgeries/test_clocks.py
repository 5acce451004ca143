"""Timestamps that prove no time, or one at which nothing counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.kit.scene import Scene, by_identity
from tests.kit.sigstore import (
    AT,
    HOUR,
    YEAR,
    Authority,
    Forge,
    Signed,
    TimestampAuthority,
    new_key,
)

Forgery = Callable[[Forge, Forge, bytes], Signed]
DOES_NOT = "the timestamp does not verify"


def _stamped(make: Callable[[Forge, Signed], bytes]) -> Forgery:
    """Logged without a time, and with this timestamp."""

    def forgery(f: Forge, _: Forge, statement: bytes) -> Signed:
        made = f.attest(statement, log=f.tiles, stamped_at=())
        return replace(made, timestamps=(make(f, made),))

    return forgery


def _cut(f: Forge, made: Signed) -> bytes:
    return f.clock.stamp(made.signature, AT)[:-1]


def _changed(f: Forge, made: Signed) -> bytes:
    """The time in it, moved by an hour: the clock did not sign that."""
    data = f.clock.stamp(made.signature, AT)
    assert data.count(b"20250602120000Z") >= 1
    return data.replace(b"20250602120000Z", b"20250602130000Z")


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "none, where nothing else tells the time": (
        lambda f, _, s: f.attest(s, log=f.tiles, stamped_at=()),
        "nothing tells when the certificate signed",
    ),
    "by a foreign clock": (lambda f, o, s: f.attest(s, log=f.tiles, clock=o.clock), DOES_NOT),
    "before the certificate": (
        lambda f, _, s: f.attest(s, log=f.tiles, stamped_at=[AT - HOUR]),
        "was not valid when it signed, at 2025-06-02T11:00:00Z",
    ),
    "after the certificate": (
        lambda f, _, s: f.attest(s, log=f.tiles, stamped_at=[AT + HOUR]),
        "was not valid when it signed, at 2025-06-02T13:00:00Z",
    ),
    "one in time and one after": (
        lambda f, _, s: f.attest(s, log=f.tiles, stamped_at=[AT, AT + HOUR]),
        "was not valid when it signed, at 2025-06-02T13:00:00Z",
    ),
    "one genuine and one foreign": (
        lambda f, o, s: replace(
            (made := f.attest(s, log=f.tiles)),
            timestamps=(*made.timestamps, o.clock.stamp(made.signature, AT)),
        ),
        DOES_NOT,
    ),
    "the same twice": (
        lambda f, _, s: replace((made := f.attest(s, log=f.tiles)), timestamps=made.timestamps * 2),
        "the same timestamp is there twice",
    ),
    "33 of them": (
        lambda f, _, s: replace(
            (made := f.attest(s, log=f.tiles)), timestamps=made.timestamps * 33
        ),
        "33 elements, at most 32",
    ),
    "of another signature": (
        lambda f, _, s: replace(
            f.attest(s, log=f.tiles), timestamps=f.attest(s, log=f.tiles).timestamps
        ),
        DOES_NOT,
    ),
    "of the statement and not of its signature": (
        _stamped(lambda f, made: f.clock.stamp(made.payload, AT)),
        DOES_NOT,
    ),
    "of nothing": (_stamped(lambda f, _: f.clock.stamp(b"", AT)), DOES_NOT),
    "that was refused by the clock": (
        _stamped(lambda f, made: f.clock.stamp(made.signature, AT, status="rejection")),
        "timestamp",
    ),
    "whose time was changed": (_stamped(_changed), DOES_NOT),
    "that is cut short": (_stamped(_cut), "cannot be read"),
    "that is empty": (_stamped(lambda _f, _m: b""), "cannot be read"),
    "that is the signature itself": (_stamped(lambda _, made: made.signature), "cannot be read"),
}


@pytest.mark.parametrize(("make", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_timestamp(scene: Scene, forge: Forge, other: Forge, make: Forgery, words: str) -> None:
    scene.attach(make(forge, other, scene.statement).bundle())
    assert words in scene.refusal(by_identity(forge.trusted_root()))


def test_a_timestamp_that_is_demanded_and_missing(scene: Scene, forge: Forge) -> None:
    scene.attach(forge.attest(scene.statement).bundle())
    trust = by_identity(forge.trusted_root(), timestamp=True)
    assert "no timestamp authority says" in scene.refusal(trust)


def test_a_clock_whose_certificate_had_expired(scene: Scene, forge: Forge) -> None:
    clock = TimestampAuthority.create(valid=(AT - YEAR, AT - HOUR))
    scene.attach(forge.attest(scene.statement, log=forge.tiles, clock=clock).bundle())
    root = forge.trusted_root(clocks=(clock,))
    assert "was not valid then" in scene.refusal(by_identity(root))


def test_a_clock_whose_intermediate_had_expired(scene: Scene, forge: Forge) -> None:
    """CVE-2026-24122, of clocks."""
    expired = Authority.create("tsa", intermediate_valid=(AT - YEAR, AT - HOUR))
    clock = TimestampAuthority.create(authority=expired)
    scene.attach(forge.attest(scene.statement, log=forge.tiles, clock=clock).bundle())
    root = forge.trusted_root(clocks=(clock,))
    assert "was not valid then" in scene.refusal(by_identity(root))


def test_a_clock_that_is_no_longer_believed(scene: Scene, forge: Forge) -> None:
    retired = replace(forge.clock, trusted=(AT - YEAR, AT - HOUR))
    scene.attach(forge.attest(scene.statement, log=forge.tiles).bundle())
    root = forge.trusted_root(clocks=(retired,))
    assert "it is believed from" in scene.refusal(by_identity(root))


def test_the_name_of_our_clock_on_another_ones_certificate(scene: Scene, forge: Forge) -> None:
    """An authority of the same names with other keys: the certificate inside says who signed."""
    namesake = TimestampAuthority.create()
    scene.attach(forge.attest(scene.statement, log=forge.tiles, clock=namesake).bundle())
    assert DOES_NOT in scene.refusal(by_identity(forge.trusted_root()))


def test_a_signing_certificate_is_no_clock(scene: Scene, forge: Forge) -> None:
    """Whoever has a certificate of the authority could stamp with it."""
    key = new_key()
    certificate = forge.certificate(key=key)
    clock = replace(forge.clock, authority=forge.authority, certificate=certificate, key=key)
    scene.attach(forge.attest(scene.statement, log=forge.tiles, clock=clock).bundle())
    assert DOES_NOT in scene.refusal(by_identity(forge.trusted_root()))


def test_a_timestamp_of_the_future(scene: Scene, forge: Forge) -> None:
    scene.attach(forge.attest(scene.statement, log=forge.tiles, at=AT + HOUR).bundle())
    assert "from the future" in scene.refusal(by_identity(forge.trusted_root()), at=AT)
