"""Certificates: whom they name, who issued them, and whether all of that held then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto.core import BMPString, UTF8String
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.model.identity import CLAIMS, NameKind
from supplychain.signing.trust import sct
from supplychain.signing.trust.certificates import SigningCertificate
from supplychain.signing.trust.root import Authority as Trusted
from supplychain.signing.trust.window import Window
from tests.kit.sigstore import AT, HOUR, ISSUER, LIFETIME, YEAR, Authority, Forge, Identity
from tests.kit.sigstore.authority import FULCIO
from tests.kit.sigstore.keys import new_key

SECOND = timedelta(seconds=1)
CODE = ExtendedKeyUsageOID.CODE_SIGNING


def _read(certificate: x509.Certificate) -> SigningCertificate:
    return SigningCertificate.parse(certificate.public_bytes(Encoding.DER))


def _trusted(authority: Authority, window: Window | None = None) -> Trusted:
    return Trusted(authority.url, authority.chain, window or Window(AT - YEAR))


def _leaf(authority: Authority, *, key: Any = None, **changes: Any) -> SigningCertificate:
    changes = {"valid": (AT, AT + LIFETIME), **changes}
    key = key or new_key()
    return _read(authority.issue(key.public_key(), Identity.email(), **changes))


EVERYTHING = dict(Identity.workflow().extensions) | {23: "production", 24: "repo:acme/shop:ref"}


def test_everything_that_an_issuer_says() -> None:
    identity = Identity(Identity.workflow().name, EVERYTHING)
    found = _read(Forge.create().certificate(identity=identity)).identity()
    assert (
        found.name == "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
    )
    assert (found.kind, found.issuer) == (NameKind.URI, EVERYTHING[1])
    assert {name for name, _ in found.claims} == set(CLAIMS)
    assert list(found.claims) == sorted(found.claims)
    said = {
        "github_workflow_trigger": 2,
        "github_workflow_sha": 3,
        "github_workflow_name": 4,
        "github_workflow_repository": 5,
        "github_workflow_ref": 6,
        "build_signer_uri": 9,
        "build_signer_digest": 10,
        "runner_environment": 11,
        "source_repository_uri": 12,
        "source_repository_digest": 13,
        "source_repository_ref": 14,
        "source_repository_identifier": 15,
        "source_repository_owner_uri": 16,
        "source_repository_owner_identifier": 17,
        "build_config_uri": 18,
        "build_config_digest": 19,
        "build_trigger": 20,
        "run_invocation_uri": 21,
        "source_repository_visibility_at_signing": 22,
        "deployment_environment": 23,
        "token_subject": 24,
    }
    assert {name: found.claim(name) for name in said} == {
        name: EVERYTHING[number] for name, number in said.items()
    }


def _other(value: bytes, oid: str = f"{FULCIO}.7") -> x509.OtherName:
    return x509.OtherName(ObjectIdentifier(oid), value)


ISSUERS = {1: ISSUER, 8: ISSUER}


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        (x509.RFC822Name("alice@example.com"), NameKind.EMAIL, "alice@example.com"),
        (x509.UniformResourceIdentifier("spiffe://a/b"), NameKind.URI, "spiffe://a/b"),
        (_other(UTF8String("alice").dump()), NameKind.OTHER, "alice"),
        (_other(UTF8String("ä" * 100).dump()), NameKind.OTHER, "ä" * 100),
    ],
)
def test_names_of_each_kind(forge: Forge, name: Any, kind: NameKind, text: str) -> None:
    found = _read(forge.certificate(identity=Identity(name, ISSUERS))).identity()
    assert (found.name, found.kind, found.issuer) == (text, kind, ISSUER)


@pytest.mark.parametrize("number", [1, 8])
def test_one_of_both_issuers_is_enough(forge: Forge, number: int) -> None:
    identity = Identity.email().but({1: None, 8: None}).but({number: ISSUER})
    assert _read(forge.certificate(identity=identity)).identity().issuer == ISSUER


NAMELESS: dict[str, tuple[Identity, str]] = {
    "no name": (Identity(None, ISSUERS), "0 names"),
    "a host": (Identity(x509.DNSName("example.com"), ISSUERS), "kind of name"),
    "an otherName of another kind": (
        Identity(_other(UTF8String("alice").dump(), "1.2.3.4"), ISSUERS),
        "kind of name",
    ),
    "an otherName that is no text": (
        Identity(_other(BMPString("alice").dump()), ISSUERS),
        "no UTF8String",
    ),
    "an otherName of nobody": (Identity(_other(UTF8String("").dump()), ISSUERS), "not of its kind"),
    "an otherName that is no UTF-8": (Identity(_other(b"\x0c\x01\xff"), ISSUERS), "no text"),
    "no issuer": (Identity.email().but({1: None, 8: None}), "one issuer"),
    "two issuers": (Identity.email().but({1: "https://evil.example.com"}), "one issuer"),
    "an empty address": (Identity(x509.UniformResourceIdentifier(""), ISSUERS), "not of its kind"),
}


@pytest.mark.parametrize(("identity", "words"), NAMELESS.values(), ids=NAMELESS.keys())
def test_who_is_not_one_is_refused(forge: Forge, identity: Identity, words: str) -> None:
    with pytest.raises(InputError, match=words):
        _read(forge.certificate(identity=identity)).identity()


def _with_extensions(*added: tuple[str, bytes], names: Sequence[Any] = ()) -> SigningCertificate:
    key = new_key()
    listed = names or [x509.RFC822Name("alice@example.com")]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(AT)
        .not_valid_after(AT + HOUR)
        .add_extension(x509.SubjectAlternativeName(listed), critical=True)
    )
    for oid, value in added:
        made = x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
        builder = builder.add_extension(made, critical=False)
    return _read(builder.sign(key, SHA256()))


def test_two_names_are_refused() -> None:
    alice, bob = (x509.RFC822Name(f"{one}@example.com") for one in ("alice", "bob"))
    for names in ([alice, bob], [alice, alice], [alice, x509.DNSName("example.com")]):
        with pytest.raises(InputError, match="2 names"):
            _with_extensions((f"{FULCIO}.8", UTF8String(ISSUER).dump()), names=names).identity()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x0c",
        ISSUER.encode(),
        b"\x0c\x80" + ISSUER.encode() + b"\0\0",
        b"\x0c\x81\x04text",
        b"\x0c\x82\x00\x84" + b"x" * 132,
        b"\x0c\x84\xff\xff\xff\xfftext",
        b"\x0c\x05text",
        b"\x0c\x03text",
        b"\x16\x04text",
        b"\x0c\xff" + b"\x01" * 127,
        b"\x0c\x01\xff",
        b"\x0c\x00",
    ],
)
def test_text_that_could_be_read_in_two_ways_names_no_issuer(value: bytes) -> None:
    with pytest.raises(InputError):
        _with_extensions((f"{FULCIO}.8", value)).identity()


def test_long_text_is_read_and_extensions_of_others_are_left_alone() -> None:
    for length in (127, 128, 255, 256, 70 * 256):
        text = "x" * length
        made = _with_extensions(
            (f"{FULCIO}.8", UTF8String(text).dump()),
            (f"{FULCIO}.9999999999999999999999", b"?"),
            (f"{FULCIO}.1.8", UTF8String("https://evil.example.com").dump()),
            ("1.3.6.1.4.1.57264.2.8", b"?"),
        )
        assert made.identity().issuer == text


def test_an_authority_issued_it(forge: Forge, other: Forge) -> None:
    leaf = _leaf(forge.authority)
    both = [_trusted(other.authority), _trusted(forge.authority)]
    assert leaf.require_issued(both, [AT, AT + LIFETIME]) == forge.authority.intermediate
    with pytest.raises(VerificationError, match="no trusted authority"):
        leaf.require_issued([_trusted(other.authority)], [AT])
    with pytest.raises(VerificationError) as caught:
        leaf.require_issued([], [AT])
    assert caught.value.because == "the trusted root names no certificate authority"


def test_a_root_may_issue_by_itself(forge: Forge) -> None:
    authority = forge.authority
    alone = replace(authority, intermediate=authority.root, key=authority.root_key)
    trusted = Trusted("", (authority.root,), Window(AT - YEAR))
    assert _leaf(alone).require_issued([trusted], [AT]) == authority.root


def test_the_certificate_itself_held_each_time(forge: Forge) -> None:
    trusted, leaf = [_trusted(forge.authority)], _leaf(forge.authority)
    for moment, holds in (
        (AT, True),
        (AT + LIFETIME, True),
        (AT - SECOND, False),
        (AT + LIFETIME + SECOND, False),
    ):
        for times in ([moment], [AT + SECOND, moment], [moment, AT + SECOND]):
            if holds:
                leaf.require_issued(trusted, times)
            else:
                with pytest.raises(VerificationError, match="was not valid when it signed"):
                    leaf.require_issued(trusted, times)


@pytest.mark.parametrize("part", ["root_valid", "intermediate_valid"])
def test_its_whole_chain_held_each_time(part: str) -> None:
    """CVE-2026-24122: the library does not look at the dates of what it trusts."""
    span = {part: (AT - YEAR, AT + SECOND)}
    authority = Authority.create(**span)  # type: ignore[arg-type]
    leaf, trusted = _leaf(authority), [_trusted(authority)]
    leaf.require_issued(trusted, [AT, AT + SECOND])
    for times in ([AT + 2 * SECOND], [AT, AT + 2 * SECOND]):
        with pytest.raises(VerificationError) as caught:
            leaf.require_issued(trusted, times)
        assert "had expired or was not yet valid" in str(caught.value.because)


@pytest.mark.parametrize(
    ("window", "holds"),
    [
        (Window(AT, AT), True),
        (Window(AT - HOUR, AT - SECOND), False),
        (Window(AT + SECOND), False),
    ],
)
def test_an_authority_counts_in_its_window(forge: Forge, window: Window, *, holds: bool) -> None:
    leaf, trusted = _leaf(forge.authority), [_trusted(forge.authority, window)]
    if holds:
        leaf.require_issued(trusted, [AT])
    else:
        with pytest.raises(VerificationError, match="no trusted authority"):
            leaf.require_issued(trusted, [AT])


def test_one_authority_vouches_for_all_instants(forge: Forge) -> None:
    early = _trusted(forge.authority, Window(AT - HOUR, AT))
    late = _trusted(forge.authority, Window(AT + SECOND))
    leaf = _leaf(forge.authority)
    leaf.require_issued([early, late], [AT])
    leaf.require_issued([early, late], [AT + SECOND])
    with pytest.raises(VerificationError, match="no trusted authority"):
        leaf.require_issued([early, late], [AT, AT + SECOND])


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "P-384", "P-521", "RSA", "Ed25519"],
)
def test_leaves_with_keys_of_every_kind(forge: Forge, key: Any) -> None:
    _leaf(forge.authority, key=key).require_issued([_trusted(forge.authority)], [AT])


def test_keys_that_nobody_registers(forge: Forge) -> None:
    for key in (ec.generate_private_key(ec.SECP256K1()), rsa.generate_private_key(65537, 1024)):
        with pytest.raises(InputError):
            _leaf(forge.authority, key=key)


def test_a_certificate_of_the_authority_is_nobody_s(forge: Forge) -> None:
    for certificate in forge.authority.chain:
        with pytest.raises(VerificationError, match="no trusted authority"):
            _read(certificate).require_issued([_trusted(forge.authority)], [AT])
        with pytest.raises(InputError):
            _read(certificate).identity()


def test_who_may_issue_itself_signs_nothing(forge: Forge) -> None:
    with pytest.raises(VerificationError, match="no trusted authority"):
        _leaf(forge.authority, ca=True).require_issued([_trusted(forge.authority)], [AT])


def test_a_leaf_does_not_issue_leaves(forge: Forge) -> None:
    key = new_key()
    middle = _leaf(forge.authority, key=key).certificate
    below = replace(forge.authority, intermediate=middle, key=key)
    chain = (middle, *forge.authority.chain)
    with pytest.raises(VerificationError, match="no trusted authority"):
        _leaf(below).require_issued([Trusted("", chain, Window(AT - YEAR))], [AT])


@pytest.mark.parametrize(
    ("above", "holds"),
    [
        (CODE, True),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, True),
        (ExtendedKeyUsageOID.TIME_STAMPING, False),
        (ExtendedKeyUsageOID.CLIENT_AUTH, False),
    ],
)
def test_what_an_authority_is_for(above: ObjectIdentifier, *, holds: bool) -> None:
    authority = Authority.create(eku=above)
    if holds:
        _leaf(authority).require_issued([_trusted(authority)], [AT])
    else:
        with pytest.raises(VerificationError) as caught:
            _leaf(authority).require_issued([_trusted(authority)], [AT])
        assert "not meant for those who sign code" in str(caught.value.because)


@pytest.mark.parametrize(
    ("eku", "holds"),
    [
        ((CODE,), True),
        ((CODE, ExtendedKeyUsageOID.CLIENT_AUTH), True),
        ((), False),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), False),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), False),
    ],
)
def test_it_is_meant_for_signing_code(
    forge: Forge, eku: tuple[ObjectIdentifier, ...], *, holds: bool
) -> None:
    leaf = _leaf(forge.authority, eku=eku)
    if holds:
        leaf.require_signing()
    else:
        with pytest.raises(VerificationError, match="not meant for signing code"):
            leaf.require_signing()


def test_it_is_meant_for_signatures() -> None:
    made = _with_extensions((f"{FULCIO}.8", UTF8String(ISSUER).dump()))
    with pytest.raises(VerificationError, match="not meant for digital signatures"):
        made.require_signing()


Damage = Callable[[bytes], bytes]
UNREADABLE: dict[str, Damage] = {
    "nothing": lambda _: b"",
    "text": lambda _: b"-----BEGIN CERTIFICATE-----",
    "half of one": lambda der: der[: len(der) // 2],
    "more after it": lambda der: der + b"\0",
    "too large": lambda der: der + bytes(65 * 1024),
    "version 19": lambda der: der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x12", 1),
    "twice the same extension": lambda der: der.replace(
        b"\x83\xbf\x30\x01\x01", b"\x83\xbf\x30\x01\x08", 1
    ),
}


@pytest.mark.parametrize("damage", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_certificate_is_refused(forge: Forge, damage: Damage) -> None:
    der = forge.certificate().public_bytes(Encoding.DER)
    assert damage(der) != der
    with pytest.raises(InputError):
        SigningCertificate.parse(damage(der)).identity()


def test_a_year_that_no_calendar_has(forge: Forge) -> None:
    der = forge.certificate().public_bytes(Encoding.DER)
    utc = AT.strftime("%y%m%d%H%M%SZ").encode()
    at = der.index(b"\x17\x0d" + utc)
    made = bytearray(der[:at] + b"\x18\x0f00000101000000Z" + der[at + 15 :])
    made[at - 1] += 2
    for where in (2, 6):
        length = int.from_bytes(made[where : where + 2]) + 2
        made[where : where + 2] = length.to_bytes(2)
    with pytest.raises(InputError, match="cannot be read"):
        SigningCertificate.parse(bytes(made))


def _ask(leaf: SigningCertificate, forge: Forge, moments: Sequence[datetime]) -> None:
    with suppress(SupplyChainError):
        leaf.identity()
    with suppress(SupplyChainError):
        leaf.require_signing()
    with suppress(SupplyChainError):
        leaf.require_issued([_trusted(forge.authority)], moments)
    with suppress(SupplyChainError):
        sct.require(leaf.certificate, forge.authority.intermediate, ())


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_certificate_with_any_byte_changed_raises_nothing_but_our_own_errors(
    forge: Forge, data: st.DataObject
) -> None:
    der = bytearray(forge.certificate(identity=Identity.workflow()).public_bytes(Encoding.DER))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, 99999)) % len(der)] = data.draw(st.integers(0, 255))
    with suppress(SupplyChainError):
        _ask(SigningCertificate.parse(bytes(der)), forge, [AT])
