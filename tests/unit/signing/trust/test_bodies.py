"""An entry of a log is this signature's, or it proves nothing (CVE-2022-36056, CVE-2026-22703)."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.signing.trust import bodies
from supplychain.signing.trust.bodies import Logged
from tests.kit.sigstore import Forge, entry_body
from tests.kit.sigstore import Signed as Made
from tests.kit.sigstore.keys import text
from tests.unit.signing.trust.asking import STATEMENT, logged_of

FILE = b"what is in the file"
# Of each kind, whether it is about envelopes; None for both.
KINDS = {
    "hashedrekord/0.0.1": False,
    "hashedrekord/0.0.2": None,
    "dsse/0.0.1": True,
    "dsse/0.0.2": True,
    "intoto/0.0.1": True,
    "intoto/0.0.2": True,
}
FORMS = [
    (kind, enveloped)
    for kind, only in KINDS.items()
    for enveloped in (True, False)
    if only in (None, enveloped)
]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _made(forge: Forge, *, enveloped: bool, keyed: bool = False, data: bytes = STATEMENT) -> Made:
    if enveloped:
        return forge.attest(data, keyed=keyed, log=None)
    return forge.sign(FILE if data is STATEMENT else data, keyed=keyed, log=None)


def _envelope(made: Made) -> bytes | None:
    if made.payload_type is None:
        return None
    return json.dumps(made.envelope(), separators=(",", ":")).encode()


def _logged(made: Made) -> Logged:
    logged = logged_of(made)
    return replace(logged, signed=replace(logged.signed, envelope=_envelope(made)))


@pytest.mark.parametrize("keyed", [True, False], ids=["key", "certificate"])
@pytest.mark.parametrize(("kind", "enveloped"), FORMS)
def test_the_entry_of_a_signature(forge: Forge, kind: str, *, enveloped: bool, keyed: bool) -> None:
    made = _made(forge, enveloped=enveloped, keyed=keyed)
    found = bodies.require(entry_body(made, kind).data, _logged(made))
    assert found == kind.replace("/", " ")


@pytest.mark.parametrize(("kind", "enveloped"), FORMS)
def test_the_entry_of_another(forge: Forge, kind: str, *, enveloped: bool) -> None:
    made = _made(forge, enveloped=enveloped)
    others = {
        "content": _made(forge, enveloped=enveloped, data=b"other"),
        "signature": replace(_made(forge, enveloped=enveloped), certificate=made.certificate),
        "certificate": replace(made, certificate=forge.certificate()),
        "key in place of a certificate": replace(made, certificate=None),
    }
    for what, other in others.items():
        with pytest.raises(VerificationError) as caught:
            bodies.require(entry_body(other, kind).data, _logged(made))
        assert "is about another" in str(caught.value) or "other content" in str(caught.value), what


@pytest.mark.parametrize(
    ("kind", "enveloped"), [(k, not only) for k, only in KINDS.items() if only is not None]
)
def test_an_entry_is_of_the_kind_that_the_signature_is_logged_as(
    forge: Forge, kind: str, *, enveloped: bool
) -> None:
    """A bare message and an envelope are two things, even where they have the same digest."""
    made = _made(forge, enveloped=enveloped)
    body = entry_body(made, kind)
    with pytest.raises(VerificationError):
        bodies.require(body.data, _logged(made))


def test_the_first_in_toto_entry_needs_the_envelope_byte_for_byte(forge: Forge) -> None:
    made = _made(forge, enveloped=True)
    body = entry_body(made, "intoto/0.0.1").data
    with pytest.raises(VerificationError, match="not at hand"):
        bodies.require(body, logged_of(made))
    spaced = json.dumps(made.envelope()).encode()
    logged = logged_of(made)
    with pytest.raises(VerificationError, match="another envelope"):
        bodies.require(body, replace(logged, signed=replace(logged.signed, envelope=spaced)))


@pytest.mark.parametrize(("kind", "enveloped"), [f for f in FORMS if f[0] != "intoto/0.0.1"])
def test_a_signature_that_verifies_and_is_spelled_otherwise_is_another(
    forge: Forge, kind: str, *, enveloped: bool
) -> None:
    """Of each ECDSA signature anybody can make a second one."""
    made = _made(forge, enveloped=enveloped)
    r, s = decode_dss_signature(made.signature)
    twin = replace(made, signature=encode_dss_signature(r, P256_ORDER - s))
    logged = _logged(twin)
    logged.signed.require(_key(made))
    with pytest.raises(VerificationError, match="another signature"):
        bodies.require(entry_body(made, kind).data, logged)


def _key(made: Made) -> Any:
    from tests.unit.signing.trust.asking import key_of

    return key_of(made.key)


def _edited(made: Made, kind: str, edit: Callable[[Any], object]) -> bytes:
    value = json.loads(entry_body(made, kind).data)
    edit(value["spec"])
    return json.dumps(value).encode()


Edit = Callable[[Any], object]
BROKEN: dict[str, tuple[str, Edit, str]] = {
    "no hash": ("hashedrekord/0.0.1", lambda s: s["data"].pop("hash"), "not an object"),
    "another hash": (
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(algorithm="sha1"),
        "other content",
    ),
    "a hash in capitals": (
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(value=s["data"]["hash"]["value"].upper()),
        "not hexadecimal",
    ),
    "a hash with spaces": (
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(value=f" {s['data']['hash']['value']}"),
        "not hexadecimal",
    ),
    "a hash that is none": (
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(value="xy"),
        "not hexadecimal",
    ),
    "a hash cut short": (
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(value=s["data"]["hash"]["value"][:-2]),
        "other content",
    ),
    "a verifier that is none": (
        "hashedrekord/0.0.1",
        lambda s: s["signature"]["publicKey"].update(content=text(b"key")),
        "another key or certificate",
    ),
    "two verifiers": (
        "hashedrekord/0.0.1",
        lambda s: s["signature"]["publicKey"].update(
            content=text(b64decode(s["signature"]["publicKey"]["content"]) * 2)
        ),
        "another key or certificate",
    ),
    "two signatures": (
        "dsse/0.0.1",
        lambda s: s.update(signatures=s["signatures"] * 2),
        "not exactly one signature",
    ),
    "no signatures": ("dsse/0.0.1", lambda s: s.update(signatures=[]), "not exactly one"),
    "a text for signatures": ("dsse/0.0.1", lambda s: s.update(signatures="x"), "not exactly one"),
    "a hash of the payload with another function": (
        "dsse/0.0.1",
        lambda s: s["payloadHash"].update(algorithm="sha512"),
        "another statement",
    ),
    "a hash of the payload without a function": (
        "dsse/0.0.2",
        lambda s: s["dsseV002"]["payloadHash"].pop("algorithm"),
        "another statement",
    ),
    "two verifiers in one": (
        "hashedrekord/0.0.2",
        lambda s: s["hashedRekordV002"]["signature"]["verifier"].update(
            publicKey={"rawBytes": text(b"key")}
        ),
        "does not name one verifier",
    ),
    "no verifier": (
        "hashedrekord/0.0.2",
        lambda s: s["hashedRekordV002"]["signature"].update(verifier={}),
        "does not name one verifier",
    ),
    "another kind inside": (
        "hashedrekord/0.0.2",
        lambda s: s.update(dsseV002=s.pop("hashedRekordV002")),
        "not an object",
    ),
    "a signature in base64 once": (
        "intoto/0.0.2",
        lambda s: s["content"]["envelope"]["signatures"][0].update(
            sig=b64decode(s["content"]["envelope"]["signatures"][0]["sig"]).decode()
        ),
        "not base64",
    ),
    "a signature that is no text": (
        "intoto/0.0.2",
        lambda s: s["content"]["envelope"]["signatures"][0].update(sig=text(b"\xff\xfe")),
        "not base64",
    ),
}


@pytest.mark.parametrize(("kind", "edit", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_malformed_is_refused(forge: Forge, kind: str, edit: Edit, words: str) -> None:
    made = _made(forge, enveloped=not kind.startswith("hashedrekord"))
    with pytest.raises((InputError, VerificationError), match=words):
        bodies.require(_edited(made, kind, edit), _logged(made))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"kind":"dsse"}',
        b'{"kind":"dsse","apiVersion":"0.0.3","spec":{}}',
        b'{"kind":"rekord","apiVersion":"0.0.1","spec":{}}',
        b'{"kind":["dsse"],"apiVersion":"0.0.1","spec":{}}',
        b'{"kind":"dsse","apiVersion":"0.0.1"}',
        b'{"kind":"dsse","kind":"dsse","apiVersion":"0.0.1","spec":{}}',
        b'{"kind":"dsse","apiVersion":"0.0.1","spec":{}} ',
        b'{"a":' * 4000,
        b'{"a":%b}' % (b"1" * 5000),
        b"\xff",
    ],
)
def test_what_is_no_entry_is_refused(forge: Forge, data: bytes) -> None:
    with pytest.raises(InputError):
        bodies.require(data, _logged(_made(forge, enveloped=True)))


@pytest.mark.parametrize(("algorithm", "name"), [("sha384", "SHA2_384"), ("sha512", "SHA2_512")])
def test_longer_hashes_need_the_message(forge: Forge, algorithm: str, name: str) -> None:
    made = _made(forge, enveloped=False)
    digest = hashlib.new(algorithm, FILE).digest()
    first = _edited(
        made,
        "hashedrekord/0.0.1",
        lambda s: s["data"]["hash"].update(algorithm=algorithm, value=digest.hex()),
    )
    second = _edited(
        made,
        "hashedrekord/0.0.2",
        lambda s: s["hashedRekordV002"].update(data={"algorithm": name, "digest": text(digest)}),
    )
    logged = _logged(made)
    alone = replace(logged, signed=replace(logged.signed, message=None))
    for body in (first, second):
        bodies.require(body, logged)
        with pytest.raises(VerificationError, match="other content"):
            bodies.require(body, alone)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_entry_with_one_byte_changed_is_refused_or_means_the_same(
    forge: Forge, data: st.DataObject
) -> None:
    kind, enveloped = data.draw(st.sampled_from(FORMS))
    made = _made(forge, enveloped=enveloped)
    body = bytearray(entry_body(made, kind).data)
    at = data.draw(st.integers(0, 9999)) % len(body)
    body[at] = data.draw(st.integers(0, 255))
    with suppress(SupplyChainError):
        assert bodies.require(bytes(body), _logged(made)) == kind.replace("/", " ")
