"""A keyless bundle of which something was changed: refused, or the very payload that was signed."""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import SupplyChainError
from supplychain.model.artifact import Descriptor
from supplychain.model.digest import Digest
from supplychain.model.evidence import SIGNATURE_PREDICATE
from supplychain.model.subject import Subject
from supplychain.signing import dsse, embedded, simplesigning, statement
from supplychain.signing.bundle import MEDIA_TYPE, Bundle
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.trust import LogDemand, Trust
from supplychain.signing.verification import verify_document
from tests.kit.keys import signer
from tests.kit.scene import NOW, Somebody
from tests.kit.sigstore import Forge, Signed

SUBJECT = Subject("registry.example/app", Digest.of(b"a manifest"))
STATEMENT = statement.write(SUBJECT, SIGNATURE_PREDICATE, b"{}")
SIMPLE = simplesigning.write(SUBJECT)
BUNDLES = ("a key", "a log", "a newer log", "a timestamp")
OLDER = ("an envelope", "a layer", "a layer of an attestation")
FORMS = (*BUNDLES, *OLDER)
EXAMPLES = settings(max_examples=120)


@cache
def _forge() -> Forge:
    return Forge.create()


@cache
def _root() -> TrustedRoot:
    return TrustedRoot.parse(_forge().trusted_root())


@cache
def _genuine(form: str) -> tuple[str, bytes]:
    """A signature that is believed: its media type, and its bytes."""
    forge = _forge()
    sealed = dsse.seal(STATEMENT, signer())
    if form == "a key":
        return MEDIA_TYPE, Bundle.by_key(signer().public_key.hint, sealed).encode()
    if form == "an envelope":
        return dsse.MEDIA_TYPE, sealed.encode()
    if form == "a layer":
        return embedded.MEDIA_TYPE, _layer(forge.sign(SIMPLE, stamped_at=[forge.at]), SIMPLE)
    if form == "a layer of an attestation":
        made = forge.attest(STATEMENT, stamped_at=[forge.at])
        return embedded.MEDIA_TYPE, _layer(made, json.dumps(made.envelope()).encode())
    logs = {"a log": forge.rekor, "a newer log": forge.tiles}
    return MEDIA_TYPE, forge.attest(STATEMENT, log=logs.get(form)).bundle()


def _layer(signed: Signed, content: bytes) -> bytes:
    kind = simplesigning.MEDIA_TYPE if signed.payload_type is None else dsse.MEDIA_TYPE
    annotations = tuple(sorted(signed.annotations().items()))
    layer = Descriptor(kind, Digest.of(content), len(content), annotations=annotations)
    return embedded.embed(layer, content)


def _believed(form: str, data: bytes) -> bool:
    """Whether it is; if so, it has to be what was signed, and all that was proved of it."""
    kind, genuine = _genuine(form)
    trust = Trust((signer().public_key,), (Somebody(),), _root)
    try:
        proven = verify_document(data, kind, SUBJECT, _demanding(trust, form), at=NOW)
    except SupplyChainError:
        return False
    signed = SIMPLE if form == "a layer" else STATEMENT
    assert proven.payload == Digest.of(signed)
    original = verify_document(genuine, kind, SUBJECT, _demanding(trust, form), at=NOW)
    assert proven.identity == original.identity
    assert proven.key_fingerprint == original.key_fingerprint
    assert proven.log_entries == original.log_entries
    assert proven.times == original.times
    return True


def _demanding(trust: Trust, form: str) -> Trust:
    """As much as the form has: nothing of it can then be left away."""
    if form in {"a key", "an envelope"}:
        return trust
    log = LogDemand.OPTIONAL if form == "a timestamp" else LogDemand.REQUIRED
    return replace(trust, log_of_identities=log, timestamp=form != "a log")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_changed_is_believed(form: str) -> None:
    assert _believed(form, _genuine(form)[1])


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@EXAMPLES
def test_one_byte_changed_inserted_or_deleted(form: str, data: st.DataObject) -> None:
    genuine = _genuine(form)[1]
    at = data.draw(st.integers(0, len(genuine) - 1), "where")
    byte = bytes([data.draw(st.integers(0, 255), "byte")])
    _believed(form, genuine[:at] + byte + genuine[at + 1 :])
    _believed(form, genuine[:at] + byte + genuine[at:])
    _believed(form, genuine[:at] + genuine[at + 1 :])


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@EXAMPLES
def test_two_members_swapped(form: str, data: st.DataObject) -> None:
    """Values exchanged between any two places of the document."""
    value = json.loads(_genuine(form)[1])
    places = _places(value)
    one = data.draw(st.sampled_from(places), "one")
    two = data.draw(st.sampled_from(places), "two")
    first, second = one[0][one[1]], two[0][two[1]]
    one[0][one[1]], two[0][two[1]] = second, first
    try:
        changed = json.dumps(value).encode()
    except (ValueError, RecursionError):
        return  # one was within the other
    _believed(form, changed)


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@EXAMPLES
def test_a_member_removed_or_replaced(form: str, data: st.DataObject) -> None:
    value = json.loads(_genuine(form)[1])
    place, name = data.draw(st.sampled_from(_places(value)), "where")
    if data.draw(st.booleans(), "remove"):
        del place[name]
    else:
        odd: list[object] = [None, True, -1, 2**70, 1.5, "", "AAAA", [], {}, [None], "é\0"]
        place[name] = data.draw(st.sampled_from(odd), "odd")
    _believed(form, json.dumps(value).encode())


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every member and element of a document, as what holds it and its name or number."""
    if not isinstance(value, dict | list):
        return []
    names = list(value) if isinstance(value, dict) else range(len(value))
    return [place for name in names for place in [(value, name), *_places(value[name])]]


@pytest.mark.parametrize("form", ["a log", "a newer log"])
def test_one_bit_flipped_in_any_bytes_that_are_encoded(form: str) -> None:
    """Within base64, where a changed byte of the document is often no base64 at all."""
    chance = random.Random(4)
    genuine = json.loads(_genuine(form)[1])
    for place, name in _places(genuine):
        try:
            raw = bytearray(b64decode(place[name], validate=True))
        except (TypeError, ValueError):
            continue
        for _ in range(20 if raw else 0):
            at, bit = chance.randrange(len(raw)), 1 << chance.randrange(8)
            raw[at] ^= bit
            kept, place[name] = place[name], b64encode(raw).decode()
            _believed(form, json.dumps(genuine).encode())
            place[name] = kept
            raw[at] ^= bit
