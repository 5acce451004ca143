"""What is handed in is measured before it is parsed, and what is nested ends nobody.

The table of `docs/security/threat-model.md` is held against the readers themselves.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from supplychain.errors import LimitError, PolicyError, SupplyChainError
from supplychain.gate import decision_document, inputs, yaml_text
from supplychain.gate.document import load_policy
from supplychain.records import epss, kev
from supplychain.sbom import parsing
from supplychain.scan import ignores, report
from supplychain.server import strict_json as limits
from supplychain.signing.bundle import BUNDLE_LIMIT, Bundle
from supplychain.signing.dsse import ENVELOPE_LIMIT, PAYLOAD_LIMIT, Envelope
from supplychain.signing.statement import Statement
from supplychain.signing.trust import root
from supplychain.vex import nodes
from supplychain.vex.document import read_vex
from tests.kit.prose import REPOSITORY

_PAGE = REPOSITORY / "docs" / "security" / "threat-model.md"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Handed:
    """A kind of document that is handed in: its name on the page, its reader, its bound."""

    name: str
    read: Callable[[bytes], object]
    limit: int


def _policy(data: bytes) -> object:
    return load_policy(data, source="it", read_key=lambda _: b"", fingerprint=lambda _: "")


HANDED = (
    Handed("a report of Trivy", report.read_report, report.REPORT_LIMIT),
    Handed("an SBOM", parsing.parse, parsing.SIZE_LIMIT),
    Handed("a VEX document", read_vex, nodes.SIZE_LIMIT),
    Handed("a policy", _policy, yaml_text.SIZE_LIMIT),
    Handed("a bundle", Bundle.parse, BUNDLE_LIMIT),
    Handed("an envelope", Envelope.decode, ENVELOPE_LIMIT),
    Handed("a statement", Statement.parse, PAYLOAD_LIMIT),
    Handed("a trusted root", root.TrustedRoot.parse, root.ROOT_LIMIT),
    Handed("an edition of EPSS", epss.check_epss, epss.EPSS_LIMIT),
    Handed("an edition of KEV", kev.read_kev, kev.KEV_LIMIT),
    Handed(
        "a list of what is ignored",
        lambda data: ignores.read_ignores(data, "findings.json"),
        ignores.IGNORES_LIMIT,
    ),
    Handed("a decision", decision_document.from_document, decision_document.DECISION_LIMIT),
    Handed("the inputs of a decision", inputs.from_document, inputs.INPUTS_LIMIT),
)
_EACH = pytest.mark.parametrize("handed", HANDED, ids=lambda one: one.name)
_SIZES = (1024 * _MIB, "GiB"), (_MIB, "MiB"), (1024, "KiB")


@_EACH
def test_one_byte_too_many_is_too_much(handed: Handed) -> None:
    """Bytes that are no document at all: what is said of them is their number and no more."""
    with pytest.raises((LimitError, PolicyError)) as caught:
        handed.read(bytes(handed.limit + 1))
    said = f"{caught.value}{caught.value.because}"
    assert str(handed.limit) in said


@_EACH
@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 200_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 40_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b'{"schemaVersion":1,"SchemaVersion":2,"bomFormat":"CycloneDX","a":' + b"[" * 100_000,
        b'"' + b"\\" * 100_001,
        b"9" * 100_000,
    ],
    ids=["opened", "lists", "objects opened", "objects", "within", "escapes", "digits"],
)
def test_what_is_nested_without_end_is_refused(handed: Handed, bomb: bytes) -> None:
    with pytest.raises(SupplyChainError):
        handed.read(bomb)


def test_a_policy_does_not_grow_by_aliases() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]"
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    ]
    with pytest.raises(PolicyError, match="aliases"):
        _policy("\n".join(lines).encode())


def test_what_is_compressed_is_measured_as_it_comes_out() -> None:
    whole = b"#model_version:v1,score_date:2026-11-25T00:00:00Z\n" + bytes(epss.EPSS_LIMIT)
    packed = gzip.compress(whole, 1)
    assert len(packed) < 4 * _MIB
    with pytest.raises(LimitError):
        epss.check_epss(packed)


@_EACH
def test_the_page_says_the_same(handed: Handed) -> None:
    assert _row(handed.name, handed.limit) in _PAGE.read_text("utf-8")


def test_the_page_says_the_same_of_requests() -> None:
    row = f"{_row('a request over HTTP', limits.WHOLE)} {limits.DEEPEST};"
    assert row in _PAGE.read_text("utf-8")


def _row(name: str, limit: int) -> str:
    size, unit = next((s, u) for s, u in _SIZES if limit >= s)
    return f"| {name} | {round(limit / size):,} {unit} |"
