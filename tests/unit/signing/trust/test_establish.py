"""Everything that comes with a signature holds, or the signature does not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.errors import InputError, SupplyChainError, VerificationError
from supplychain.model.identity import Clock
from supplychain.signing.bundle import Bundle
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.material import ALONE, Material
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import NOBODY, LogDemand, Trust
from tests.kit.changing import change
from tests.kit.sigstore import AT, HOUR, ISSUER, LIFETIME, YEAR, Forge, entry_body
from tests.kit.sigstore import Signed as Made
from tests.unit.signing.trust.asking import (
    LATER,
    STATEMENT,
    Anybody,
    Nobody,
    ask,
    key_of,
    root_of,
    signed_of,
)

SECOND = timedelta(seconds=1)
OTHER = STATEMENT.replace(b"Statement", b"statement")


def test_by_a_certificate_and_the_log(forge: Forge) -> None:
    made, anybody = forge.attest(STATEMENT), Anybody()
    found = ask(forge, made, identities=(anybody,))
    assert found.identity is not None
    assert (found.identity.name, found.identity.issuer) == ("alice@example.com", ISSUER)
    assert anybody.asked == [found.identity]
    assert found.key_fingerprint == key_of(made.key).fingerprint
    assert [entry.index for entry in found.log_entries] == [made.entry.index]
    assert [(time.at, time.clock) for time in found.times] == [(AT, Clock.LOG)]


def test_by_a_certificate_and_both_clocks_earliest_first(forge: Forge) -> None:
    made = forge.attest(STATEMENT, stamped_at=[AT + 2 * SECOND, AT + SECOND], logged_at=AT + SECOND)
    found = ask(forge, made)
    assert [time.at - AT for time in found.times] == [SECOND, SECOND, 2 * SECOND]


def test_by_a_certificate_and_rekor_2(forge: Forge) -> None:
    found = ask(forge, forge.attest(STATEMENT, log=forge.tiles))
    assert [time.clock for time in found.times] == [Clock.AUTHORITY]
    assert [entry.kind for entry in found.log_entries] == ["hashedrekord 0.0.2"]


def test_of_a_file(forge: Forge) -> None:
    made = forge.sign(b"file")
    assert ask(forge, made).identity is not None
    digest_alone = Signed(made.signature, signed_of(made).sha256)
    material = Bundle.parse(made.bundle()).material
    trust = Trust(identities=(Anybody(),), root=root_of(forge))
    assert establish(digest_alone, material, trust, at=LATER).identity is not None


def test_in_two_logs(forge: Forge) -> None:
    first = forge.attest(STATEMENT)
    second = forge.tiles.record(entry_body(first, "hashedrekord/0.0.2"), AT)
    made = replace(first, entries=(first.entry, second))
    assert len(ask(forge, made).log_entries) == 2
    with pytest.raises(VerificationError, match="is there twice"):
        ask(forge, replace(first, entries=first.entries * 2))
    again = forge.rekor.record(entry_body(first, "dsse/0.0.1"), AT)
    assert len(ask(forge, replace(first, entries=(first.entry, again))).log_entries) == 2


def _badly(forge: Forge, other: Forge) -> Made:
    made = forge.attest(STATEMENT, stamped_at=[AT])
    return replace(
        made, timestamps=(*made.timestamps, other.clock.stamp(made.signature, AT + SECOND))
    )


def _twice(forge: Forge, _: Forge) -> Made:
    made = forge.attest(STATEMENT, stamped_at=[AT])
    return replace(made, timestamps=made.timestamps * 2)


FORGERIES: dict[str, tuple[Callable[[Forge, Forge], Made], str]] = {
    "issued by another": (
        lambda f, o: f.attest(STATEMENT, authority=o.authority),
        "no trusted authority",
    ),
    "expired when it signed": (
        lambda f, _: f.attest(STATEMENT, valid=(AT - 2 * HOUR, AT - HOUR)),
        "not valid when it signed",
    ),
    "not yet valid": (
        lambda f, _: f.attest(STATEMENT, valid=(AT + HOUR, AT + 2 * HOUR)),
        "not valid when it signed",
    ),
    "never published": (lambda f, _: f.attest(STATEMENT, ct=()), "never published"),
    "published elsewhere": (lambda f, o: f.attest(STATEMENT, ct=(o.ct,)), "a log that is trusted"),
    "signed by another key": (
        lambda f, _: replace(
            f.attest(STATEMENT), certificate=f.certificate(), entries=f.attest(STATEMENT).entries
        ),
        "does not verify",
    ),
    "of other content": (
        lambda f, _: replace(f.attest(STATEMENT), payload=OTHER),
        "does not verify",
    ),
    "logged as another": (
        lambda f, _: f.attest(STATEMENT, body=entry_body(f.attest(OTHER), "dsse/0.0.1")),
        "is about another",
    ),
    "logged elsewhere": (lambda f, o: f.attest(STATEMENT, log=o.rekor), "does not name"),
    "in no log": (lambda f, _: f.attest(STATEMENT, log=None), "no transparency log"),
    "stamped by another": (
        lambda f, o: f.attest(STATEMENT, log=f.tiles, clock=o.clock),
        "timestamp does not verify",
    ),
    "stamped after it expired": (
        lambda f, _: f.attest(STATEMENT, stamped_at=[AT + HOUR]),
        "not valid when it signed",
    ),
    "stamped for another": (
        lambda f, _: replace(
            f.attest(STATEMENT, log=f.tiles), timestamps=f.attest(OTHER, log=f.tiles).timestamps
        ),
        "timestamp does not verify",
    ),
    "stamped once well and once badly": (
        _badly,
        "timestamp does not verify",
    ),
    "stamped twice by the same": (_twice, "same timestamp is there twice"),
    "at no time": (
        lambda f, _: f.attest(STATEMENT, log=f.tiles, stamped_at=[]),
        "nothing tells when",
    ),
    "at a time that the log does not promise": (
        lambda f, _: f.attest(STATEMENT).with_entry(promise=None),
        "nothing tells when",
    ),
    "logged once well and once badly": (
        lambda f, o: replace(
            one := f.attest(STATEMENT),
            entries=(one.entry, o.rekor.record(entry_body(one, "dsse/0.0.1"), AT)),
        ),
        "does not name",
    ),
}


@pytest.mark.parametrize(("make", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_what_does_not_hold(
    forge: Forge, other: Forge, make: Callable[[Forge, Forge], Made], words: str
) -> None:
    with pytest.raises((InputError, VerificationError), match=words):
        ask(forge, make(forge, other))


def test_somebody_else(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    with pytest.raises(VerificationError, match="somebody who is not trusted"):
        ask(forge, made, identities=(Nobody(),))
    assert ask(forge, made, identities=(Nobody(), Anybody())).identity is not None
    with pytest.raises(VerificationError, match="no identity is trusted"):
        ask(forge, made, identities=(), keys=(key_of(made.key),))
    with pytest.raises(VerificationError, match="no identity is trusted"):
        establish(signed_of(made), Bundle.parse(made.bundle()).material, NOBODY, at=LATER)


def test_a_key_is_no_certificate_and_the_other_way_round(forge: Forge) -> None:
    """Whose certificate is trusted does not sign with the bare key, nor the key with another's."""
    made = forge.attest(STATEMENT)
    bare = replace(made, certificate=None, entries=())
    with pytest.raises(VerificationError, match="no given key"):
        ask(forge, bare)
    keyed = forge.attest(STATEMENT, keyed=True, log=None)
    assert ask(forge, keyed, keys=(key_of(keyed.key),)).identity is None
    certified = replace(keyed, certificate=made.certificate)
    with pytest.raises(VerificationError, match="does not verify"):
        ask(forge, certified, keys=(key_of(keyed.key),))


def test_without_a_root_nothing_of_a_service_is_believed(forge: Forge) -> None:
    keyed = forge.attest(STATEMENT, keyed=True)
    stamped = forge.attest(STATEMENT, keyed=True, log=None, stamped_at=[AT])
    for made, words in (
        (forge.attest(STATEMENT), "comes with a certificate"),
        (keyed, "comes with a transparency log entry"),
        (stamped, "comes with a timestamp"),
    ):
        with pytest.raises(VerificationError, match=words):
            ask(forge, made, keys=(key_of(made.key),), root=None)


def test_a_key_alone(forge: Forge) -> None:
    made = forge.attest(STATEMENT, keyed=True, log=None)
    found = ask(forge, made, keys=(key_of(forge.authority.key), key_of(made.key)), root=None)
    assert (found.identity, found.log_entries, found.times) == (None, (), ())
    assert found.key_fingerprint == key_of(made.key).fingerprint
    with pytest.raises(VerificationError, match="no given key"):
        ask(forge, made, keys=(key_of(forge.authority.key),))
    with pytest.raises(VerificationError, match="no given key"):
        establish(signed_of(made), ALONE, Trust(), at=LATER)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("enveloped", [True, False])
def test_a_key_in_a_log(forge: Forge, version: int, *, enveloped: bool) -> None:
    make = forge.attest if enveloped else forge.sign
    made = make(STATEMENT, keyed=True, log=forge.rekor if version == 1 else forge.tiles)
    found = ask(forge, made, keys=(key_of(made.key),), log_of_keys=LogDemand.REQUIRED)
    assert len(found.log_entries) == 1
    assert [time.at for time in found.times] == ([AT] if version == 1 else [])


def test_a_key_in_the_log_under_another_name(forge: Forge) -> None:
    key = forge.attest(STATEMENT).key
    certified = forge.attest(STATEMENT, key=key)
    keyed = forge.attest(STATEMENT, key=key, keyed=True)
    mixed = replace(certified, certificate=None)
    with pytest.raises(VerificationError, match="another key or certificate"):
        ask(forge, mixed, keys=(key_of(key),))
    other = replace(keyed, entries=forge.attest(OTHER, key=key, keyed=True).entries)
    with pytest.raises(VerificationError, match="is about another"):
        ask(forge, other, keys=(key_of(key),))


def test_a_key_with_a_timestamp(forge: Forge, other: Forge) -> None:
    made = forge.attest(STATEMENT, keyed=True, log=None, stamped_at=[AT])
    trusted: dict[str, Any] = {"keys": (key_of(made.key),), "timestamp": True}
    assert [time.at for time in ask(forge, made, **trusted).times] == [AT]
    bare = replace(made, timestamps=())
    with pytest.raises(VerificationError, match="no timestamp authority says when"):
        ask(forge, bare, **trusted)
    foreign = replace(made, timestamps=(other.clock.stamp(made.signature, AT),))
    for demanded in (True, False):
        with pytest.raises(VerificationError, match="timestamp does not verify"):
            ask(forge, foreign, **{**trusted, "timestamp": demanded})
    logged = forge.attest(STATEMENT, keyed=True)
    with pytest.raises(VerificationError, match="no timestamp authority says when"):
        ask(forge, logged, keys=(key_of(logged.key),), timestamp=True)


def test_in_the_older_form_an_envelope_is_stamped_as_a_whole(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    envelope = json.dumps(made.envelope()).encode()
    signed = replace(signed_of(made), envelope=envelope)
    trust = Trust(identities=(Anybody(),), root=root_of(forge))

    def asked(stamped: bytes, about: Signed) -> list[Any]:
        timestamps = (forge.clock.stamp(stamped, AT + SECOND),)
        material = replace(Material.of_annotations(dict(made.annotations())), timestamps=timestamps)
        found = establish(about, material, trust, at=LATER)
        return [(time.at, time.clock) for time in found.times]

    both = [(AT, Clock.LOG), (AT + SECOND, Clock.AUTHORITY)]
    assert asked(envelope, signed) == asked(made.signature, signed) == both
    for stamped, about in ((envelope + b" ", signed), (envelope, signed_of(made))):
        with pytest.raises(VerificationError, match="timestamp does not verify"):
            asked(stamped, about)


def test_what_is_demanded_of_logs(forge: Forge, other: Forge) -> None:
    genuine = forge.attest(STATEMENT, stamped_at=[AT])
    bare = replace(genuine, entries=())
    foreign = replace(genuine, entries=(other.rekor.record(entry_body(genuine, "dsse/0.0.1"), AT),))
    table = {
        LogDemand.REQUIRED: (1, None, None),
        LogDemand.OPTIONAL: (1, 0, None),
        LogDemand.IGNORED: (0, 0, 0),
    }
    for demand, expected in table.items():
        for made, entries in zip((genuine, bare, foreign), expected, strict=True):
            if entries is None:
                with pytest.raises(VerificationError):
                    ask(forge, made, log_of_identities=demand)
            else:
                found = ask(forge, made, log_of_identities=demand)
                assert len(found.log_entries) == entries
                assert len(found.times) == 1 + entries
    only_logged = forge.attest(STATEMENT)
    with pytest.raises(VerificationError, match="nothing tells when"):
        ask(forge, only_logged, log_of_identities=LogDemand.IGNORED)


def test_each_demand_is_for_its_own_kind_of_signer(forge: Forge) -> None:
    keyed = forge.attest(STATEMENT, keyed=True, log=None)
    keys = (key_of(keyed.key),)
    assert not ask(forge, keyed, keys=keys, log_of_identities=LogDemand.REQUIRED).log_entries
    with pytest.raises(VerificationError, match="no transparency log"):
        ask(forge, keyed, keys=keys, log_of_keys=LogDemand.REQUIRED)
    certified = forge.attest(STATEMENT, log=None, stamped_at=[AT])
    with pytest.raises(VerificationError, match="no transparency log"):
        ask(forge, certified, log_of_keys=LogDemand.IGNORED)
    assert not ask(forge, certified, log_of_identities=LogDemand.OPTIONAL).log_entries


def test_it_need_not_be_published_where_that_is_not_demanded(forge: Forge) -> None:
    made = forge.attest(STATEMENT, ct=())
    assert ask(forge, made, published=False).identity is not None
    with pytest.raises(VerificationError, match="never published"):
        ask(forge, made)


def test_nothing_is_from_the_future(forge: Forge) -> None:
    made = forge.attest(STATEMENT, stamped_at=[AT + SECOND])
    minute = timedelta(minutes=1)
    assert ask(forge, made, at=AT + SECOND - minute).times
    with pytest.raises(VerificationError, match="from the future"):
        ask(forge, made, at=AT - minute)
    keyed = forge.attest(STATEMENT, keyed=True)
    with pytest.raises(VerificationError, match="from the future"):
        ask(forge, keyed, keys=(key_of(keyed.key),), at=AT - HOUR)


def test_the_whole_life_of_a_certificate_is_believed_and_no_second_more(forge: Forge) -> None:
    for moment, holds in ((AT, True), (AT + LIFETIME, True), (AT - SECOND, False)):
        made = forge.attest(STATEMENT, logged_at=moment)
        if holds:
            assert ask(forge, made).times
        else:
            with pytest.raises(VerificationError, match="not valid when it signed"):
                ask(forge, made)
    made = forge.attest(STATEMENT, logged_at=AT + LIFETIME, stamped_at=[AT + LIFETIME + SECOND])
    with pytest.raises(VerificationError, match="not valid when it signed"):
        ask(forge, made)


def test_without_any_time_a_log_s_key_must_be_in_use_now(forge: Forge) -> None:
    made = forge.attest(STATEMENT, keyed=True, log=forge.tiles)
    members = {"logs": (replace(forge.tiles, trusted=(AT - YEAR, AT + HOUR)),)}
    trusted: dict[str, Any] = {"keys": (key_of(made.key),), "members": members}
    assert ask(forge, made, at=AT + HOUR, **trusted).log_entries
    with pytest.raises(VerificationError, match="the log entry is of"):
        ask(forge, made, at=AT + HOUR + SECOND, **trusted)
    stamped = replace(made, timestamps=(forge.clock.stamp(made.signature, AT),))
    assert ask(forge, stamped, at=AT + YEAR, **trusted).log_entries


def test_a_root_that_cannot_be_read_is_no_reason_to_believe(forge: Forge) -> None:
    with pytest.raises(InputError):
        ask(forge, forge.attest(STATEMENT), root=lambda: TrustedRoot.parse(b"{}"))


def test_a_certificate_that_is_none(forge: Forge) -> None:
    made = forge.attest(STATEMENT)
    trust = Trust(identities=(Anybody(),), root=root_of(forge))
    for data in (b"", b"0", made.bundle()):
        with pytest.raises(InputError):
            establish(signed_of(made), Material(certificate=data), trust, at=LATER)


@pytest.fixture(scope="module")
def stamped(forge: Forge) -> tuple[Made, Made]:
    """One of each log, always the same, for what is drawn must not depend on what was made."""
    first = forge.attest(STATEMENT, stamped_at=[AT])
    return first, forge.attest(STATEMENT, log=forge.tiles, stamped_at=[AT])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_bundle_with_any_value_changed_is_refused_or_proves_the_same(
    forge: Forge, stamped: tuple[Made, Made], data: st.DataObject
) -> None:
    """Nothing that comes with a signature can be changed so that something else is shown."""
    made = data.draw(st.sampled_from(stamped))
    genuine = ask(forge, made)
    value: Any = made.value()
    change(value["verificationMaterial"], data)
    trust = Trust(identities=(Anybody(),), root=root_of(forge))
    with suppress(SupplyChainError):
        read = Bundle.parse(json.dumps(value).encode())
        found = establish(signed_of(made), read.material, trust, at=LATER)
        assert found.identity == genuine.identity
        assert found.key_fingerprint == genuine.key_fingerprint
        assert set(found.times) <= set(genuine.times)
        assert {entry.log_id for entry in found.log_entries} == {
            entry.log_id for entry in genuine.log_entries
        }
