"""Whatever one byte of a signature becomes: refused, or the very payload that was signed."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import SupplyChainError
from supplychain.model.digest import Digest
from supplychain.model.subject import Subject
from supplychain.signing import dsse, legacy, simplesigning, statement
from supplychain.signing.bundle import Bundle
from supplychain.signing.legacy_writing import Layer
from supplychain.signing.simplesigning import SignatureLayer, SimpleSigning
from supplychain.signing.statement import Statement
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify_bundle, verify_document
from tests.kit.keys import signer

AT = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SUBJECT = Subject("registry.example/app", Digest.of(b"a manifest"))
PAYLOAD = statement.write(
    SUBJECT, "https://cyclonedx.org/bom", b'{ "bomFormat": "CycloneDX", "x": [1, "\\u00e9"] }\n'
)
KEY = signer().public_key
GENUINE = Bundle.by_key(KEY.hint, dsse.seal(PAYLOAD, signer())).encode()


def _refused_or_the_same(data: bytes) -> None:
    try:
        proven = verify_bundle(data, SUBJECT, Trust((KEY,)), at=AT)
    except SupplyChainError:
        return
    assert proven.payload == Digest.of(PAYLOAD)
    assert Bundle.parse(data).envelope.payload == PAYLOAD


def test_every_byte_with_one_bit_flipped() -> None:
    assert verify_bundle(GENUINE, SUBJECT, Trust((KEY,)), at=AT).payload == Digest.of(PAYLOAD)
    for at in range(len(GENUINE)):
        for bit in (1, 32, 128):
            data = bytearray(GENUINE)
            data[at] ^= bit
            _refused_or_the_same(bytes(data))


@settings(max_examples=600)
@given(at=st.integers(0, len(GENUINE) - 1), byte=st.binary(max_size=3))
def test_any_byte_replaced_removed_or_added_to(at: int, byte: bytes) -> None:
    _refused_or_the_same(GENUINE[:at] + byte + GENUINE[at + 1 :])
    _refused_or_the_same(GENUINE[:at] + byte + GENUINE[at:])


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_at_all_raise_only_our_errors(data: bytes) -> None:
    _refused_or_the_same(data)
    for parse in (
        Bundle.parse,
        Statement.parse,
        dsse.Envelope.decode,
        SignatureLayer.parse,
        SimpleSigning.parse,
    ):
        try:
            parse(data)
        except SupplyChainError:
            continue


@settings(max_examples=400)
@given(at=st.integers(0, len(PAYLOAD) - 1), byte=st.binary(max_size=2))
def test_a_changed_payload_is_never_believed(at: int, byte: bytes) -> None:
    changed = PAYLOAD[:at] + byte + PAYLOAD[at + 1 :]
    genuine = Bundle.parse(GENUINE).envelope
    data = Bundle.by_key(KEY.hint, dsse.Envelope(changed, genuine.signature)).encode()
    _refused_or_the_same(data)


@settings(max_examples=300)
@given(at=st.integers(0, len(PAYLOAD) - 1), byte=st.binary(max_size=2))
def test_a_signed_statement_however_strange_raises_only_our_errors(at: int, byte: bytes) -> None:
    strange = PAYLOAD[:at] + byte + PAYLOAD[at + 1 :]
    try:
        read = Statement.parse(strange)
        read.require(SUBJECT.digest)
    except SupplyChainError:
        return
    assert {"sha256": SUBJECT.digest.hex} in read.subjects


SIMPLE = simplesigning.write(SUBJECT)
KEPT = Layer.of_signature(SignatureLayer(SIMPLE, signer().sign(SIMPLE))).stored(SUBJECT.digest)


def _refused_or_the_same_signature(data: bytes) -> None:
    try:
        proven = verify_document(data, KEPT.media_type, SUBJECT, Trust((KEY,)), at=AT)
    except SupplyChainError:
        return
    assert proven.payload == Digest.of(SIMPLE)


def test_every_byte_of_a_legacy_signature_with_one_bit_flipped() -> None:
    proven = verify_document(KEPT.data, KEPT.media_type, SUBJECT, Trust((KEY,)), at=AT)
    assert proven.payload == Digest.of(SIMPLE)
    for at in range(len(KEPT.data)):
        for bit in (1, 32, 128):
            data = bytearray(KEPT.data)
            data[at] ^= bit
            _refused_or_the_same_signature(bytes(data))


@settings(max_examples=400)
@given(at=st.integers(0, len(SIMPLE) - 1), byte=st.binary(max_size=2))
def test_a_changed_legacy_payload_is_never_believed(at: int, byte: bytes) -> None:
    changed = SIMPLE[:at] + byte + SIMPLE[at + 1 :]
    genuine = SignatureLayer.parse(KEPT.data)
    made = Layer.of_signature(SignatureLayer(changed, genuine.signature))
    _refused_or_the_same_signature(made.stored(SUBJECT.digest).data)


@settings(max_examples=300)
@given(at=st.integers(0, len(SIMPLE) - 1), byte=st.binary(max_size=2))
def test_a_signed_legacy_payload_however_strange_raises_only_our_errors(
    at: int, byte: bytes
) -> None:
    strange = SIMPLE[:at] + byte + SIMPLE[at + 1 :]
    try:
        read = SimpleSigning.parse(strange)
        read.require(SUBJECT.digest)
    except SupplyChainError:
        return
    assert read.digest == str(SUBJECT.digest)


def test_the_legacy_forms_have_tags_of_their_own() -> None:
    tags = {legacy.tag(SUBJECT.digest, suffix) for suffix in legacy.Suffix}
    assert tags == {f"sha256-{SUBJECT.digest.hex}.{suffix}" for suffix in ("sig", "att")}
