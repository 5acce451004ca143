"""Timestamps by trusted authorities about this very signature, and no others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.model.identity import Clock, TrustedTime
from supplychain.signing.trust import clocks
from supplychain.signing.trust.root import Authority as Trusted
from supplychain.signing.trust.window import Window
from tests.kit.sigstore import AT, HOUR, YEAR, Authority, Forge, Identity, TimestampAuthority
from tests.kit.sigstore.keys import new_key

SIGNATURE = b"the bytes of a signature"
SECOND = timedelta(seconds=1)
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


def _trusted(clock: TimestampAuthority, *, window: Window | None = None) -> Trusted:
    return Trusted(clock.url, clock.chain, window or Window(AT - YEAR))


def _require(forge: Forge, response: bytes, *more: Trusted) -> TrustedTime:
    return clocks.require(response, SIGNATURE, (*more, _trusted(forge.clock)))


@pytest.mark.parametrize("certificates", [True, False])
@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_timestamp_holds(forge: Forge, algorithm: str, *, certificates: bool) -> None:
    response = forge.clock.stamp(
        SIGNATURE, AT, algorithm=algorithm, certificates=certificates, nonce=7
    )
    assert _require(forge, response) == TrustedTime(AT, Clock.AUTHORITY, forge.clock.url)


def test_the_authority_that_made_it_is_named(forge: Forge, other: Forge) -> None:
    foreign = _trusted(replace(other.clock, url="https://other.example.com"))
    made = other.clock.stamp(SIGNATURE, AT)
    assert _require(forge, made, foreign).name == "https://other.example.com"
    assert _require(forge, forge.clock.stamp(SIGNATURE, AT), foreign).name == forge.clock.url


REFUSED: dict[str, tuple[Callable[[Forge, Forge], bytes], str]] = {
    "of another signature": (lambda f, _: f.clock.stamp(b"other", AT), "Mismatch"),
    "by a foreign authority": (lambda _, o: o.clock.stamp(SIGNATURE, AT), "not signed by"),
    "by a foreign authority, bare": (
        lambda _, o: o.clock.stamp(SIGNATURE, AT, certificates=False),
        "",
    ),
    "with a weak hash": (lambda f, _: f.clock.stamp(SIGNATURE, AT, algorithm="sha1"), "hash"),
    "refused": (lambda f, _: f.clock.stamp(SIGNATURE, AT, status="rejection"), "GRANTED"),
    "granted with changes": (
        lambda f, _: f.clock.stamp(SIGNATURE, AT, status="granted_with_mods"),
        "GRANTED",
    ),
    "before the authority was trusted": (
        lambda f, _: f.clock.stamp(SIGNATURE, AT - 2 * YEAR),
        "it is believed from",
    ),
    "of the hash of the digest": (
        lambda f, _: f.clock.stamp(hashlib.sha256(SIGNATURE).digest(), AT),
        "Mismatch",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_timestamp_that_does_not(
    forge: Forge, other: Forge, make: Callable[[Forge, Forge], bytes], words: str
) -> None:
    with pytest.raises(VerificationError, match="does not verify") as caught:
        _require(forge, make(forge, other))
    assert words in str(caught.value.because)


def test_no_authority(forge: Forge) -> None:
    with pytest.raises(VerificationError) as caught:
        clocks.require(forge.clock.stamp(SIGNATURE, AT), SIGNATURE, ())
    assert caught.value.because == "the trusted root names no timestamp authority"


@pytest.mark.parametrize(
    ("window", "holds"),
    [
        (Window(AT, AT), True),
        (Window(AT - HOUR, AT - SECOND), False),
        (Window(AT + SECOND), False),
        (Window(AT - HOUR, AT + HOUR), True),
    ],
)
def test_an_authority_counts_in_its_window(forge: Forge, window: Window, *, holds: bool) -> None:
    made, clock = forge.clock.stamp(SIGNATURE, AT), _trusted(forge.clock, window=window)
    if holds:
        clocks.require(made, SIGNATURE, [clock])
    else:
        with pytest.raises(VerificationError, match="does not verify"):
            clocks.require(made, SIGNATURE, [clock])


@pytest.mark.parametrize("part", ["leaf", "intermediate", "root"])
def test_every_certificate_of_the_chain_held_then(part: str) -> None:
    """CVE-2026-24122, for clocks."""
    expired = (AT - YEAR, AT - HOUR)
    authority = Authority.create(
        "tsa",
        eku=STAMPING,
        root_valid=expired if part == "root" else None,
        intermediate_valid=expired if part == "intermediate" else None,
    )
    clock = TimestampAuthority.create(
        authority=authority, valid=expired if part == "leaf" else None
    )
    for certificates in (True, False):
        made = clock.stamp(SIGNATURE, AT, certificates=certificates)
        with pytest.raises(VerificationError) as caught:
            clocks.require(made, SIGNATURE, [_trusted(clock)])
        assert "not valid then" in str(caught.value.because)
    early = AT - 2 * HOUR
    made = clock.stamp(SIGNATURE, early)
    assert clocks.require(made, SIGNATURE, [_trusted(clock)]).at == early


def _clock(
    eku: tuple[ObjectIdentifier, ...], *, critical: bool = True, above: ObjectIdentifier = STAMPING
) -> TimestampAuthority:
    authority, key = Authority.create("tsa", eku=above), new_key()
    leaf = authority.issue(
        key.public_key(),
        Identity(None, {}),
        valid=(AT - YEAR, AT + YEAR),
        eku=eku,
        critical_eku=critical,
        subject="leaf",
    )
    made = TimestampAuthority.create(authority=authority)
    return replace(made, certificate=leaf, key=key)


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (_clock((ExtendedKeyUsageOID.CODE_SIGNING,)), "not meant for timestamps alone"),
        (_clock((STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)), "not meant for timestamps alone"),
        (_clock(()), "not meant for timestamps alone"),
        (_clock((STAMPING,), critical=False), "certificate verify error"),
        (
            _clock((STAMPING,), above=ExtendedKeyUsageOID.CODE_SIGNING),
            "not meant for those who stamp",
        ),
    ],
    ids=["for code", "for both", "for nothing", "not critical", "below one for code"],
)
def test_what_signs_is_a_clock_and_nothing_else(clock: TimestampAuthority, words: str) -> None:
    with pytest.raises(VerificationError) as caught:
        clocks.require(clock.stamp(SIGNATURE, AT), SIGNATURE, [_trusted(clock)])
    assert words in str(caught.value.because)
    open_ended = _clock((STAMPING,), above=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    clocks.require(open_ended.stamp(SIGNATURE, AT), SIGNATURE, [_trusted(open_ended)])


def test_only_the_clock_signs_and_not_who_issued_it(forge: Forge) -> None:
    """Without certificates, the library would take any of the chain for what signed."""
    authority = forge.clock.authority
    upper = replace(forge.clock, certificate=authority.intermediate, key=authority.key)
    for certificates in (True, False):
        with pytest.raises(VerificationError, match="does not verify") as caught:
            _require(forge, upper.stamp(SIGNATURE, AT, certificates=certificates))
        assert "not signed by the authority's certificate" in str(caught.value.because)


def test_a_chain_without_a_root_proves_nothing(forge: Forge) -> None:
    alone = Trusted("", (forge.clock.certificate,), Window(AT - YEAR))
    with pytest.raises(VerificationError, match="does not verify") as caught:
        clocks.require(forge.clock.stamp(SIGNATURE, AT), SIGNATURE, [alone])
    assert "no root" in str(caught.value.because)


def _edited(response: bytes, edit: Callable[[cms.SignedData], object]) -> bytes:
    read = tsp.TimeStampResp.load(response)
    signed = read["time_stamp_token"]["content"]
    edit(signed)
    made: bytes = read.dump(force=True)
    return made


def test_who_is_said_to_have_signed_is_one(forge: Forge, other: Forge) -> None:
    def add(signed: cms.SignedData) -> None:
        theirs = tsp.TimeStampResp.load(other.clock.stamp(SIGNATURE, AT))
        signed["signer_infos"].append(theirs["time_stamp_token"]["content"]["signer_infos"][0])

    def drop(signed: cms.SignedData) -> None:
        signed["signer_infos"] = cms.SignerInfos([])

    for edit in (add, drop):
        for certificates in (True, False):
            made = forge.clock.stamp(SIGNATURE, AT, certificates=certificates)
            with pytest.raises((VerificationError, InputError)):
                _require(forge, _edited(made, edit))


def test_an_instant_that_was_changed(forge: Forge) -> None:
    made = forge.clock.stamp(SIGNATURE, AT)
    said = AT.strftime("%Y%m%d%H%M%SZ").encode()
    later = (AT + HOUR).strftime("%Y%m%d%H%M%SZ").encode()
    assert made.count(said) == 1
    with pytest.raises(VerificationError, match="does not verify"):
        _require(forge, made.replace(said, later))


@pytest.mark.parametrize("data", [b"", b"0", b"\x30\x03\x02\x01\x00", b"\x30" * 100, b"\0" * 300])
def test_what_is_no_timestamp(forge: Forge, data: bytes) -> None:
    with pytest.raises((InputError, VerificationError)):
        _require(forge, data)


def test_more_after_it_and_too_much(forge: Forge) -> None:
    made = forge.clock.stamp(SIGNATURE, AT)
    with pytest.raises(InputError, match="cannot be read"):
        _require(forge, made + b"\0")
    with pytest.raises(InputError, match="larger than any"):
        _require(forge, made + bytes(256 * 1024))


def test_certificates_beside_it_are_not_believed(forge: Forge, other: Forge) -> None:
    """They are not signed: anybody may change them, to what cannot be read as well."""
    made = forge.clock.stamp(SIGNATURE, AT)

    def foreign(signed: cms.SignedData) -> None:
        theirs = tsp.TimeStampResp.load(other.clock.stamp(SIGNATURE, AT))
        signed["certificates"] = theirs["time_stamp_token"]["content"]["certificates"]

    with pytest.raises(VerificationError, match="does not verify"):
        _require(forge, _edited(made, foreign))
    version = b"\xa0\x03\x02\x01\x02\x02"
    assert version in made
    with pytest.raises((InputError, VerificationError)):
        _require(forge, made.replace(version, b"\xa0\x03\x02\x01\x12\x02"))
    organisation = b"a forge of the tests"
    at = made.rindex(b"\x0c\x14" + organisation)
    with pytest.raises((InputError, VerificationError)):
        _require(forge, made[:at] + b"\xea" + made[at + 1 :])
    assert isinstance(forge.clock.certificate, x509.Certificate)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_timestamp_with_any_byte_changed_says_the_same_or_nothing(
    forge: Forge, data: st.DataObject
) -> None:
    made = bytearray(forge.clock.stamp(SIGNATURE, AT, certificates=data.draw(st.booleans())))
    at = data.draw(st.integers(0, 99999)) % len(made)
    made[at] = data.draw(st.integers(0, 255))
    with suppress(SupplyChainError):
        assert _require(forge, bytes(made)).at == AT
