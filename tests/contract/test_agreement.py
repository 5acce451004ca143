"""What Sigstore's own verifier believes we believe, and what it does not we do not.

Where the two differ on purpose, it is written down below with its reason; a difference that is not
there is a bug of ours until shown otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigstore.errors import Error
from sigstore.models import Bundle as TheirBundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as TheirPolicy
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

from supplychain.errors import SupplyChainError
from supplychain.model.identity import Identity as Found
from supplychain.signing.bundle import Bundle
from supplychain.signing.dsse import Envelope, pre_authentication_encoding
from supplychain.signing.trust.establish import establish
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust
from tests.kit.changing import change
from tests.kit.sigstore import (
    AT,
    HOUR,
    ISSUER,
    YEAR,
    Authority,
    Forge,
    Identity,
    TimestampAuthority,
    TransparencyLog,
    entry_body,
)
from tests.kit.sigstore import Signed as Made

STATEMENT = json.dumps(
    {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://example.com/predicate",
        "predicate": {},
    }
).encode()
OTHER = STATEMENT.replace(b"ab", b"cd")
FILE = b"what is in the file"
SECOND = timedelta(seconds=1)
LATER = AT + YEAR
FAMILY = "application/vnd.dev.sigstore.bundle"
ALICE = "alice@example.com"


@dataclass(frozen=True)
class Case:
    """Something to be verified.

    Attributes:
        made: What was signed.
        members: What the trusted root holds instead of what the forge has.
        edit: What of the bundle's JSON is changed.
        text: What of the bundle's text is changed.
    """

    made: Made
    members: dict[str, Any] = field(default_factory=dict)
    edit: Callable[[Any], object] = lambda _: None
    text: Callable[[bytes], bytes] = lambda data: data

    @property
    def data(self) -> bytes:
        value = self.made.value()
        self.edit(value)
        return self.text(json.dumps(value, separators=(",", ":")).encode())


class Alice:
    """The only one who is trusted."""

    def accepts(self, identity: Found, /) -> bool:
        return (identity.name, identity.issuer) == (ALICE, ISSUER)


def ours(root: bytes, data: bytes, payload: bytes) -> bool:
    """Whether we believe it."""
    trusted = TrustedRoot.parse(root)
    trust = Trust(identities=(Alice(),), root=lambda: trusted)
    try:
        read = Bundle.parse(data)
        content = read.content
        if isinstance(content, Envelope):
            message = pre_authentication_encoding(content.payload)
            signed = Signed.over(message, content.signature, payload=content.payload)
        else:
            signed = Signed.over(payload, content.signature)
            if content.digest and signed.sha256 != content.digest:
                return False
        establish(signed, read.material, trust, at=LATER)
    except SupplyChainError:
        return False
    return not isinstance(content, Envelope) or content.payload == payload


def theirs(root: bytes, data: bytes, payload: bytes) -> bool:
    """Whether Sigstore's verifier believes it; where it breaks, it does not."""
    verifier = Verifier(trusted_root=TheirRoot(RootModel.from_json(root)))
    policy = TheirPolicy(identity=ALICE, issuer=ISSUER)
    try:
        bundle = TheirBundle.from_json(data)
        if bundle._dsse_envelope is None:
            verifier.verify_artifact(payload, bundle, policy)
            return True
        return verifier.verify_dsse(bundle, policy)[1] == payload
    except (Error, ValueError, LookupError, TypeError, AttributeError):
        return False


Make = Callable[[Forge, Forge], Case]


def _old(version: str) -> Callable[[Any], None]:
    """Write the bundle as it was before v0.3."""

    def edit(value: Any) -> None:
        value["mediaType"] = f"{FAMILY}+json;version={version}"
        material = value["verificationMaterial"]
        material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}

    return edit


def _media_type(name: str) -> Callable[[Any], object]:
    return lambda value: value.update(mediaType=name)


def _entry(**changes: Any) -> Callable[[Any], object]:
    return lambda value: value["verificationMaterial"]["tlogEntries"][0].update(changes)


def _two_logs(forge: Forge) -> Made:
    made = forge.attest(STATEMENT)
    second = forge.tiles.record(entry_body(made, "hashedrekord/0.0.2"), AT)
    return replace(made, entries=(made.entry, second))


def _first(forge: Forge, version: int) -> Case:
    log = TransparencyLog.create("first", version, filled=0, offset=0)
    return Case(forge.attest(STATEMENT, log=log), {"logs": (log,)})


def _without_zeros(value: Any) -> None:
    entry = value["verificationMaterial"]["tlogEntries"][0]
    del entry["logIndex"], entry["inclusionProof"]["logIndex"]


def _by(forge: Forge, authority: Authority) -> Case:
    return Case(forge.attest(STATEMENT, authority=authority), {"authorities": (authority,)})


def _clocked(forge: Forge, clock: TimestampAuthority, at: Any = AT) -> Case:
    made = forge.attest(STATEMENT, log=forge.tiles, clock=clock, stamped_at=[at])
    return Case(made, {"clocks": (clock,)})


def _mixed(forge: Forge, other: Forge) -> Made:
    made = forge.attest(STATEMENT, stamped_at=[AT])
    return replace(made, timestamps=(*made.timestamps, other.clock.stamp(made.signature, AT)))


def _checkpoint(forge: Forge, version: int, **changes: Any) -> Case:
    log = forge.rekor if version == 1 else forge.tiles
    made = forge.attest(STATEMENT, log=log, stamped_at=[AT])
    return Case(made.with_proof(checkpoint=log.checkpoint(**changes)))


def _dated(forge: Forge, *, promised: bool) -> Case:
    made = forge.attest(STATEMENT, log=forge.tiles)
    entry = replace(made.entry, integrated_at=AT)
    promise = forge.tiles.promise(entry) if promised else None
    return Case(replace(made, entries=(replace(entry, promise=promise),)))


GENUINE: dict[str, Make] = {
    "an envelope in Rekor v1": lambda f, _: Case(f.attest(STATEMENT)),
    "an envelope in Rekor v2": lambda f, _: Case(f.attest(STATEMENT, log=f.tiles)),
    "a file in Rekor v1": lambda f, _: Case(f.sign(FILE)),
    "a file in Rekor v2": lambda f, _: Case(f.sign(FILE, log=f.tiles)),
    "with a timestamp too": lambda f, _: Case(f.attest(STATEMENT, stamped_at=[AT])),
    "with two timestamps": lambda f, _: Case(f.attest(STATEMENT, stamped_at=[AT, AT + SECOND])),
    "bundle v0.3 by its older name": lambda f, _: Case(
        f.attest(STATEMENT), edit=_media_type(f"{FAMILY}+json;version=0.3")
    ),
    "bundle v0.2": lambda f, _: Case(f.attest(STATEMENT), edit=_old("0.2")),
    "bundle v0.1": lambda f, _: Case(f.attest(STATEMENT), edit=_old("0.1")),
    "log index 0, written": lambda f, _: _first(f, 1),
    "log index 0 of Rekor v2, written": lambda f, _: _first(f, 2),
    "a second authority": lambda f, o: Case(
        f.attest(STATEMENT), {"authorities": (o.authority, f.authority)}
    ),
    "a second clock": lambda f, o: Case(
        f.attest(STATEMENT, log=f.tiles), {"clocks": (o.clock, f.clock)}
    ),
    "a timestamp and no promise": lambda f, _: Case(
        f.attest(STATEMENT, stamped_at=[AT]).with_entry(promise=None)
    ),
    "an instant that nobody signed": lambda f, _: _dated(f, promised=False),
}

BROKEN: dict[str, Make] = {
    "another payload": lambda f, _: Case(replace(f.attest(STATEMENT), payload=OTHER)),
    "another file": lambda f, _: Case(replace(f.sign(FILE), payload=b"other")),
    "another authority": lambda f, o: Case(f.attest(STATEMENT, authority=o.authority)),
    "another name": lambda f, _: Case(
        f.attest(STATEMENT, identity=Identity.email("eve@example.com"))
    ),
    "another issuer": lambda f, _: Case(
        f.attest(STATEMENT, identity=Identity.email(issuer="https://evil.example.com"))
    ),
    "a name of another kind": lambda f, _: Case(
        f.attest(STATEMENT, identity=Identity.uri("https://alice@example.com"))
    ),
    "expired": lambda f, _: Case(f.attest(STATEMENT, valid=(AT - 2 * HOUR, AT - HOUR))),
    "of the future": lambda f, _: Case(f.attest(STATEMENT, valid=(AT + HOUR, AT + 2 * HOUR))),
    "never published": lambda f, _: Case(f.attest(STATEMENT, ct=())),
    "published elsewhere": lambda f, o: Case(f.attest(STATEMENT, ct=(o.ct,))),
    "another certificate": lambda f, _: Case(
        replace(f.attest(STATEMENT), certificate=f.certificate())
    ),
    "another signature": lambda f, _: Case(
        replace(f.attest(STATEMENT), signature=f.attest(STATEMENT).signature)
    ),
    "the entry of another": lambda f, _: Case(
        f.attest(STATEMENT, body=entry_body(f.attest(OTHER), "dsse/0.0.1"))
    ),
    "the entry of another in Rekor v2": lambda f, _: Case(
        f.attest(STATEMENT, log=f.tiles, body=entry_body(f.attest(OTHER), "hashedrekord/0.0.2"))
    ),
    "a file's entry for an envelope": lambda f, _: Case(
        f.attest(STATEMENT, kind="hashedrekord/0.0.1")
    ),
    "an envelope's entry for a file": lambda f, _: Case(f.sign(FILE, kind="dsse/0.0.1")),
    "another log": lambda f, o: Case(f.attest(STATEMENT, log=o.rekor)),
    "no log": lambda f, _: Case(f.attest(STATEMENT, log=None)),
    "the same entry twice": lambda f, _: Case(
        replace(one := f.attest(STATEMENT), entries=one.entries * 2)
    ),
    "no proof": lambda f, _: Case(f.attest(STATEMENT).with_entry(proof=None)),
    "no checkpoint": lambda f, _: Case(f.attest(STATEMENT).with_proof(checkpoint=None)),
    "a proof without hashes": lambda f, _: Case(f.attest(STATEMENT).with_proof(hashes=())),
    "a proof with more hashes": lambda f, _: Case(
        f.attest(STATEMENT).with_proof(hashes=(b"\0" * 32,) * 4)
    ),
    "another root": lambda f, _: Case(f.attest(STATEMENT).with_proof(root=b"\0" * 32)),
    "another index": lambda f, _: Case(f.attest(STATEMENT).with_entry(index=7)),
    "another index in the tree": lambda f, _: Case(f.attest(STATEMENT).with_proof(index=0)),
    "a checkpoint by another key": lambda f, _: Case(
        f.attest(STATEMENT).with_proof(checkpoint=f.rekor.rotated().checkpoint())
    ),
    "a checkpoint of another root": lambda f, _: _checkpoint(f, 1, root=b"\0" * 32),
    "no promise and no timestamp": lambda f, _: Case(f.attest(STATEMENT).with_entry(promise=None)),
    "another promise": lambda f, _: Case(
        f.attest(STATEMENT).with_entry(promise=f.attest(STATEMENT).entry.promise)
    ),
    "a promise of another instant": lambda f, _: Case(
        replace(
            one := f.attest(STATEMENT),
            entries=(replace(one.entry, integrated_at=AT + SECOND),),
        )
    ),
    "a promise by Rekor v2": lambda f, _: _dated(f, promised=True),
    "no timestamp in Rekor v2": lambda f, _: Case(f.attest(STATEMENT, log=f.tiles, stamped_at=[])),
    "a timestamp by another": lambda f, o: Case(f.attest(STATEMENT, log=f.tiles, clock=o.clock)),
    "a timestamp after it expired": lambda f, _: Case(
        f.attest(STATEMENT, log=f.tiles, stamped_at=[AT + HOUR])
    ),
    "one of two timestamps after it expired": lambda f, _: Case(
        f.attest(STATEMENT, log=f.tiles, stamped_at=[AT, AT + HOUR])
    ),
    "the same timestamp twice": lambda f, _: Case(
        replace(one := f.attest(STATEMENT, log=f.tiles), timestamps=one.timestamps * 2)
    ),
    "a clock that is not trusted yet": lambda f, _: _clocked(
        f, replace(f.clock, trusted=(AT + HOUR, None))
    ),
    "an entry of a kind that it is not": lambda f, _: Case(
        f.attest(STATEMENT).with_entry(kind=("hashedrekord", "0.0.2"))
    ),
    "an entry of no kind": lambda f, _: Case(f.attest(STATEMENT), edit=_entry(kindVersion=None)),
    "an entry of an unknown kind": lambda f, _: Case(
        f.attest(STATEMENT).with_entry(kind=("rekord", "0.0.1"))
    ),
    "bundle v0.4": lambda f, _: Case(f.attest(STATEMENT), edit=_media_type(f"{FAMILY}.v0.4+json")),
    "no bundle": lambda f, _: Case(f.attest(STATEMENT), edit=_media_type("application/json")),
    "a chain in bundle v0.3": lambda f, _: Case(
        f.attest(STATEMENT),
        edit=lambda v: (_old("0.3")(v), v.update(mediaType=f"{FAMILY}.v0.3+json")),
    ),
    "one certificate in bundle v0.2": lambda f, _: Case(
        f.attest(STATEMENT), edit=_media_type(f"{FAMILY}+json;version=0.2")
    ),
    "bundle v0.1 without a promise": lambda f, _: Case(
        f.attest(STATEMENT, stamped_at=[AT]).with_entry(promise=None), edit=_old("0.1")
    ),
    "an expired intermediate": lambda f, _: _by(
        f, Authority.create(intermediate_valid=(AT - YEAR, AT - HOUR))
    ),
    "a member that nobody knows": lambda f, _: Case(
        f.attest(STATEMENT), edit=lambda v: v.update(revoked=True)
    ),
    "no signature": lambda f, _: Case(
        f.attest(STATEMENT), edit=lambda v: v["dsseEnvelope"].update(signatures=[])
    ),
    "text": lambda f, _: Case(f.attest(STATEMENT), text=lambda _: b"text"),
}

# Whether we believe it, where Sigstore's verifier says the opposite, and why.
DIFFERENT: dict[str, tuple[bool, str, Make]] = {
    "log index 0, left out": (
        True,
        "Go's writers leave out what is zero, so the first signature in a log is spelled like that",
        lambda f, _: replace(_first(f, 1), edit=_without_zeros),
    ),
    "two logs": (
        True,
        "a signature may be logged twice; each entry has to hold",
        lambda f, _: Case(_two_logs(f)),
    ),
    "two SCTs": (
        True,
        "RFC 6962 allows several; one by a log that is trusted says that it was published",
        lambda f, o: Case(f.attest(STATEMENT, ct=(f.ct, o.ct))),
    ),
    "an in-toto entry": (
        True,
        "npm and older cosign logged envelopes so; sigstore-go reads them as well",
        lambda f, _: Case(f.attest(STATEMENT, kind="intoto/0.0.2")),
    ),
    "a DSSE entry of Rekor v2": (
        True,
        "cosign 2.6 writes them where the log takes them",
        lambda f, _: Case(f.attest(STATEMENT, log=f.tiles, kind="dsse/0.0.2")),
    ),
    "bundle v0.1 with a promise alone": (
        True,
        "what v0.1 was made for: the log's promise counts (sigstore_bundle.proto)",
        lambda f, _: Case(f.attest(STATEMENT).with_entry(proof=None), edit=_old("0.1")),
    ),
    "the last instant of a clock": (
        True,
        "windows include their ends (sigstore_trustroot.proto)",
        lambda f, _: _clocked(f, replace(f.clock, trusted=(AT - YEAR, AT))),
    ),
    "a timestamp by a stranger beside a good one": (
        False,
        "nothing that was not checked may lie beside what was",
        lambda f, o: Case(_mixed(f, o)),
    ),
    "a timestamp by nobody beside a promise": (
        False,
        "the same",
        lambda f, o: Case(f.attest(STATEMENT, clock=o.clock, stamped_at=[AT])),
    ),
    "a log's key after its window": (
        False,
        "a key counts while it is in use, as sigstore-go has it",
        lambda f, _: Case(
            f.attest(STATEMENT), {"logs": (replace(f.rekor, trusted=(AT - YEAR, AT - HOUR)),)}
        ),
    ),
    "a certificate log's key after its window": (
        False,
        "the same",
        lambda f, _: Case(
            f.attest(STATEMENT), {"ct_logs": (replace(f.ct, trusted=(AT - YEAR, AT - HOUR)),)}
        ),
    ),
    "an authority after its window": (
        False,
        "the window and the certificates' dates count (sigstore_trustroot.proto)",
        lambda f, _: Case(
            f.attest(STATEMENT),
            {"authorities": (replace(f.authority, trusted=(AT - YEAR, AT - HOUR)),)},
        ),
    ),
    "an expired root": (
        False,
        "the library does not look at the dates of what it trusts (CVE-2026-24122)",
        lambda f, _: _by(f, Authority.create(root_valid=(AT - YEAR, AT - HOUR))),
    ),
    "a checkpoint of another origin": (
        False,
        "one key may sign for several logs, as sigstore-go has it",
        lambda f, _: _checkpoint(f, 2, origin="other.example.com"),
    ),
    "a checkpoint of another size": (
        False,
        "root and size are of one tree",
        lambda f, _: _checkpoint(f, 1, size=1000),
    ),
    "another index in Rekor v2": (
        False,
        "the index is shown, so it has to be the one that was proved",
        lambda f, _: Case(f.attest(STATEMENT, log=f.tiles).with_entry(index=7)),
    ),
    "a member twice": (
        False,
        "another reader would take the other",
        lambda f, _: Case(
            f.attest(STATEMENT),
            text=lambda data: data.replace(b'{"mediaType"', b'{"mediaType":"x","mediaType"', 1),
        ),
    ),
}


def _verdicts(forge: Forge, case: Case) -> tuple[bool, bool]:
    root, data = forge.trusted_root(**case.members), case.data
    payload = case.made.payload
    return ours(root, data, payload), theirs(root, data, payload)


@pytest.fixture(scope="module")
def forge() -> Forge:
    return Forge.create()


@pytest.fixture(scope="module")
def other() -> Forge:
    return Forge.create()


@pytest.mark.parametrize("make", GENUINE.values(), ids=GENUINE.keys())
def test_both_believe(forge: Forge, other: Forge, make: Make) -> None:
    assert _verdicts(forge, make(forge, other)) == (True, True)


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_neither_believes(forge: Forge, other: Forge, make: Make) -> None:
    assert _verdicts(forge, make(forge, other)) == (False, False)


@pytest.mark.parametrize(("we", "why", "make"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_we_differ_on_purpose(
    forge: Forge, other: Forge, why: str, make: Make, *, we: bool
) -> None:
    assert why
    assert _verdicts(forge, make(forge, other)) == (we, not we)


def test_keys_are_ours_alone(forge: Forge) -> None:
    """Sigstore's verifier in Python knows certificates and nothing else."""
    made = forge.attest(STATEMENT, keyed=True)
    assert not theirs(forge.trusted_root(), made.bundle(), made.payload)


@pytest.fixture(scope="module")
def samples(forge: Forge) -> tuple[Made, ...]:
    """Always the same ones, for what is drawn must not depend on what was made."""
    return (
        forge.attest(STATEMENT, stamped_at=[AT]),
        forge.attest(STATEMENT, log=forge.tiles),
        forge.sign(FILE),
    )


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_is_changed_we_believe_no_more_than_they_do(
    forge: Forge, samples: tuple[Made, ...], data: st.DataObject
) -> None:
    made = data.draw(st.sampled_from(samples))
    value: Any = made.value()
    change(value, data)
    changed = json.dumps(value).encode()
    root = forge.trusted_root()
    if ours(root, changed, made.payload):
        assert theirs(root, changed, made.payload)
