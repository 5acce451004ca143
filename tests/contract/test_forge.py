"""Sigstore's own verifier believes what the forge makes, and none of the forgeries.

So a refusal by our verifier is one of the forgery, not of a mistake of the forge.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sigstore.errors import Error
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as Policy
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

from tests.kit.sigstore import (
    AT,
    GITHUB,
    HOUR,
    ISSUER,
    YEAR,
    Authority,
    Forge,
    Identity,
    Signed,
    TransparencyLog,
    entry_body,
)

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
ALICE = Policy(identity="alice@example.com", issuer=ISSUER)


@pytest.fixture(scope="module")
def forge() -> Forge:
    """The genuine one."""
    return Forge.create()


@pytest.fixture(scope="module")
def other() -> Forge:
    """A foreign one."""
    return Forge.create()


def believe(root: bytes, signed: Signed, policy: Policy = ALICE) -> bytes:
    """What Sigstore's verifier says was signed."""
    verifier = Verifier(trusted_root=TrustedRoot(RootModel.from_json(root)))
    bundle = Bundle.from_json(signed.bundle())
    if signed.payload_type is None:
        verifier.verify_artifact(signed.payload, bundle, policy)
        return signed.payload
    return verifier.verify_dsse(bundle, policy)[1]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("enveloped", [True, False], ids=["envelope", "file"])
def test_what_is_genuine_is_believed(forge: Forge, version: int, *, enveloped: bool) -> None:
    log = forge.rekor if version == 1 else forge.tiles
    make = forge.attest if enveloped else forge.sign
    signed = make(STATEMENT, log=log)
    assert believe(forge.trusted_root(), signed) == STATEMENT


def test_a_log_of_version_one_with_a_timestamp_too(forge: Forge) -> None:
    signed = forge.attest(STATEMENT, stamped_at=[AT + timedelta(minutes=2)])
    assert believe(forge.trusted_root(), signed) == STATEMENT


def test_a_workflow(forge: Forge) -> None:
    signed = forge.attest(STATEMENT, identity=Identity.workflow())
    name = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main"
    policy = Policy(identity=name, issuer=GITHUB)
    assert believe(forge.trusted_root(), signed, policy) == STATEMENT


@pytest.mark.parametrize("filled", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("version", [1, 2])
def test_trees_of_any_shape(forge: Forge, filled: int, version: int) -> None:
    log = TransparencyLog.create("own", version, filled=filled, offset=0)
    signed = forge.attest(STATEMENT, log=log)
    assert signed.entry.index == filled
    assert believe(forge.trusted_root(logs=(log,)), signed) == STATEMENT


# What it is called and what is wrong with it, in the words of Sigstore's verifier.
Forgery = Callable[[Forge, Forge], Signed]
FORGERIES: dict[tuple[str, str], Forgery] = {
    ("another authority", "signature does not match"): lambda f, o: f.attest(
        STATEMENT, authority=o.authority
    ),
    ("another identity", "SANs do not match"): lambda f, _: f.attest(
        STATEMENT, identity=Identity.email("alice@example.com.evil.example")
    ),
    ("another issuer", "OIDCIssuer does not match"): lambda f, _: f.attest(
        STATEMENT, identity=Identity.email(issuer="https://evil.example")
    ),
    ("expired certificate", "not valid at validation time"): lambda f, _: f.attest(
        STATEMENT, valid=(AT - 2 * HOUR, AT - HOUR)
    ),
    ("certificate of the future", "not valid at validation time"): lambda f, _: f.attest(
        STATEMENT, valid=(AT + HOUR, AT + 2 * HOUR), at=AT
    ),
    ("no SCT", "does not contain a signed certificate timestamp"): lambda f, _: f.attest(
        STATEMENT, ct=()
    ),
    ("two SCTs", "Expected one certificate timestamp"): lambda f, _: f.attest(
        STATEMENT, ct=(f.ct, f.ct)
    ),
    ("a foreign log's SCT", "SCT verify failed"): lambda f, o: f.attest(STATEMENT, ct=(o.ct,)),
    ("another log", "checkpoint: invalid signature"): lambda f, o: f.attest(STATEMENT, log=o.rekor),
    ("another log of version two", "checkpoint: invalid signature"): lambda f, o: f.attest(
        STATEMENT, log=o.tiles
    ),
    ("another's entry", "payload hash does not match"): lambda f, _: f.attest(
        STATEMENT, body=entry_body(f.attest(OTHER), "dsse/0.0.1")
    ),
    ("another's entry of version two", "inconsistent with other materials"): lambda f, _: f.attest(
        STATEMENT, log=f.tiles, body=entry_body(f.attest(OTHER), "hashedrekord/0.0.2")
    ),
    ("another's entry for a file", "inconsistent with other materials"): lambda f, _: replace(
        f.sign(FILE), entries=f.sign(b"another file").entries
    ),
    ("a proof to another root", "invalid root hash"): lambda f, o: f.attest(STATEMENT).with_proof(
        root=bytes(32)
    ),
    ("a checkpoint of another root", "invalid root hash signature"): lambda f, _: f.attest(
        STATEMENT
    ).with_proof(checkpoint=f.rekor.checkpoint(root=bytes(32))),
    ("a checkpoint by another key", "Signature not found for log"): lambda f, o: f.attest(
        STATEMENT, log=f.tiles
    ).with_proof(checkpoint=o.tiles.checkpoint()),
    ("a promise by another key", "SET: invalid inclusion promise"): lambda f, o: f.attest(
        STATEMENT
    ).with_entry(promise=o.rekor.promise(f.attest(STATEMENT).entry)),
    ("no clock", "inclusion promise or signed timestamp"): lambda f, _: f.attest(
        STATEMENT, log=f.tiles, stamped_at=[]
    ),
    ("a foreign clock", "not enough sources of verified time"): lambda f, o: f.attest(
        STATEMENT, log=f.tiles, clock=o.clock
    ),
    ("a timestamp before the certificate", "not valid at validation time"): lambda f, _: f.attest(
        STATEMENT, log=f.tiles, stamped_at=[AT - HOUR]
    ),
    ("a timestamp after the certificate", "not valid at validation time"): lambda f, _: f.attest(
        STATEMENT, log=f.tiles, stamped_at=[AT + HOUR]
    ),
    ("another's timestamp", "not enough sources of verified time"): lambda f, _: replace(
        f.attest(STATEMENT, log=f.tiles), timestamps=f.attest(OTHER, stamped_at=[AT]).timestamps
    ),
    ("another's certificate", "DSSE: invalid signature"): lambda f, _: replace(
        f.attest(STATEMENT), certificate=f.attest(STATEMENT).certificate
    ),
    ("another statement", "DSSE: invalid signature"): lambda f, _: replace(
        f.attest(STATEMENT), payload=OTHER
    ),
    ("two entries", "exactly one log entry"): lambda f, _: replace(
        f.attest(STATEMENT), entries=f.attest(STATEMENT).entries * 2
    ),
}


@pytest.mark.parametrize(
    ("why", "forgery"),
    [pytest.param(why, make, id=name) for (name, why), make in FORGERIES.items()],
)
def test_forgeries_are_not(forge: Forge, other: Forge, why: str, forgery: Forgery) -> None:
    with pytest.raises(Error, match=why):
        believe(forge.trusted_root(), forgery(forge, other))


def test_an_expired_intermediate_is_not_believed(forge: Forge) -> None:
    authority = Authority.create(intermediate_valid=(AT - YEAR, AT - HOUR))
    signed = forge.attest(STATEMENT, authority=authority)
    with pytest.raises(Error, match="not valid at validation time"):
        believe(forge.trusted_root(authorities=(authority,)), signed)


def test_a_replaced_key_of_the_log_is_not_believed(forge: Forge) -> None:
    signed = forge.attest(STATEMENT)
    root = forge.trusted_root(logs=(forge.rekor.rotated(), forge.tiles.rotated()))
    with pytest.raises(Error, match="checkpoint: invalid signature"):
        believe(root, signed)
