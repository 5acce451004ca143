"""Targets that read what is signed and what proves it: bundles, certificates, logs, clocks."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from supplychain.model.artifact import OCI_INDEX, Manifest
from supplychain.model.digest import Digest
from supplychain.model.identity import Identity
from supplychain.model.subject import Subject
from supplychain.signing import blobs, buildkit, bundle_files, embedded, inventory
from supplychain.signing.blobs import Blob
from supplychain.signing.bundle import MEDIA_TYPE, Bundle
from supplychain.signing.dsse import Envelope
from supplychain.signing.encoding import read_json
from supplychain.signing.inventory import State
from supplychain.signing.keyless import answers, tokens
from supplychain.signing.keyless.services import Instance
from supplychain.signing.signer import PublicKey
from supplychain.signing.simplesigning import SignatureLayer, SimpleSigning
from supplychain.signing.statement import Statement
from supplychain.signing.trust import bodies, clocks
from supplychain.signing.trust.bodies import Logged
from supplychain.signing.trust.certificates import SigningCertificate
from supplychain.signing.trust.entries import Entry
from supplychain.signing.trust.inclusion import Proof
from supplychain.signing.trust.root import TrustedRoot
from supplychain.signing.trust.signed import Signed
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify_document
from tests.fuzz.again import surely
from tests.kit.artifacts import MemoryStore

FOLDER = Path(__file__).parent
# What the genuine seeds are about, and when they were made.
SUBJECT = Subject("registry.example/app", Digest("sha256", "ab" * 32))
FILE = b"what is in the file"
AT = datetime(2025, 6, 2, 12, 0, 0, tzinfo=UTC)
_NOW = AT + timedelta(hours=1)
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
        assert surely(lambda: Bundle.parse(again.encode())).content == read.content


def envelope(data: bytes) -> None:
    read = Envelope.decode(data)
    assert surely(lambda: Envelope.decode(read.encode())) == read


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
    proven = verify_document(data, media_type, SUBJECT, TRUST, at=_NOW)
    assert str(proven.payload) in SIGNED


def file_verification(data: bytes) -> None:
    """The whole way of a bundle that lies beside a file."""
    blob = Blob("file", (Digest.of(FILE),), FILE)
    held = blobs.verify(data, blob, TRUST, at=_NOW)
    assert held.predicate_type is None


def bundle_file(data: bytes) -> None:
    found = bundle_files.read(data, "it")
    assert all(one.data in data for one in found)


def buildkit_index(data: bytes) -> None:
    index = Manifest(OCI_INDEX, Digest.of(data), data)
    for about, one in buildkit.read(MemoryStore(), index):
        assert inventory.of_buildkit(Subject("it", about), one).attestation is None


def buildkit_statement(data: bytes) -> None:
    """No bytes that BuildKit could leave are ever more than unsigned."""
    found = buildkit.Unsigned(SUBJECT.digest, SUBJECT.digest, "https://example.com/v1", data)
    assert inventory.of_buildkit(SUBJECT, found).state is State.UNSIGNED


def identity_token(data: bytes) -> None:
    tokens.read(data.decode("utf-8", "replace"), "it")


def signing_config(data: bytes) -> None:
    Instance.parse((FOLDER / "trusted_root.json").read_bytes(), data)


def service_answer(data: bytes) -> None:
    answers.without_tokens(answers.said(data))
    answers.seconds(data.decode("latin-1"), AT)


_LOGGED = Logged(Signed.over(b"message", b"signature", payload=b"payload"), b"verifier")
