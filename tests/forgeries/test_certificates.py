"""Certificates that must not count: of the wrong authority, time, identity, or never published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto.core import UTF8String
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from supplychain.signing.legacy import Suffix
from tests.kit.scene import Scene, Somebody, by_identity, by_key
from tests.kit.sigstore import (
    AT,
    HOUR,
    LIFETIME,
    YEAR,
    Authority,
    CtLog,
    Forge,
    Identity,
    Signed,
    new_key,
)

Forgery = Callable[[Forge, Forge, bytes], Signed]
EVIL = "https://evil.example.com"
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("form", ["bundle", "tiles", "signature", "attestation"])
def test_what_is_genuine_is_believed(scene: Scene, forge: Forge, form: str) -> None:
    """What every forgery here differs from by one thing."""
    if form == "bundle":
        scene.attach(forge.attest(scene.statement).bundle())
    elif form == "tiles":
        scene.attach(forge.attest(scene.statement, log=forge.tiles).bundle())
    elif form == "attestation":
        scene.attach_legacy(forge.attest(scene.statement), suffix=Suffix.ATTESTATIONS)
    else:
        scene.attach_legacy(forge.sign(scene.simple))
    (signature,) = scene.verify(by_identity(forge.trusted_root())).signatures
    assert str(signature.identity) == "alice@example.com (https://accounts.example.com)"
    assert [time.at for time in signature.times] == [AT]


def _named(name: x509.GeneralName) -> Identity:
    return Identity(name, Identity.email().extensions)


def _user(name: str) -> x509.OtherName:
    """A user's name as Fulcio writes one."""
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
    return x509.OtherName(oid, bytes(UTF8String(name).dump()))


def _by(change: Callable[[Authority], Authority]) -> Forgery:
    """Issued by an authority that came of the genuine one."""
    return lambda f, _, s: f.attest(s, authority=change(f.authority))


def _issued(**changes: object) -> Forgery:
    """A certificate of the genuine authority that differs in what it is for."""

    def forgery(f: Forge, _: Forge, statement: bytes) -> Signed:
        key = new_key()
        certificate = f.authority.issue(
            key.public_key(),
            Identity.email(),
            valid=(AT, AT + LIFETIME),
            ct=(f.ct,),
            **changes,  # type: ignore[arg-type]
        )
        return f.attest(statement, key=key, certificate=certificate)

    return forgery


def _chained(f: Forge, _: Forge, statement: bytes) -> Signed:
    """Issued with somebody's own certificate, as if that were an authority's."""
    key = new_key()
    mine = f.authority.issue(
        key.public_key(), Identity.email("eve@example.com"), valid=(AT, AT + HOUR), ct=(f.ct,)
    )
    return f.attest(statement, authority=replace(f.authority, intermediate=mine, key=key))


def _sct_of_another(f: Forge, _: Forge, statement: bytes) -> Signed:
    """The timestamp that was made for another certificate of the same person."""
    theirs = f.certificate(key=new_key())
    listed = theirs.extensions.get_extension_for_class(
        x509.PrecertificateSignedCertificateTimestamps
    )
    key = new_key()
    bare = f.certificate(key=key, ct=())
    builder = (
        x509.CertificateBuilder()
        .subject_name(bare.subject)
        .issuer_name(bare.issuer)
        .public_key(key.public_key())
        .serial_number(bare.serial_number)
        .not_valid_before(bare.not_valid_before_utc)
        .not_valid_after(bare.not_valid_after_utc)
    )
    for one in (*bare.extensions, listed):
        builder = builder.add_extension(one.value, critical=one.critical)
    made = builder.sign(f.authority.key, bare.signature_hash_algorithm)  # type: ignore[arg-type]
    return f.attest(statement, key=key, certificate=made)


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "expired when it signed": (
        lambda f, _, s: f.attest(s, valid=(AT - 2 * HOUR, AT - HOUR)),
        "the certificate was not valid when it signed, at 2025-06-02T12:00:00Z",
    ),
    "expired a second before it signed": (
        lambda f, _, s: f.attest(s, logged_at=AT + LIFETIME + timedelta(seconds=1)),
        "was not valid when it signed",
    ),
    "not yet valid when it signed": (
        lambda f, _, s: f.attest(s, valid=(AT + HOUR, AT + 2 * HOUR)),
        "was not valid when it signed",
    ),
    "of another authority": (
        lambda f, o, s: f.attest(s, authority=o.authority),
        "no trusted authority issued the certificate",
    ),
    "of an authority that has the names and another key": (
        _by(lambda a: replace(a, key=new_key())),
        "no trusted authority issued the certificate",
    ),
    "signed with the key of another certificate of the authority": (
        _chained,
        "no trusted authority issued the certificate",
    ),
    "by another issuer": (
        lambda f, _, s: f.attest(s, identity=Identity.email(issuer=EVIL)),
        "issued to somebody who is not trusted: to alice@example.com (https://evil.example.com)",
    ),
    "whose two extensions name different issuers": (
        lambda f, _, s: f.attest(s, identity=Identity.email().but({1: EVIL})),
        "does not name one issuer",
    ),
    "that names no issuer": (
        lambda f, _, s: f.attest(s, identity=Identity.email().but({1: None, 8: None})),
        "does not name one issuer",
    ),
    "for another person": (
        lambda f, _, s: f.attest(s, identity=Identity.email("eve@example.com")),
        "issued to somebody who is not trusted",
    ),
    "for a name that contains ours": (
        lambda f, _, s: f.attest(s, identity=Identity.email("alice@example.com.evil.example")),
        "issued to somebody who is not trusted",
    ),
    "for a name that ends in ours": (
        lambda f, _, s: f.attest(s, identity=Identity.email("malice@example.com")),
        "issued to somebody who is not trusted",
    ),
    "for the name in another case": (
        lambda f, _, s: f.attest(s, identity=Identity.email("Alice@example.com")),
        "issued to somebody who is not trusted",
    ),
    "for a host of our name": (
        lambda f, _, s: f.attest(s, identity=_named(x509.DNSName("alice.example.com"))),
        "a kind of name that is not understood",
    ),
    "for our address as a URI": (
        lambda f, _, s: f.attest(s, identity=Identity.uri("alice@example.com")),
        "is no name of kind uri",
    ),
    "for our address as a user's name": (
        lambda f, _, s: f.attest(s, identity=_named(_user("alice@example.com"))),
        "is no name of kind other",
    ),
    "for a workflow's URI as an address": (
        lambda f, _, s: f.attest(
            s, identity=Identity.email("https://github.com/acme/shop/x.yml@refs/heads/main")
        ),
        "is no name of kind email",
    ),
    "for our name as another kind of otherName": (
        lambda f, _, s: f.attest(
            s,
            identity=_named(
                x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.6"), b"\x0c\x01a")
            ),
        ),
        "not understood",
    ),
    "for nobody": (
        lambda f, _, s: f.attest(s, identity=Identity(None, Identity.email().extensions)),
        "issued to 0 names instead of one",
    ),
    "that is not for signing code": (
        _issued(eku=(ExtendedKeyUsageOID.CLIENT_AUTH,)),
        "not meant for signing code",
    ),
    "that is for nothing": (_issued(eku=()), "not meant for signing code"),
    "of an authority, used to sign": (
        _issued(ca=True),
        "no trusted authority issued the certificate",
    ),
    "that was never published": (
        lambda f, _, s: f.attest(s, ct=()),
        "never published",
    ),
    "published by a foreign log": (
        lambda f, o, s: f.attest(s, ct=(o.ct,)),
        "not published by a log that is trusted",
    ),
    "with the publication of another certificate": (
        _sct_of_another,
        "not published by a log that is trusted",
    ),
    "of another signature": (
        lambda f, _, s: replace(f.attest(s), certificate=f.attest(s).certificate),
        "the signature does not verify",
    ),
}


@pytest.mark.parametrize(("make", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_certificate(scene: Scene, forge: Forge, other: Forge, make: Forgery, words: str) -> None:
    scene.attach(make(forge, other, scene.statement).bundle())
    assert words in scene.refusal(by_identity(forge.trusted_root()))


@pytest.mark.parametrize(("make", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_certificate_in_the_older_form(
    scene: Scene, forge: Forge, other: Forge, make: Forgery, words: str
) -> None:
    scene.attach_legacy(make(forge, other, scene.statement), suffix=Suffix.ATTESTATIONS)
    assert words in scene.refusal(by_identity(forge.trusted_root()))


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("https://github.com/acme/shop/x.yml@refs/heads/main", Identity.uri),
        ("alice!example.com", lambda name: _named(_user(name))),
    ],
    ids=["a workflow", "a user"],
)
def test_a_name_of_each_kind_is_believed(
    scene: Scene, forge: Forge, name: str, identity: Callable[[str], Identity]
) -> None:
    scene.attach(forge.attest(scene.statement, identity=identity(name)).bundle())
    trust = by_identity(forge.trusted_root(), Somebody(name))
    assert len(scene.verify(trust).signatures) == 1


def test_an_expired_intermediate(scene: Scene, forge: Forge) -> None:
    """CVE-2026-24122: only the leaf's dates were looked at."""
    expired = Authority.create(intermediate_valid=(AT - YEAR, AT - HOUR))
    scene.attach(forge.attest(scene.statement, authority=expired).bundle())
    root = forge.trusted_root(authorities=(expired,))
    assert "had expired or was not yet valid" in scene.refusal(by_identity(root))


def test_an_expired_root(scene: Scene, forge: Forge) -> None:
    expired = Authority.create(root_valid=(AT - YEAR, AT - HOUR))
    scene.attach(forge.attest(scene.statement, authority=expired).bundle())
    root = forge.trusted_root(authorities=(expired,))
    assert "had expired or was not yet valid" in scene.refusal(by_identity(root))


def test_an_authority_that_is_no_longer_believed(scene: Scene, forge: Forge) -> None:
    retired = replace(forge.authority, trusted=(AT - YEAR, AT - MINUTE))
    scene.attach(forge.attest(scene.statement).bundle())
    root = forge.trusted_root(authorities=(retired,))
    assert "is believed from" in scene.refusal(by_identity(root))


def test_a_certificate_log_that_is_no_longer_believed(scene: Scene, forge: Forge) -> None:
    retired = replace(forge.ct, trusted=(AT - YEAR, AT - MINUTE))
    scene.attach(forge.attest(scene.statement).bundle())
    root = forge.trusted_root(ct_logs=(retired,))
    assert "not published by a log that is trusted" in scene.refusal(by_identity(root))


def test_a_certificate_log_whose_key_was_replaced(scene: Scene, forge: Forge) -> None:
    scene.attach(forge.attest(scene.statement).bundle())
    root = forge.trusted_root(ct_logs=(CtLog.create(),))
    assert "not published by a log that is trusted" in scene.refusal(by_identity(root))


def test_every_time_that_is_known_counts_and_not_the_one_that_suits(
    scene: Scene, forge: Forge
) -> None:
    """The log says that it was in time, the clock that it was not."""
    scene.attach(forge.attest(scene.statement, stamped_at=[AT + HOUR]).bundle())
    assert "was not valid when it signed" in scene.refusal(by_identity(forge.trusted_root()))


def test_a_certificate_where_only_a_key_is_trusted(scene: Scene, forge: Forge) -> None:
    scene.attach(forge.attest(scene.statement).bundle())
    assert "by a certificate, and no identity is trusted" in scene.refusal(by_key())


def test_a_key_where_only_an_identity_is_trusted(scene: Scene, forge: Forge) -> None:
    scene.attach(scene.keyed())
    assert "no given key verifies" in scene.refusal(by_identity(forge.trusted_root()))


def test_without_a_trusted_root_nobody_is_believed(scene: Scene, forge: Forge) -> None:
    trust = by_identity(forge.trusted_root())
    scene.attach(forge.attest(scene.statement).bundle())
    assert "no trusted root was given" in scene.refusal(replace(trust, root=None))
