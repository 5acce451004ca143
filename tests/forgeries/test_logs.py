"""Transparency log entries that prove nothing about the signature beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from supplychain.signing.legacy import Suffix
from supplychain.signing.trust.trust import LogDemand
from tests.kit.keys import signer
from tests.kit.scene import Scene, by_identity
from tests.kit.sigstore import (
    AT,
    HOUR,
    YEAR,
    Body,
    Forge,
    Recipe,
    Signed,
    TransparencyLog,
    entry_body,
)

Forgery = Callable[[Forge, Forge, bytes], Signed]
ANOTHER = b"something else that was logged"
# Of the log's first version, in bundles and in the older form; of its second.
V1 = ("dsse/0.0.1", "intoto/0.0.2")
OLDER = ("hashedrekord/0.0.1", "intoto/0.0.1")
V2 = ("hashedrekord/0.0.2", "dsse/0.0.2")


def _made(scene: Scene, forge: Forge, kind: str, body: Body | None = None) -> Signed:
    """Signed in the form that has entries of this kind, and logged in one, or in another's."""
    recipe: Recipe = {"log": forge.tiles if kind in V2 else forge.rekor, "kind": kind}
    if body is not None:
        recipe["body"] = body
    if kind == "hashedrekord/0.0.1":
        return forge.sign(scene.simple, **recipe)
    return forge.attest(scene.statement, **recipe)


def _put(scene: Scene, made: Signed, kind: str) -> None:
    if kind not in OLDER:
        scene.attach(made.bundle())
    elif made.payload_type is None:
        scene.attach_legacy(made)
    else:
        scene.attach_legacy(made, suffix=Suffix.ATTESTATIONS)


@pytest.mark.parametrize("kind", [*V1, *OLDER, *V2])
def test_every_kind_of_entry_is_believed_of_its_own_signature(
    scene: Scene, forge: Forge, kind: str
) -> None:
    """What the entries of others here differ from by one thing."""
    _put(scene, _made(scene, forge, kind), kind)
    (signature,) = scene.verify(by_identity(forge.trusted_root())).signatures
    assert [entry.kind for entry in signature.log_entries] == [kind.replace("/", " ")]


@pytest.mark.parametrize("kind", [*V1, *OLDER, *V2])
def test_the_valid_entry_of_another_signature(scene: Scene, forge: Forge, kind: str) -> None:
    """CVE-2022-23649, CVE-2026-22703: the entry holds in every way, and is about something else."""
    bare = kind == "hashedrekord/0.0.1"
    theirs = entry_body(forge.sign(ANOTHER) if bare else forge.attest(ANOTHER), kind)
    _put(scene, _made(scene, forge, kind, theirs), kind)
    assert "the log entry is about " in scene.refusal(by_identity(forge.trusted_root()))


@pytest.mark.parametrize("kind", [*V1, *OLDER, *V2])
def test_the_valid_entry_of_somebody_else_about_the_same_statement(
    scene: Scene, forge: Forge, kind: str
) -> None:
    """CVE-2022-36056: the same content, but neither our signature nor our certificate."""
    theirs = entry_body(_made(scene, forge, kind), kind)
    _put(scene, _made(scene, forge, kind, theirs), kind)
    words = "about another envelope" if kind == "intoto/0.0.1" else "about another signature"
    assert words in scene.refusal(by_identity(forge.trusted_root()))


@pytest.mark.parametrize("kind", [*V1, *OLDER, *V2])
def test_the_valid_entry_of_our_signature_under_another_certificate(
    scene: Scene, forge: Forge, kind: str
) -> None:
    """CVE-2022-36056: one key, two certificates; the one that was logged is not the one here."""
    made = _made(scene, forge, kind)
    logged = entry_body(replace(made, certificate=forge.certificate(key=made.key)), kind)
    log = forge.tiles if kind in V2 else forge.rekor
    _put(scene, replace(made, entries=(log.record(logged, AT),)), kind)
    words = "about another key or certificate"
    assert words in scene.refusal(by_identity(forge.trusted_root()))


def test_the_promise_to_another_signature_in_the_older_form(scene: Scene, forge: Forge) -> None:
    """CVE-2022-23649: `cosign verify` believed any promise that the log had made."""
    theirs = forge.sign(ANOTHER)
    scene.attach_legacy(replace(forge.sign(scene.simple), entries=theirs.entries))
    assert "about other content" in scene.refusal(by_identity(forge.trusted_root()))


def _of(kind: str, version: str, spec: object) -> Forgery:
    return lambda f, _, s: f.attest(s, body=Body.of(kind, version, spec))


def _changed(**changes: object) -> Forgery:
    """The entry says of itself what the log did not promise."""

    def forgery(f: Forge, _: Forge, statement: bytes) -> Signed:
        return f.attest(statement).with_entry(**changes)  # type: ignore[arg-type]

    return forgery


def _proven(**changes: object) -> Forgery:
    """The proof of a log of version 2 with something of it replaced."""

    def forgery(f: Forge, _: Forge, statement: bytes) -> Signed:
        return f.attest(statement, log=f.tiles).with_proof(**changes)  # type: ignore[arg-type]

    return forgery


def _shortened(f: Forge, _: Forge, statement: bytes) -> Signed:
    made = f.attest(statement, log=f.tiles)
    assert made.entry.proof is not None
    return made.with_proof(hashes=made.entry.proof.hashes[:-1])


def _lengthened(f: Forge, _: Forge, statement: bytes) -> Signed:
    made = f.attest(statement, log=f.tiles)
    assert made.entry.proof is not None
    return made.with_proof(hashes=(*made.entry.proof.hashes, bytes(32)))


def _in_a_tree_of_its_own(f: Forge, _: Forge, statement: bytes) -> Signed:
    """A tree of one's own making, with our entry as its only leaf, beside a real checkpoint."""
    own = TransparencyLog.create("own", 2, filled=0)
    made = f.attest(statement, log=own)
    return made.with_entry(log_id=f.tiles.log_id).with_proof(checkpoint=f.tiles.checkpoint())


def _dated(f: Forge, _: Forge, statement: bytes) -> Signed:
    """The time of the promise moved into the life of a certificate that had expired."""
    made = f.attest(statement, logged_at=AT + 2 * HOUR)
    return replace(made, entries=(replace(made.entry, integrated_at=AT),))


def _timeless(f: Forge, _: Forge, statement: bytes) -> Signed:
    """A time that nobody promised."""
    return f.attest(statement).with_entry(promise=None)


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "none at all": (
        lambda f, _, s: f.attest(s, log=None),
        "no transparency log holds an entry",
    ),
    "of a foreign log": (lambda f, o, s: f.attest(s, log=o.rekor), "does not name"),
    "of a foreign log of version 2": (lambda f, o, s: f.attest(s, log=o.tiles), "does not name"),
    "of a foreign log under the name of ours": (
        lambda f, o, s: f.attest(s, log=o.rekor).with_entry(log_id=f.rekor.log_id),
        "not signed by the log",
    ),
    "promised with another key": (
        lambda f, o, s: (one := f.attest(s)).with_entry(promise=o.rekor.promise(one.entry)),
        "the log's promise does not verify",
    ),
    "whose promise is about another index": (
        _changed(index=7),
        "the log's promise does not verify",
    ),
    "whose promise is about another time": (_dated, "the log's promise does not verify"),
    "whose time nobody promised": (_timeless, "nothing tells when the certificate signed"),
    "with a promise and no proof": (_changed(proof=None), "no inclusion proof"),
    "with neither promise nor proof": (_changed(proof=None, promise=None), "no inclusion proof"),
    "of another kind than it says": (
        _changed(kind=("hashedrekord", "0.0.1")),
        "says that it is 'hashedrekord 0.0.1', and is 'dsse 0.0.1'",
    ),
    "whose proof leads to another root": (_proven(root=bytes(32)), "leads to another root"),
    "whose proof is of another leaf": (_proven(index=1), "inclusion proof"),
    "whose proof is outside of the tree": (
        lambda f, _, s: f.attest(s).with_proof(index=10**6),
        "an index outside of the tree",
    ),
    "whose proof is about another size": (_proven(size=9), "inclusion proof"),
    "whose proof is too short": (_shortened, "inclusion proof"),
    "whose proof is too long": (_lengthened, "longer than the tree is deep"),
    "with a tree of its own making": (_in_a_tree_of_its_own, "another tree than its checkpoint"),
    "without a checkpoint": (_proven(checkpoint=None), "no signed note"),
    "whose checkpoint is of another root": (
        lambda f, _, s: f.attest(s).with_proof(checkpoint=f.rekor.checkpoint(root=bytes(32))),
        "another tree than its checkpoint",
    ),
    "whose checkpoint is of another size": (
        lambda f, _, s: f.attest(s).with_proof(checkpoint=f.rekor.checkpoint(size=3)),
        "another tree than its checkpoint",
    ),
    "whose checkpoint is by another key": (
        lambda f, o, s: f.attest(s, log=f.tiles).with_proof(checkpoint=o.tiles.checkpoint()),
        "not signed by the log",
    ),
    "whose checkpoint is by the log's next key": (
        lambda f, _, s: f.attest(s).with_proof(checkpoint=f.rekor.rotated().checkpoint()),
        "not signed by the log",
    ),
    "of a kind that nobody knows": (_of("rekord", "0.0.1", {}), "is not understood"),
    "of a version that nobody knows": (_of("dsse", "9.9.9", {}), "is not understood"),
    "that is empty": (_of("dsse", "0.0.1", {}), "is not an object"),
    "twice, once of another": (
        lambda f, _, s: replace(
            (one := f.attest(s)), entries=(*one.entries, *f.attest(ANOTHER).entries)
        ),
        "about another",
    ),
    "as often as nobody needs": (
        lambda f, _, s: replace((one := f.attest(s)), entries=one.entries * 33),
        "33 elements, at most 32",
    ),
}


@pytest.mark.parametrize(("make", "words"), FORGERIES.values(), ids=FORGERIES.keys())
def test_an_entry(scene: Scene, forge: Forge, other: Forge, make: Forgery, words: str) -> None:
    scene.attach(make(forge, other, scene.statement).bundle())
    assert words in scene.refusal(by_identity(forge.trusted_root()))


@pytest.mark.parametrize(
    "name",
    [
        "of a foreign log",
        "promised with another key",
        "whose promise is about another index",
        "whose promise is about another time",
        "that is empty",
    ],
)
def test_an_entry_in_the_older_form(scene: Scene, forge: Forge, other: Forge, name: str) -> None:
    make, words = FORGERIES[name]
    scene.attach_legacy(make(forge, other, scene.statement), suffix=Suffix.ATTESTATIONS)
    assert words in scene.refusal(by_identity(forge.trusted_root()))


def test_a_body_that_two_readers_read_in_two_ways(scene: Scene, forge: Forge) -> None:
    """The log holds it, and it names its signature twice."""
    made = forge.attest(scene.statement, log=None)
    body = entry_body(made, "dsse/0.0.1")
    spec = json.dumps(json.loads(body.data)["spec"]).encode()
    twice = Body("dsse", "0.0.1", body.data[:-1] + b',"spec":' + spec + b"}")
    entry = forge.rekor.record(twice, AT)
    scene.attach(replace(made, entries=(entry,)).bundle())
    assert "the same member twice" in scene.refusal(by_identity(forge.trusted_root()))


def test_a_bundle_that_says_it_is_too_old_for_a_proof(scene: Scene, forge: Forge) -> None:
    """Bundles of version 0.1 need no proof; then the promise has to hold."""
    made = forge.attest(scene.statement)
    trust = by_identity(forge.trusted_root())
    scene.attach(_of_version_0_1(made.with_entry(proof=None, promise=None)))
    assert "no promise of the log" in scene.refusal(trust)
    scene.attach(_of_version_0_1(made.with_entry(proof=None)))
    assert len(scene.verify(trust).signatures) == 1


def _of_version_0_1(signed: Signed) -> bytes:
    value: Any = signed.value()
    value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1"
    material = value["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate")]}
    return json.dumps(value).encode()


@pytest.mark.parametrize("log", ["rekor", "tiles"])
def test_a_trusted_root_in_which_the_logs_key_was_replaced(
    scene: Scene, forge: Forge, log: str
) -> None:
    """What the old key says counts no more, unless the root still has it with its window."""
    used: TransparencyLog = getattr(forge, log)
    scene.attach(forge.attest(scene.statement, log=used).bundle())
    fresh = used.rotated()
    assert "does not name" in scene.refusal(by_identity(forge.trusted_root(logs=(fresh,))))
    ended = replace(used, trusted=(AT - YEAR, AT - HOUR))
    root = forge.trusted_root(logs=(fresh, ended))
    assert "the log's key counts from" in scene.refusal(by_identity(root))
    in_time = replace(used, trusted=(AT - YEAR, AT + HOUR))
    root = forge.trusted_root(logs=(fresh, in_time))
    assert len(scene.verify(by_identity(root)).signatures) == 1


def test_a_replaced_key_under_the_id_of_the_old_one(scene: Scene, forge: Forge) -> None:
    """The root gives the ID another key: what the old one signed does not verify."""
    value = forge.trusted_root_value(logs=(forge.rekor,))
    fresh = forge.trusted_root_value(logs=(forge.rekor.rotated(),))
    value["tlogs"][0]["publicKey"] = fresh["tlogs"][0]["publicKey"]  # type: ignore[index]
    scene.attach(forge.attest(scene.statement).bundle())
    root = json.dumps(value).encode()
    assert "signature of the log that does not verify" in scene.refusal(by_identity(root))


def test_an_entry_that_was_not_demanded_has_to_hold_all_the_same(
    scene: Scene, forge: Forge, other: Forge
) -> None:
    made = forge.attest(scene.statement, log=other.rekor, stamped_at=[AT])
    scene.attach(made.bundle())
    trust = by_identity(forge.trusted_root(), log_of_identities=LogDemand.OPTIONAL)
    assert "does not name" in scene.refusal(trust)


def test_an_entry_that_is_ignored_gives_no_time(scene: Scene, forge: Forge) -> None:
    scene.attach(forge.attest(scene.statement).bundle())
    trust = by_identity(forge.trusted_root(), log_of_identities=LogDemand.IGNORED)
    assert "nothing tells when" in scene.refusal(trust)


def test_a_key_with_the_entry_of_another_key(scene: Scene, forge: Forge) -> None:
    """CVE-2026-22703 for keys: what lies beside a good signature has to be about it."""
    scene.attach(_beside(scene.keyed(), forge.attest(scene.statement, keyed=True)))
    trust = replace(by_identity(forge.trusted_root()), keys=(signer().public_key,))
    assert "the log entry is about another signature" in scene.refusal(trust)


def test_a_key_without_the_entry_that_is_demanded(scene: Scene, forge: Forge) -> None:
    scene.attach(scene.keyed())
    trust = replace(
        by_identity(forge.trusted_root()),
        keys=(signer().public_key,),
        log_of_keys=LogDemand.REQUIRED,
    )
    assert "no transparency log holds an entry" in scene.refusal(trust)


def test_an_entry_of_the_future(scene: Scene, forge: Forge) -> None:
    later = AT + timedelta(days=1)
    scene.attach(forge.attest(scene.statement, at=later).bundle())
    assert "from the future" in scene.refusal(by_identity(forge.trusted_root()), at=AT)


def _beside(keyed: bytes, logged: Signed) -> bytes:
    value = json.loads(keyed)
    value["verificationMaterial"]["tlogEntries"] = [logged.entry.value()]
    return json.dumps(value).encode()
