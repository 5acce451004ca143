"""Targets that read documents and texts of others: images, policies, reports, keys, JSON."""

from __future__ import annotations

import json

from supplychain.errors import LimitError, NotFoundError, SupplyChainError
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
from supplychain.model.vex import VexStatus
from supplychain.sbom import document as sbom
from supplychain.scan.report import read_report
from supplychain.signing import reference
from supplychain.signing.encoding import read_base64, read_json, read_pem, write_base64, write_pem
from supplychain.signing.keys import keyfile
from supplychain.signing.long_json import require_cyclonedx
from supplychain.signing.signer import PublicKey
from supplychain.signing.trust.keys import fingerprint_of_pem
from supplychain.vex.document import read_vex
from tests.fuzz.again import surely
from tests.fuzz.proofs import SUBJECT

_LIMIT = 1024 * 1024


def strict_json(data: bytes) -> None:
    read = read_json(data, "it", limit=_LIMIT, keep=[("a",), ("a", "b"), ("predicate",)])
    assert read.value == json.loads(data)
    for path, raw in read.raw.items():
        value = read.value
        for name in path:
            assert isinstance(value, dict)
            value = value[name]
        assert json.loads(raw) == value


def long_json(data: bytes) -> None:
    """What is read piece by piece is what is read whole, however it comes."""
    whole = read_json(data, "it", limit=_LIMIT).value
    for size in (1, 7, len(data)):
        chunks = (data[at : at + size] for at in range(0, len(data), size))
        try:
            require_cyclonedx(chunks, "it")
        except LimitError:
            return
        except SupplyChainError:
            assert not isinstance(whole, dict) or whole.get("bomFormat") != "CycloneDX"
        else:
            assert isinstance(whole, dict)
            assert whole["bomFormat"] == "CycloneDX"


def long_json_alone(data: bytes) -> None:
    """Nor is anything taken in pieces that is refused as a whole."""
    require_cyclonedx(iter((data[:5], data[5:])), "it")
    assert surely(lambda: read_json(data, "it", limit=_LIMIT)).value


def pem(data: bytes) -> None:
    label, body = read_pem(data, "it")
    assert surely(lambda: read_pem(write_pem(label, body), "it")) == (label, body)


def base64(data: bytes) -> None:
    text = data.decode("latin-1")
    assert write_base64(read_base64(text, "it")) == text


def key_file(data: bytes) -> None:
    keyfile.parse(data)


def public_key(data: bytes) -> None:
    read = PublicKey.parse_pem(data)
    assert surely(lambda: PublicKey.parse_pem(read.pem())) == read


def image_reference(data: bytes) -> None:
    read = Reference.parse(data.decode("utf-8", "surrogateescape"))
    assert surely(lambda: Reference.parse(str(read))) == read


def policy(data: bytes) -> None:
    read = _policy(data)
    assert surely(lambda: _policy(read.canonical())) == read


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
        assert surely(lambda: referrers.listed(more, "it")) == found


def login_challenge(data: bytes) -> None:
    parse_challenge(data.decode("latin-1"))


def layer_archive(data: bytes) -> None:
    entries = _walked(data, len(data) or 1)
    assert surely(lambda: _walked(data, 100)) == entries


def trivy_report(data: bytes) -> None:
    read_report(data)


def cyclonedx(data: bytes) -> None:
    read = sbom.read(data, subject=SUBJECT.digest)
    assert read.subject == SUBJECT.digest


def vex(data: bytes) -> None:
    """What it takes is bounded, names something, and gives its reason."""
    read = read_vex(data, attached_to=SUBJECT.digest)
    for claim in read.claims:
        assert claim.products
        assert claim.keys
        if claim.status is VexStatus.NOT_AFFECTED:
            assert claim.justification or claim.detail


def large_document(data: bytes) -> None:
    """It takes what the reader of small ones takes, in whatever pieces it comes."""
    step = 1 + len(data) % 97
    pieces = (data[at : at + step] for at in range(0, len(data), step))
    require_cyclonedx(pieces, "it")
    value = surely(lambda: read_json(data, "it", limit=_LIMIT)).value
    assert isinstance(value, dict)
    assert value["bomFormat"] == "CycloneDX"


def document_reference(data: bytes) -> None:
    digest = reference.read(data)
    again = reference.write(digest, SUBJECT, "https://ci.example")
    assert surely(lambda: reference.read(again)) == digest


def _walked(data: bytes, step: int) -> int:
    walk = TarWalk("it")
    for at in range(0, len(data), step):
        walk.feed(data[at : at + step])
    walk.finish()
    return walk.entries


def _policy(data: bytes) -> Policy:
    return load_policy(data, source="it", read_key=_no_key, fingerprint=fingerprint_of_pem)


def _no_key(path: str) -> bytes:
    raise NotFoundError(f"there is no public key {path}")
