"""Inclusion proofs against the definition of the tree, and checkpoints with all their edges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import InputError, LimitError, SupplyChainError, VerificationError
from supplychain.signing.trust.inclusion import Proof
from supplychain.signing.trust.keys import VerifyingKey
from supplychain.signing.trust.root import Log
from supplychain.signing.trust.window import Window
from tests.kit.sigstore import AT, YEAR
from tests.kit.sigstore.keys import text

HOST = "log.example.com"
V1 = f"{HOST} - 1193050959916656506"
ED25519 = Ed25519PrivateKey.generate()
Sign = Callable[[bytes], bytes]


def _log(private: Any = ED25519, *, url: str = f"https://{HOST}", log_id: bytes = b"") -> Log:
    public = private.public_key()
    key = VerifyingKey(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    known = log_id or key.digest
    return Log(url, known, key, Window(AT - YEAR), known[:4])


LOG = _log()


def _leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _largest_power_below(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return _leaf(leaves[0])
    k = _largest_power_below(len(leaves))
    return _node(tree(leaves[:k]), tree(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return ()
    k = _largest_power_below(len(leaves))
    if m < k:
        return (*path(m, leaves[:k]), tree(leaves[k:]))
    return (*path(m - k, leaves[k:]), tree(leaves[:k]))


def _leaves(count: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(count)]


def note(
    root: bytes,
    size: int | str,
    *,
    origin: str = HOST,
    name: str = HOST,
    sign: Sign = ED25519.sign,
    key_id: bytes = LOG.checkpoint_id,
    more: Sequence[str] = (),
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> str:
    """A checkpoint; `more` lines below the root, other signatures before and after the log's."""
    body = "\n".join((origin, str(size), text(root), *more)) + "\n"
    own = f"— {name} {text(key_id + sign(body.encode()))}"
    return "\n".join((body, *before, own, *after)) + "\n"


def proof(index: int, leaves: Sequence[bytes], **changes: Any) -> Proof:
    root, size = tree(leaves), len(leaves)
    made = Proof(index, size, root, path(index, leaves), note(root, size))
    return replace(made, **changes)


@pytest.mark.parametrize("size", range(1, 41))
def test_every_leaf_of_every_tree_is_proved_and_no_other(size: int) -> None:
    leaves = _leaves(size)
    for index, leaf in enumerate(leaves):
        good = proof(index, leaves)
        good.require(leaf, LOG)
        wrong = [
            (replace(good, index=(index + 1) % size), size > 1),
            (replace(good, hashes=(*good.hashes, b"\0" * 32)), True),
            (replace(good, hashes=good.hashes[:-1]), bool(good.hashes)),
            (replace(good, hashes=good.hashes[::-1]), len(good.hashes) > 1),
            (replace(good, index=size), True),
            (replace(good, index=index + size), True),
            (replace(good, root=b"\0" * 32), True),
            (replace(good, size=size + 1), True),
        ]
        for bad in (one for one, differs in wrong if differs):
            with pytest.raises(VerificationError):
                bad.require(leaf, LOG)
        with pytest.raises(VerificationError, match="another root"):
            good.require(leaf + b"!", LOG)


def test_a_node_is_no_leaf() -> None:
    """What the prefixes of leaves and nodes are for (RFC 9162 section 2.1.1)."""
    leaves = _leaves(4)
    inner = _leaf(leaves[0]) + _leaf(leaves[1])
    shorter = replace(proof(0, leaves), size=2, hashes=path(0, leaves)[1:])
    for claimed in (shorter, replace(shorter, checkpoint=note(shorter.root, 2))):
        with pytest.raises(VerificationError, match="another root"):
            claimed.require(inner, LOG)


@given(st.integers(1, 300), st.data())
def test_trees_of_any_size(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    proof(index, leaves).require(leaves[index], LOG)


@given(
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=64),
)
def test_no_proof_of_chance_holds(index: int, size: int, hashes: list[bytes]) -> None:
    made = Proof(index, size, b"\1" * 32, tuple(hashes), note(b"\1" * 32, size))
    with pytest.raises(VerificationError):
        made.require(b"leaf", LOG)


def _rsa(key: rsa.RSAPrivateKey) -> Sign:
    return lambda data: key.sign(data, padding.PKCS1v15(), SHA256())


def _ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: Any) -> Sign:
    return lambda data: key.sign(data, ec.ECDSA(algorithm))


P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
P521 = ec.generate_private_key(ec.SECP521R1())
RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("private", "sign"),
    [
        (P256, _ecdsa(P256, SHA256())),
        (P384, _ecdsa(P384, SHA384())),
        (P384, _ecdsa(P384, SHA256())),
        (P521, _ecdsa(P521, SHA512())),
        (RSA, _rsa(RSA)),
        (ED25519, ED25519.sign),
    ],
    ids=["P-256", "P-384", "P-384 with SHA-256", "P-521", "RSA", "Ed25519"],
)
@pytest.mark.parametrize("origin", [HOST, V1])
def test_logs_with_keys_of_every_kind(private: Any, sign: Sign, origin: str) -> None:
    log, leaves = _log(private), _leaves(3)
    made = note(tree(leaves), 3, origin=origin, sign=sign, key_id=log.checkpoint_id)
    proof(1, leaves, checkpoint=made).require(leaves[1], log)
    with pytest.raises(VerificationError, match="not signed by the log"):
        proof(1, leaves).require(leaves[1], replace(log, checkpoint_id=b"\0\0\0\0"))


WITNESS = f"— witness.example.com {text(b'wit0' + b'cosigned by somebody')}"
ROOT = tree(_leaves(3))
GOOD: dict[str, str] = {
    "plain": note(ROOT, 3),
    "of Rekor v1, whose host calls itself as it likes": note(
        ROOT, 3, origin="rekor-7f5c - 5", name="rekor-7f5c"
    ),
    "witnesses before and after": note(ROOT, 3, before=[WITNESS], after=[WITNESS]),
    "more lines": note(ROOT, 3, more=["Timestamp: 1679349379012118479", "and more"]),
    "an empty line in it": note(ROOT, 3, more=["", "below"]),
    "signed twice": note(ROOT, 3, after=[note(ROOT, 3).splitlines()[-1]]),
    "a carriage return that was signed": note(ROOT, 3, more=["with a return\r"]),
}


@pytest.mark.parametrize("checkpoint", GOOD.values(), ids=GOOD.keys())
def test_checkpoints_that_hold(checkpoint: str) -> None:
    proof(1, _leaves(3), checkpoint=checkpoint).require(_leaves(3)[1], LOG)


FOREIGN = Ed25519PrivateKey.generate()
BAD: dict[str, tuple[str, str]] = {
    "none": ("", "no signed note"),
    "no signature": (note(ROOT, 3).rpartition("\n\n")[0] + "\n\n", "no signed note"),
    "no empty line": (note(ROOT, 3).replace("\n\n", "\n"), "no signed note"),
    "no line end": (note(ROOT, 3).rstrip("\n"), "no signed note"),
    "line ends of Windows": (note(ROOT, 3).replace("\n", "\r\n"), "no signed note"),
    "a line end too much": (note(ROOT, 3) + "\n", "no"),
    "a space at the end": (note(ROOT, 3)[:-1] + " \n", "signature that is none"),
    "a hyphen for a dash": (note(ROOT, 3).replace("—", "-"), "signature that is none"),
    "two spaces": (note(ROOT, 3).replace("— ", "—  "), "signature that is none"),
    "base64 that is not canonical": (
        note(ROOT, 3).replace("\n\n", "\n\n— other.example.com AB==\n"),
        "not canonical",
    ),
    "no base64": (
        note(ROOT, 3).replace("\n\n", "\n\n— other.example.com A\n"),
        "not base64",
    ),
    "33 signatures": (note(ROOT, 3, after=[WITNESS] * 32), "no signed note"),
    "longer than any": (note(ROOT, 3, more=["x" * 70000]), "longer than any"),
    "no origin": (note(ROOT, 3, origin=""), "does not name a log"),
    "a size with a zero before": (note(ROOT, "03"), "does not name a log"),
    "a size with a sign": (note(ROOT, "+3"), "does not name a log"),
    "a size with a space": (note(ROOT, "3 "), "does not name a log"),
    "a size in other digits": (note(ROOT, "３"), "does not name a log"),
    "a size that is none": (note(ROOT, "three"), "does not name a log"),
    "a size of many digits": (note(ROOT, "3" * 30), "does not name a log"),
    "another size": (note(ROOT, 4), "another tree than its checkpoint"),
    "another root": (note(tree(_leaves(4)), 3), "another tree than its checkpoint"),
    "a root of 31 bytes": (note(ROOT[:31], 3), "another tree than its checkpoint"),
    "changed after it was signed": (note(ROOT, 4).replace("\n4\n", "\n3\n"), "does not verify"),
    "by another key with its ID": (note(ROOT, 3, sign=FOREIGN.sign), "does not verify"),
    "by another key": (
        note(ROOT, 3, sign=FOREIGN.sign, key_id=_log(FOREIGN).checkpoint_id),
        "not signed by the log",
    ),
    "by witnesses alone": (
        note(ROOT, 3, before=[WITNESS]).replace(note(ROOT, 3).splitlines()[-1] + "\n", ""),
        "not signed by the log",
    ),
    "once rightly and once wrongly": (
        note(ROOT, 3, after=[f"— {HOST} {text(LOG.checkpoint_id + bytes(64))}"]),
        "does not verify",
    ),
    "of another origin": (note(ROOT, 3, origin="other.example.com"), "is another log's"),
    "of a subdomain": (note(ROOT, 3, origin=f"a.{HOST}"), "is another log's"),
    "of the address": (note(ROOT, 3, origin=f"https://{HOST}"), "is another log's"),
    "by another name": (note(ROOT, 3, name="other.example.com"), "not signed by the log"),
    "a number that is none": (note(ROOT, 3, origin=f"{HOST} - 12a"), "is another log's"),
}


@pytest.mark.parametrize(("checkpoint", "words"), BAD.values(), ids=BAD.keys())
def test_checkpoints_that_do_not(checkpoint: str, words: str) -> None:
    with pytest.raises((InputError, VerificationError)) as caught:
        proof(1, _leaves(3), checkpoint=checkpoint).require(_leaves(3)[1], LOG)
    assert words in str(caught.value)


@pytest.mark.parametrize("url", ["", "not an address", "https://[::1", f"https://x.{HOST}"])
def test_a_log_whose_address_does_not_say_its_name_signs_by_none(url: str) -> None:
    with pytest.raises(VerificationError, match="is another log's"):
        proof(1, _leaves(3)).require(_leaves(3)[1], _log(url=url))


def test_a_log_may_sign_checkpoints_by_an_id_of_its_own() -> None:
    leaves = _leaves(3)
    made = proof(1, leaves, checkpoint=note(ROOT, 3, key_id=b"abcd"))
    made.require(leaves[1], replace(LOG, checkpoint_id=b"abcd"))
    with pytest.raises(VerificationError, match="not signed by the log"):
        made.require(leaves[1], LOG)


def _value(**changes: Any) -> dict[str, Any]:
    value = {
        "logIndex": "1",
        "treeSize": "3",
        "rootHash": text(ROOT),
        "hashes": [text(one) for one in path(1, _leaves(3))],
        "checkpoint": {"envelope": note(ROOT, 3)},
    }
    return {**value, **changes}


@pytest.mark.parametrize("value", [_value(), _value(logIndex=1, treeSize=3)])
def test_a_proof_is_read(value: dict[str, Any]) -> None:
    read = Proof.parse(value)
    assert read == proof(1, _leaves(3))
    read.require(_leaves(3)[1], LOG)


def test_what_is_zero_or_empty_may_be_left_out() -> None:
    alone = [b"alone"]
    value = _value(
        treeSize=1, rootHash=text(tree(alone)), checkpoint={"envelope": note(tree(alone), 1)}
    )
    del value["logIndex"], value["hashes"]
    Proof.parse(value).require(alone[0], LOG)
    Proof.parse({**value, "logIndex": None, "hashes": None}).require(alone[0], LOG)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (_value(rootHash=text(ROOT[:31])), "is no SHA-256"),
        (_value(rootHash=None), "is no SHA-256"),
        (_value(hashes=[text(b"short")]), "is no SHA-256"),
        (_value(hashes=[text(ROOT)] * 65), "at most 64"),
        (_value(hashes=text(ROOT)), "not a list"),
        (_value(logIndex="-1"), "no number"),
        (_value(treeSize="3.0"), "no number"),
        (_value(checkpoint="text"), "not an object"),
        (_value(checkpoint={"envelope": 3}), "not a string"),
        (_value(consistency=[]), "not understood"),
        ([], "not an object"),
    ],
)
def test_what_is_no_proof_is_refused(value: object, words: str) -> None:
    with pytest.raises((InputError, LimitError), match=words):
        Proof.parse(value)


@given(st.text() | st.text("ab\n— =\r+3").map(lambda one: f"{HOST}\n3\n{text(ROOT)}\n\n{one}"))
def test_no_text_raises_anything_but_our_own_errors(checkpoint: str) -> None:
    with pytest.raises(SupplyChainError):
        proof(1, _leaves(3), checkpoint=checkpoint).require(_leaves(3)[1], LOG)
