"""What reads bytes that others made: each parser alone, and what must hold of whatever it takes.

Each target is given bytes, and refuses them with an error of ours or takes them. Anything else
that comes out is a bug: `make fuzz` looks for it, and `test_seeds.py` runs all that it has found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from supplychain.errors import NotFoundError, SupplyChainError
from supplychain.gate.document import load_policy
from supplychain.gate.policy import Policy
from supplychain.images import documents
from supplychain.images.documents import INDEX_TYPES
from supplychain.images.reference import Reference
from supplychain.images.registry import referrers
from supplychain.images.registry.auth import parse_challenge
from supplychain.images.tarwalk import TarWalk
from supplychain.model.artifact import Manifest
from supplychain.model.digest import Digest
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.sbom import document as sbom
from supplychain.scan.report import read_report
from supplychain.signing import embedded
from supplychain.signing.bundle import MEDIA_TYPE, Bundle
from supplychain.signing.dsse import Envelope
from supplychain.signing.encoding import read_base64, read_json, read_pem, write_base64, write_pem
from supplychain.signing.keys import keyfile
from supplychain.signing.signer import PublicKey
from supplychain.signing.simplesigning import SignatureLayer, SimpleSigning
from supplychain.signing.statement import Statement
from supplychain.signing.trust import bodies, clocks
from supplychain.signing.trust.bodies import Logged
from supplychain.signing.trust.certificates import SigningCertificate
from supplychain.signing.trust.entries import Entry
from supplychain.signing.trust.inclusion import Proof
from supplychain.signing.trust.keys import fingerprint_of_pem
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify_document

T = TypeVar("T")
Target = Callable[[bytes], None]

FOLDER = Path(__file__).parent
SEEDS = FOLDER / "seeds"
# What the genuine seeds are about, and when they were made.
SUBJECT = Subject("registry.example/app", Digest("sha256", "ab" * 32))
AT = datetime(2025, 6, 2, 12, 0, 0, tzinfo=UTC)
_LIMIT = 1024 * 1024


class _Anybody:
    """Takes every identity: what is looked for here is what lets a stranger in."""

    def accepts(self, identity: Identity, /) -> bool:
        return bool(identity.issuer)


@cache
def _root() -> TrustedRoot:
    return TrustedRoot.parse((FOLDER / "trusted_root.json").read_bytes())


TRUST = Trust(
    keys=(PublicKey.parse_pem((FOLDER / "signer.pub").read_bytes()),),
    identities=(_Anybody(),),
    root=_root,
)
# The payloads that were ever signed for TRUST, by digest; the private keys are gone.
SIGNED = frozenset((FOLDER / "signed.txt").read_text().split())


def bundle(data: bytes) -> None:
    read = Bundle.parse(data)
    if isinstance(read.content, Envelope):
        again = Bundle.by_key(read.material.key_hint, read.content)
        assert _surely(lambda: Bundle.parse(again.encode())).content == read.content


def envelope(data: bytes) -> None:
    read = Envelope.decode(data)
    assert _surely(lambda: Envelope.decode(read.encode())) == read


def statement(data: bytes) -> None:
    read = Statement.parse(data)
    assert read.predicate in data or read.predicate == b"{}"
    read.require(SUBJECT.digest)
    assert {"sha256": SUBJECT.digest.hex} in read.subjects


def simple_signing(data: bytes) -> None:
    read = SimpleSigning.parse(data)
    assert json.loads(data)["critical"]["image"] == {"docker-manifest-digest": read.digest}


def signature_layer(data: bytes) -> None:
    SignatureLayer.parse(data)


def strict_json(data: bytes) -> None:
    read = read_json(data, "it", limit=_LIMIT, keep=[("a",), ("a", "b"), ("predicate",)])
    assert read.value == json.loads(data)
    for path, raw in read.raw.items():
        value = read.value
        for name in path:
            assert isinstance(value, dict)
            value = value[name]
        assert json.loads(raw) == value


def pem(data: bytes) -> None:
    label, body = read_pem(data, "it")
    assert _surely(lambda: read_pem(write_pem(label, body), "it")) == (label, body)


def base64(data: bytes) -> None:
    text = data.decode("latin-1")
    assert write_base64(read_base64(text, "it")) == text


def key_file(data: bytes) -> None:
    keyfile.parse(data)


def public_key(data: bytes) -> None:
    read = PublicKey.parse_pem(data)
    assert _surely(lambda: PublicKey.parse_pem(read.pem())) == read


def image_reference(data: bytes) -> None:
    read = Reference.parse(data.decode("utf-8", "surrogateescape"))
    assert _surely(lambda: Reference.parse(str(read))) == read


def policy(data: bytes) -> None:
    read = _policy(data)
    assert _surely(lambda: _policy(read.canonical())) == read


def manifest(data: bytes) -> None:
    kind = documents.media_type_of(data, "", "it")
    held = Manifest(kind, Digest.of(data), data)
    if kind in INDEX_TYPES:
        documents.read_index(held, "it")
    else:
        documents.read_manifest(held, "it")


def image_config(data: bytes) -> None:
    documents.read_config(data, "it")


def referrers_answer(data: bytes) -> None:
    found = referrers.listed(data, "it")
    if found:
        more = referrers.with_entry(data, found[0])
        assert _surely(lambda: referrers.listed(more, "it")) == found


def login_challenge(data: bytes) -> None:
    parse_challenge(data.decode("latin-1"))


def layer_archive(data: bytes) -> None:
    entries = _walked(data, len(data) or 1)
    assert _surely(lambda: _walked(data, 100)) == entries


def trivy_report(data: bytes) -> None:
    read_report(data)


def cyclonedx(data: bytes) -> None:
    read = sbom.read(data, subject=SUBJECT.digest)
    assert read.subject == SUBJECT.digest


def trusted_root(data: bytes) -> None:
    TrustedRoot.parse(data)


def certificate(data: bytes) -> None:
    read = SigningCertificate.parse(data)
    read.identity()
    read.require_signing()
    read.require_issued(_root().authorities, [read.certificate.not_valid_before_utc])


def log_entry(data: bytes) -> None:
    read = Entry.parse(read_json(data, "it", limit=_LIMIT).value)
    if read.proof is not None:
        named = [log for log in _root().logs if log.log_id == read.log_id]
        read.proof.require(read.body, (named or _root().logs)[0])


def log_annotation(data: bytes) -> None:
    read = Entry.parse_annotation(data.decode("latin-1"))
    read.require(_LOGGED, _root().logs, [AT], proof=False)


def log_body(data: bytes) -> None:
    bodies.require(data, _LOGGED)


def checkpoint(data: bytes) -> None:
    leaf = b"leaf"
    root = hashlib.sha256(b"\0" + leaf).digest()
    note = data.decode("utf-8", "replace")
    Proof(0, 1, root, (), note).require(leaf, _root().logs[0])


def timestamp(data: bytes) -> None:
    clocks.require(data, b"a signature", _root().clocks)


def verification(data: bytes) -> None:
    """The whole way of a bundle: nothing that was not signed is ever believed."""
    _believed(data, MEDIA_TYPE)


def legacy_verification(data: bytes) -> None:
    """The whole way of a layer in cosign's older form."""
    _believed(data, embedded.MEDIA_TYPE)


def _believed(data: bytes, media_type: str) -> None:
    proven = verify_document(data, media_type, SUBJECT, TRUST, at=AT.replace(hour=13))
    assert str(proven.payload) in SIGNED


def _walked(data: bytes, step: int) -> int:
    walk = TarWalk("it")
    for at in range(0, len(data), step):
        walk.feed(data[at : at + step])
    walk.finish()
    return walk.entries


def _policy(data: bytes) -> Policy:
    return load_policy(data, source="it", read_key=_no_key, fingerprint=fingerprint_of_pem)


def _surely(call: Callable[[], T]) -> T:
    """What was taken once has to be taken again."""
    try:
        return call()
    except SupplyChainError as error:
        raise AssertionError(f"refused the second time: {error}") from error


def _no_key(path: str) -> bytes:
    raise NotFoundError(f"there is no public key {path}")


_LOGGED = Logged(Signed.over(b"message", b"signature", payload=b"payload"), b"verifier")

_ALL: tuple[Target, ...] = (
    base64,
    bundle,
    certificate,
    checkpoint,
    cyclonedx,
    envelope,
    image_config,
    image_reference,
    key_file,
    layer_archive,
    legacy_verification,
    log_annotation,
    log_body,
    log_entry,
    login_challenge,
    manifest,
    pem,
    policy,
    public_key,
    referrers_answer,
    signature_layer,
    simple_signing,
    statement,
    strict_json,
    timestamp,
    trivy_report,
    trusted_root,
    verification,
)
TARGETS: dict[str, Target] = {target.__name__.replace("_", "-"): target for target in _ALL}


def run(target: Target, data: bytes) -> bool:
    """Give a target these bytes; whether it took them.

    Anything but a refusal in our own words comes through.
    """
    try:
        target(data)
    except SupplyChainError:
        return False
    return True
