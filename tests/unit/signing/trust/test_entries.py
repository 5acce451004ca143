"""Entries of logs as bundles and cosign's annotations carry them, with promises and proofs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from supplychain.errors import InputError, VerificationError
from supplychain.model.identity import Clock, TrustedTime
from supplychain.signing.trust.entries import Entry
from tests.kit.sigstore import AT, HOUR, YEAR, Forge, TransparencyLog
from tests.kit.sigstore import Signed as Made
from tests.unit.signing.trust.asking import STATEMENT, logged_of, root_of

SECOND = timedelta(seconds=1)


def _require(forge: Forge, made: Made, *, proof: bool = True, **members: Any) -> Any:
    entry = Entry.parse(made.entry.value())
    logs = root_of(forge, **members)().logs
    return entry.require(logged_of(made), logs, [AT], proof=proof)


def test_an_entry_of_rekor_1_promises_an_instant(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    found, time = _require(forge, made)
    assert (found.log, found.log_id) == (forge.rekor.url, forge.rekor.log_id.hex())
    assert (found.index, found.kind) == (made.entry.index, "dsse 0.0.1")
    assert time == TrustedTime(AT, Clock.LOG, forge.rekor.url)


def test_an_entry_of_rekor_2_promises_none(forge: Forge) -> None:
    made = forge.attest(STATEMENT, log=forge.tiles)
    found, time = _require(forge, made)
    assert (found.log, found.index, found.kind) == (
        forge.tiles.url,
        made.entry.index,
        "hashedrekord 0.0.2",
    )
    assert time is None


def test_the_first_entry_of_a_log(forge: Forge) -> None:
    for version in (1, 2):
        log = TransparencyLog.create("first", version, filled=0, offset=0)
        made = forge.attest(STATEMENT, log=log)
        value: Any = made.entry.value()
        # As protobuf's writers spell it: what is zero or empty is left out.
        del value["logIndex"], value["inclusionProof"]["logIndex"]
        found, _ = Entry.parse(value).require(
            logged_of(made), root_of(forge, logs=(log,))().logs, [AT], proof=True
        )
        assert found.index == 0


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_a_log_with_a_longer_key(forge: Forge, curve: ec.EllipticCurve) -> None:
    log = TransparencyLog.create("long", key=ec.generate_private_key(curve))
    value: Any = forge.trusted_root_value(logs=(log,))
    size = 384 if isinstance(curve, ec.SECP384R1) else 521
    hashed = 384 if size == 384 else 512
    value["tlogs"][0]["publicKey"]["keyDetails"] = f"PKIX_ECDSA_P{size}_SHA_{hashed}"
    from supplychain.signing.trust.root import TrustedRoot

    root = TrustedRoot.parse(json.dumps(value).encode())
    made = forge.attest(STATEMENT, log=log)
    entry = Entry.parse(made.entry.value())
    _, time = entry.require(logged_of(made), root.logs, [AT], proof=True)
    assert time is not None


def test_what_the_promise_covers_is_what_is_reported(forge: Forge) -> None:
    """Index, instant, log and body: each of them changed breaks it."""
    made = forge.attest(STATEMENT)
    for wrong in (
        made.with_entry(index=made.entry.index + 1),
        made.with_entry(promise=made.entry.promise[:-1] + b"\0" if made.entry.promise else b""),
        made.with_entry(promise=forge.attest(STATEMENT).entry.promise),
        replace(made, entries=(replace(made.entry, integrated_at=AT + SECOND),)),
    ):
        with pytest.raises(VerificationError, match="the log's promise does not verify"):
            _require(forge, wrong)


def test_without_a_promise_it_is_the_proved_index_that_is_reported(forge: Forge) -> None:
    made = forge.attest(STATEMENT).with_entry(promise=None, index=7)
    assert made.entry.proof is not None
    found, time = _require(forge, made)
    assert (found.index, time) == (made.entry.proof.index, None)


def test_a_log_that_counts_through_all_its_trees_has_one_index(forge: Forge) -> None:
    made = forge.attest(STATEMENT, log=forge.tiles)
    with pytest.raises(VerificationError, match="another index than its inclusion proof"):
        _require(forge, made.with_entry(index=made.entry.index + 1))


def test_rekor_2_promises_nothing_even_where_its_key_signed(forge: Forge) -> None:
    made = forge.attest(STATEMENT, log=forge.tiles)
    dated = replace(made.entry, integrated_at=AT)
    promised = replace(dated, promise=forge.tiles.promise(dated))
    with pytest.raises(VerificationError, match="of a kind that has none"):
        _require(forge, replace(made, entries=(promised,)))
    # An instant that nobody signed is not believed, and not shown either.
    assert _require(forge, replace(made, entries=(dated,)))[1] is None


def test_a_promise_needs_an_instant(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    value: Any = made.entry.value()
    for nothing in ("0", 0, None):
        entry = Entry.parse({**value, "integratedTime": nothing})
        with pytest.raises(InputError, match="at no time"):
            entry.require(logged_of(made), root_of(forge)().logs, [AT], proof=True)


def test_proof_or_promise_as_the_bundle_s_version_has_it(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    bare, proved = made.with_entry(proof=None), made.with_entry(promise=None)
    assert _require(forge, bare, proof=False)[1] is not None
    with pytest.raises(VerificationError, match="no inclusion proof"):
        _require(forge, bare)
    with pytest.raises(VerificationError, match="no promise of the log"):
        _require(forge, proved, proof=False)
    with pytest.raises(VerificationError):
        _require(forge, made.with_entry(proof=None, promise=None))
    # What need not be there has to hold where it is there.
    with pytest.raises(VerificationError, match="shorter than the tree"):
        _require(forge, made.with_proof(hashes=()), proof=False)


def test_the_kind_that_is_said_is_the_kind_that_it_is(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    for kind in (("dsse", "0.0.2"), ("hashedrekord", "0.0.1"), ("", "")):
        with pytest.raises(VerificationError, match="says that it is"):
            _require(forge, made.with_entry(kind=kind))


def test_a_log_counts_while_its_key_is_in_use(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    for start, end, holds in (
        (AT - HOUR, None, True),
        (AT, AT, True),
        (AT - HOUR, AT - SECOND, False),
        (AT + SECOND, None, False),
    ):
        log = replace(forge.rekor, trusted=(start, end))
        if holds:
            assert _require(forge, made, logs=(log,))[1] is not None
        else:
            with pytest.raises(VerificationError, match="the log entry is of"):
                _require(forge, made, logs=(log,))


def test_without_a_promise_it_counts_at_every_instant_that_is_known(forge: Forge) -> None:
    made = forge.attest(STATEMENT, log=forge.tiles)
    entry = Entry.parse(made.entry.value())
    logs = root_of(forge, logs=(replace(forge.tiles, trusted=(AT - HOUR, AT + HOUR)),))().logs
    entry.require(logged_of(made), logs, [AT - HOUR, AT + HOUR], proof=True)
    with pytest.raises(VerificationError, match="the log entry is of"):
        entry.require(logged_of(made), logs, [AT, AT + HOUR + SECOND], proof=True)


def test_a_log_whose_key_was_replaced(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    with pytest.raises(VerificationError, match="that the trusted root does not name"):
        _require(forge, made, logs=(forge.rekor.rotated(),))
    both = (forge.rekor.rotated(), replace(forge.rekor, trusted=(AT - YEAR, AT + HOUR)))
    assert _require(forge, made, logs=both)[1] is not None


def test_another_log_s_entry_does_not_become_this_log_s_by_its_id(
    forge: Forge, other: Forge
) -> None:
    foreign = forge.attest(STATEMENT, log=other.rekor)
    with pytest.raises(VerificationError, match="not signed by the log"):
        _require(forge, foreign.with_entry(log_id=forge.rekor.log_id))
    with pytest.raises(VerificationError, match="promise does not verify"):
        _require(forge, foreign.with_entry(log_id=forge.rekor.log_id, proof=None), proof=False)


def _annotation(made: Made) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(made.annotations()["dev.sigstore.cosign/bundle"])
    return read


def test_an_annotation_is_a_promise(forge: Forge) -> None:
    made = forge.sign(b"payload")
    entry = Entry.parse_annotation(json.dumps(_annotation(made)))
    found, time = entry.require(logged_of(made), root_of(forge)().logs, [], proof=False)
    assert (found.index, found.kind) == (made.entry.index, "hashedrekord 0.0.1")
    assert time is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logID": "C0"}, "not hexadecimal"),
        ({"logID": "c0 d2"}, "not hexadecimal"),
        ({"logID": "c"}, "not hexadecimal"),
        ({"logID": "c０"}, "not hexadecimal"),
        ({"logID": None}, "not a string"),
        ({"logIndex": -1}, "no number"),
        ({"integratedTime": "soon"}, "no number"),
        ({"integratedTime": 2**62}, "no instant"),
        ({"body": "e w=="}, "not base64"),
        ({"body": {}}, "not a string"),
        ({"more": 1}, "not understood"),
    ],
)
def test_an_annotation_that_is_none(forge: Forge, changes: dict[str, Any], words: str) -> None:
    value = _annotation(forge.sign(b"payload"))
    value["Payload"].update(changes)
    with pytest.raises(InputError, match=words):
        Entry.parse_annotation(json.dumps(value))


@pytest.mark.parametrize("annotation", ["", "[]", "{}", '{"SignedEntryTimestamp":""}', "\x00"])
def test_text_that_is_no_annotation(annotation: str) -> None:
    with pytest.raises(InputError):
        Entry.parse_annotation(annotation)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logId": None}, "has no 'logId'"),
        ({"logId": {}}, "has no 'keyId'"),
        ({"kindVersion": None}, "has no 'kindVersion'"),
        ({"kindVersion": {"kind": "dsse"}}, "has no 'version'"),
        ({"canonicalizedBody": None}, "has no 'canonicalizedBody'"),
        ({"logIndex": "-1"}, "no number"),
        ({"integratedTime": 1.5}, "no number"),
        ({"inclusionPromise": {"signature": ""}}, "has no 'signedEntryTimestamp'"),
        ({"inclusionPromise": {}}, "has no 'signedEntryTimestamp'"),
        ({"inclusionPromise": {"signedEntryTimestamp": ""}}, "promise is empty"),
        ({"inclusionProof": []}, "not an object"),
        ({"canonicalizedBody": "e30"}, "base64"),
        ({"witness": 1}, "not understood"),
    ],
)
def test_an_entry_that_is_none(forge: Forge, changes: dict[str, Any], words: str) -> None:
    value = {**forge.attest(STATEMENT).entry.value(), **changes}
    with pytest.raises(InputError, match=words):
        Entry.parse(value)


def test_an_entry_without_a_log_is_of_no_log(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    value = {**made.entry.value(), "logId": {"keyId": ""}}
    with pytest.raises(VerificationError) as caught:
        Entry.parse(value).require(logged_of(made), root_of(forge)().logs, [AT], proof=True)
    assert caught.value.because == "its ID is empty"
