"""The trusted root: what it has to say, and what it must not leave open."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError, LimitError, SupplyChainError
from supplychain.signing.trust import root as roots
from supplychain.signing.trust.root import TrustedRoot, public_good
from tests.kit.sigstore import AT, HOUR, YEAR, Forge
from tests.kit.sigstore.keys import text

V0_2 = "application/vnd.dev.sigstore.trustedroot.v0.2+json"


def test_a_root_says_whom_to_trust_and_when(forge: Forge) -> None:
    root = TrustedRoot.parse(forge.trusted_root())
    assert [log.url for log in root.logs] == [forge.rekor.url, forge.tiles.url]
    assert [log.log_id for log in root.logs] == [forge.rekor.log_id, forge.tiles.log_id]
    assert [log.checkpoint_id for log in root.logs] == [log.log_id[:4] for log in root.logs]
    assert [one.chain for one in root.authorities] == [forge.authority.chain]
    assert [log.log_id for log in root.certificate_logs] == [forge.ct.log_id]
    assert [clock.chain for clock in root.clocks] == [forge.clock.chain]
    window = root.logs[0].window
    assert (window.start, window.end) == (AT - YEAR, None)
    assert window.covers(AT - YEAR)
    assert not window.covers(AT - YEAR - HOUR / 3600)


def test_the_newer_form_and_a_log_that_signs_checkpoints_by_another_id(forge: Forge) -> None:
    value: Any = forge.trusted_root_value(media_type=V0_2)
    value["tlogs"][0]["checkpointKeyId"] = {"keyId": text(b"abcdefgh")}
    value["tlogs"][0]["operator"] = "example.com"
    assert TrustedRoot.parse(json.dumps(value).encode()).logs[0].checkpoint_id == b"abcd"


def test_what_was_left_out_or_is_null_is_empty(forge: Forge) -> None:
    value: Any = forge.trusted_root_value()
    value["ctlogs"] = None
    del value["timestampAuthorities"]
    root = TrustedRoot.parse(json.dumps(value).encode())
    assert (root.certificate_logs, root.clocks) == ((), ())


def test_what_ships_is_what_sigstore_itself_ships() -> None:
    """Where this fails after an upgrade, `public_good.json` is to be copied from the package."""
    store = files("sigstore") / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    ours = files("supplychain.signing.trust") / "public_good.json"
    theirs = (store / "trusted_root.json").read_bytes()
    assert json.loads(ours.read_bytes()) == json.loads(theirs)
    assert public_good() == TrustedRoot.parse(theirs)
    assert "https://rekor.sigstore.dev" in {log.url for log in public_good().logs}


def test_the_root_of_the_staging_services_is_read() -> None:
    store = files("sigstore") / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstage.dev"
    root = TrustedRoot.parse((store / "trusted_root.json").read_bytes())
    assert root.logs
    assert root.certificate_logs


def _spki(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    public = private.public_key()
    return text(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _key(value: Any, **changes: Any) -> None:
    value["tlogs"][0]["publicKey"].update(changes)


def _certificate(value: Any, raw: bytes) -> None:
    chain = value["certificateAuthorities"][0]["certChain"]
    chain["certificates"][0] = {"rawBytes": b64encode(raw).decode()}


def _patched(value: Any, old: bytes, new: bytes) -> None:
    from base64 import b64decode

    chain = value["certificateAuthorities"][0]["certChain"]["certificates"]
    raw = b64decode(chain[0]["rawBytes"])
    assert raw.count(old) == 1
    _certificate(value, raw.replace(old, new))


Edit = Callable[[Any], object]
REFUSED: dict[str, tuple[Edit, str]] = {
    "no type": (lambda v: v.pop("mediaType"), "has no 'mediaType'"),
    "another type": (lambda v: v.update(mediaType="application/json"), "no trusted root that is"),
    "a list that nobody knows": (lambda v: v.update(witnesses=[]), "not understood: 'witnesses'"),
    "lists that are none": (lambda v: v.update(tlogs={}), "not a list"),
    "nobody": (
        lambda v: v.update(tlogs=[], certificateAuthorities=[], timestampAuthorities=[]),
        "names nobody to trust",
    ),
    "a log without a start": (lambda v: _key(v, validFor={}), "since when it is valid"),
    "a log without a window": (lambda v: _key(v, validFor=None), "since when it is valid"),
    "a log that ends before": (
        lambda v: _key(
            v, validFor={"start": "2025-01-02T00:00:00Z", "end": "2025-01-01T00:00:00Z"}
        ),
        "ends before it begins",
    ),
    "a log with another hash": (
        lambda v: v["tlogs"][0].update(hashAlgorithm="SHA2_512"),
        "another function than SHA-256",
    ),
    "a log without a key": (lambda v: v["tlogs"][0].pop("publicKey"), "has no 'publicKey'"),
    "a log without an ID": (lambda v: v["tlogs"][0].update(logId={"keyId": ""}), "has no ID"),
    "a log with a short ID": (
        lambda v: v["tlogs"][0].update(logId={"keyId": text(b"abc")}),
        "has no ID",
    ),
    "a log with a short ID of checkpoints": (
        lambda v: v["tlogs"][0].update(checkpointKeyId={"keyId": text(b"abc")}),
        "too short",
    ),
    "a key that is none": (lambda v: _key(v, rawBytes=text(b"key")), "cannot be read"),
    "a key of no kind": (lambda v: _key(v, keyDetails=None), "has no 'keyDetails'"),
    "a key of another kind": (
        lambda v: _key(v, keyDetails="PKIX_ED25519"),
        "cannot be used because: it is one of PKIX_ECDSA_P256_SHA_256",
    ),
    "a key that signs otherwise": (
        lambda v: _key(
            v,
            rawBytes=_spki(rsa.generate_private_key(65537, 2048)),
            keyDetails="PKIX_RSA_PSS_2048_SHA256",
        ),
        "a key 'PKIX_RSA_PSS_2048_SHA256' that cannot be used",
    ),
    "a key that signs with another hash": (
        lambda v: _key(
            v,
            rawBytes=_spki(ec.generate_private_key(ec.SECP384R1())),
            keyDetails="PKIX_ECDSA_P384_SHA_256",
        ),
        "cannot be used",
    ),
    "an authority without certificates": (
        lambda v: v["certificateAuthorities"][0].update(certChain={"certificates": []}),
        "has no certificate",
    ),
    "an authority without a window": (
        lambda v: v["certificateAuthorities"][0].pop("validFor"),
        "since when it is valid",
    ),
    "a certificate that is none": (lambda v: _certificate(v, b"0"), "cannot be read"),
    "a certificate of version 19": (
        lambda v: _patched(v, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x12"),
        "not a valid X509 version",
    ),
    "too many": (lambda v: v.update(ctlogs=v["ctlogs"] * 257), "at most 256"),
    "an address that is none": (lambda v: v["tlogs"][0].update(baseUrl=7), "not a string"),
}


@pytest.mark.parametrize(("edit", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_left_open_is_refused(forge: Forge, edit: Edit, words: str) -> None:
    value = json.loads(forge.trusted_root())
    edit(value)
    with pytest.raises(InputError) as caught:
        TrustedRoot.parse(json.dumps(value).encode())
    assert words in f"{caught.value} because: {caught.value.because}"


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b'{"tlogs":[],"tlogs":[]}', b"{" * 5000, b"\xff"]
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        TrustedRoot.parse(data)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(LimitError):
        TrustedRoot.parse(b" " * (roots.ROOT_LIMIT + 1))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_root_with_any_byte_changed_raises_nothing_but_our_own_errors(
    forge: Forge, data: st.DataObject
) -> None:
    from base64 import b64decode

    value = json.loads(forge.trusted_root())
    name = data.draw(st.sampled_from(["certificateAuthorities", "timestampAuthorities"]))
    held = value[name][0]["certChain"]["certificates"]
    number = data.draw(st.integers(0, len(held) - 1))
    raw = bytearray(b64decode(held[number]["rawBytes"]))
    raw[data.draw(st.integers(0, 9999)) % len(raw)] = data.draw(st.integers(0, 255))
    held[number]["rawBytes"] = text(bytes(raw))
    with suppress(SupplyChainError):
        TrustedRoot.parse(json.dumps(value).encode())
