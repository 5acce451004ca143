"""A certificate was published before it signed, by a log that is trusted (RFC 6962 section 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from supplychain.errors import InputError, VerificationError
from supplychain.signing.trust import sct
from supplychain.signing.trust.root import Log, TrustedRoot
from tests.kit.sigstore import AT, HOUR, LIFETIME, CtLog, Forge, Identity
from tests.kit.sigstore.ct import SCT_LIST, sct_list
from tests.kit.sigstore.keys import new_key

SECOND = timedelta(seconds=1)


def _logs(forge: Forge, *logs: CtLog) -> tuple[Log, ...]:
    return TrustedRoot.parse(forge.trusted_root(ct_logs=logs or (forge.ct,))).certificate_logs


def _require(forge: Forge, certificate: x509.Certificate, *logs: CtLog) -> None:
    sct.require(certificate, forge.authority.intermediate, _logs(forge, *logs))


KEY = new_key()


def _bare() -> x509.CertificateBuilder:
    """Always the same leaf, before it is published."""
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(AT)
        .not_valid_after(AT + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier(b"key"), critical=False)
    )


def _with(forge: Forge, listed: bytes) -> x509.Certificate:
    """A leaf that carries this in place of what a log would give."""
    added = x509.UnrecognizedExtension(SCT_LIST, listed)
    return _bare().add_extension(added, critical=False).sign(forge.authority.key, SHA256())


def _sct(forge: Forge, **changes: bytes) -> bytes:
    """What the log promises of that leaf."""
    bare = _bare().sign(forge.authority.key, SHA256()).tbs_certificate_bytes
    return forge.ct.sct(bare, forge.authority.key, AT, **changes)


def test_a_certificate_that_was_published(forge: Forge, other: Forge) -> None:
    _require(forge, forge.certificate(identity=Identity.workflow()))
    _require(forge, forge.certificate(ct=(other.ct, forge.ct)))
    _require(forge, forge.certificate(), other.ct, forge.ct)


def test_static_logs_put_an_index_into_extensions(forge: Forge) -> None:
    _require(forge, _with(forge, sct_list([_sct(forge)])))
    index = _sct(forge, extensions=b"\x00\x00\x05\x00\x00\x00\x00\x07")
    _require(forge, _with(forge, sct_list([index])))
    changed = index.replace(b"\x00\x00\x00\x00\x07", b"\x00\x00\x00\x00\x08")
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        _require(forge, _with(forge, sct_list([changed])))


@pytest.mark.parametrize("number", [0, 1, 999, 123456])
def test_milliseconds_are_kept(forge: Forge, number: int) -> None:
    at = AT + timedelta(milliseconds=number)
    certificate = forge.authority.issue(
        new_key().public_key(),
        Identity.email(),
        valid=(AT, AT + LIFETIME),
        ct=(forge.ct,),
        sct_at=at,
    )
    _require(forge, certificate)


def test_a_certificate_that_was_never_published(forge: Forge) -> None:
    with pytest.raises(VerificationError, match="never published"):
        _require(forge, forge.certificate(ct=()))
    with pytest.raises(VerificationError, match="never published"):
        _require(forge, _with(forge, sct_list([])))


def test_a_log_that_is_not_trusted(forge: Forge, other: Forge) -> None:
    for certificate, logs in (
        (forge.certificate(ct=(other.ct,)), (forge.ct,)),
        (forge.certificate(), (other.ct,)),
        (forge.certificate(), (replace(forge.ct, key=new_key()),)),
    ):
        with pytest.raises(VerificationError, match="by a log that is trusted"):
            _require(forge, certificate, *logs)
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        sct.require(forge.certificate(), forge.authority.intermediate, ())


def test_a_log_with_the_id_of_another(forge: Forge, other: Forge) -> None:
    [mine], [theirs] = _logs(forge), _logs(forge, other.ct)
    stolen = replace(mine, key=theirs.key)
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        sct.require(forge.certificate(), forge.authority.intermediate, [stolen])


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        (AT, AT, True),
        (AT - HOUR, AT - SECOND, False),
        (AT + SECOND, None, False),
        (AT - HOUR, None, True),
    ],
)
def test_a_log_counts_in_its_window(
    forge: Forge, start: datetime, end: datetime | None, *, holds: bool
) -> None:
    log = replace(forge.ct, trusted=(start, end))
    if holds:
        _require(forge, forge.certificate(), log)
    else:
        with pytest.raises(VerificationError, match="by a log that is trusted"):
            _require(forge, forge.certificate(), log)


def test_it_is_about_this_certificate_by_this_issuer(forge: Forge, other: Forge) -> None:
    borrowed = forge.ct.sct(forge.certificate(ct=()).tbs_certificate_bytes, forge.authority.key, AT)
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        _require(forge, _with(forge, sct_list([borrowed])))
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        sct.require(forge.certificate(), other.authority.intermediate, _logs(forge))
    with pytest.raises(VerificationError, match="by a log that is trusted"):
        sct.require(forge.certificate(), forge.authority.root, _logs(forge))


def _algorithms(made: bytes, pair: tuple[int, int]) -> bytes:
    at = made.index(bytes((4, 3)), 41)
    return made[:at] + bytes(pair) + made[at + 2 :]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "another version": lambda made: sct_list([b"\x01" + made[1:]]),
    "cut": lambda made: sct_list([made[:-1]]),
    "longer": lambda made: sct_list([made + b"\0"]),
    "empty": lambda made: sct_list([b""]),
    "an unknown hash": lambda made: sct_list([_algorithms(made, (9, 9))]),
    "beyond all calendars": lambda made: sct_list([made[:33] + b"\xff" * 8 + made[41:]]),
    "after the year 9999": lambda made: sct_list([made[:33] + b"\x01" + made[34:]]),
    "a list that is cut": lambda made: b"\x04\x03\x00\x09\x00",
    "no list": lambda made: b"text",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_timestamp_raises_our_own_error(
    forge: Forge, broken: Callable[[bytes], bytes]
) -> None:
    with pytest.raises((InputError, VerificationError)):
        _require(forge, _with(forge, broken(_sct(forge))))


@pytest.mark.parametrize("pair", [(4, 0), (2, 3), (6, 3)], ids=["anonymous", "SHA-1", "SHA-512"])
def test_signatures_of_other_kinds_do_not_count(forge: Forge, pair: tuple[int, int]) -> None:
    with pytest.raises((InputError, VerificationError)):
        _require(forge, _with(forge, sct_list([_algorithms(_sct(forge), pair)])))


def test_more_than_anybody_needs(forge: Forge) -> None:
    with pytest.raises(InputError, match="has 33 SCTs"):
        _require(forge, _with(forge, sct_list([_sct(forge)] * 33)))
