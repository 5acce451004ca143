"""What may be missing, stale, foreign or broken when somebody asks the gate: one row each.

Every row is really brought about at a `Typist`'s, whose image would be allowed without it. The
published matrix is made of these rows, and a test brings each about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from supplychain.model.digest import Digest
from supplychain.model.evidence import VulnerabilityDatabase
from supplychain.model.finding import Severity
from supplychain.records.folder import FolderStore
from supplychain.records.run import ScanRecord
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.failing_tools import (
    DAY,
    empty_database,
    expired_waiver,
    failing_verifier,
    no_scanner,
    policy_of,
)
from tests.kit.runs import index_run, manifest_run, platform_record, sbom_record, scan_record
from tests.kit.scans import SUBJECT, make_finding
from tests.kit.typist import HOUR, Typist

INDEX = index_run("registry.test/shop/multi")
# What `Scene` has signed.
SIGNED = put_image(MemoryStore())
KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuoaI2k75FbGb8WOJZHKmvCREGjEN
pJ9OnOPnSWR4sEFYzyfpByYG9eS1mCvfyqxiT7vqRtKstXcwIZ5s14eC4g==
-----END PUBLIC KEY-----
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """One row of the matrix.

    Attributes:
        name: What is wrong.
        bring_about: Does it, where an image was allowed a moment ago.
        code: How the command line ends: 10 for a denial, 1 for a fault, 2 for wrong usage.
        reason: What it says.
        image: What is asked about.
        environment: Where it wants to run.
        considered: Whether it also stands in the way of who only considers, and records nothing.
    """

    name: str
    bring_about: Callable[[Typist], object]
    code: int
    reason: str
    image: Digest | str = SUBJECT.digest
    environment: str = "prod"
    considered: bool = True


def in_order(typist: Typist) -> None:
    """A policy that allows the image, and evidence that it asks for."""
    typist.policy("sbom: {}", "freshness: {scan: 24h, database: 48h}")
    typist.examined()


def _all(*steps: Callable[[Typist], object]) -> Callable[[Typist], object]:
    """One after the other."""

    def take(typist: Typist) -> None:
        for step in steps:
            step(typist)

    return take


def _anew(fill: Callable[[Typist], object]) -> Callable[[Typist], object]:
    """With a record that holds nothing else."""

    def renew(typist: Typist) -> None:
        typist.forget()
        fill(typist)

    return renew


def _save(scan: ScanRecord | None, *, sbom: bool = True) -> Callable[[Typist], object]:
    def save(typist: Typist) -> None:
        made = sbom_record(produced_at=typist.now - HOUR) if sbom else None
        with typist.record() as record:
            record.save_run(manifest_run(scan=scan, sbom=made), at=typist.now - HOUR)

    return save


def _old_database(typist: Typist) -> None:
    made = scan_record(components=(), findings=(), produced_at=typist.now - HOUR)
    old = VulnerabilityDatabase(Digest.of(b"old"), typist.now - 9 * DAY)
    _save(ScanRecord(replace(made.scan, database=old), made.report))(typist)


def _unrated(typist: Typist) -> None:
    finding = make_finding(severity=Severity.UNKNOWN)
    _save(scan_record(components=(), findings=(finding,), produced_at=typist.now - HOUR))(typist)
    policy_of("vulnerabilities: {severity: critical}")(typist)


def _of_index(typist: Typist) -> None:
    """An index with a platform that nobody could fetch: it is known, and nothing about it."""
    first, second = INDEX.platforms
    at = typist.now - HOUR
    scanned = scan_record(
        subject=first.subject, components=(), findings=(), report=b"first", produced_at=at
    )
    platforms = (
        platform_record(first.subject, first.platform, scan=scanned),
        platform_record(second.subject, second.platform),
    )
    with typist.record() as record:
        record.save_run(replace(INDEX, platforms=platforms), at=at)


def _damage_decision(typist: Typist) -> None:
    """The recorded allow is no longer what it was."""
    with typist.record() as record:
        (allowed,) = record.ledger.list()
    store = typist.data / "content" / "sha256" / allowed.digest.hex[:2] / allowed.digest.hex
    store.chmod(0o644)
    store.write_bytes(b'{"verdict":"allow"}')
    assert FolderStore(typist.data / "content").has(allowed.digest)


def _break_database(typist: Typist) -> None:
    for path in typist.data.glob("supplychain.db*"):
        path.unlink()
    (typist.data / "supplychain.db").write_bytes(b"no database at all " * 1000)


def _key(typist: Typist) -> None:
    (typist.folder / "release.pub").write_text(KEY)


def failings() -> Iterator[Failing]:
    """Every row."""
    yield from _of_scans()
    yield from _of_tools()
    yield from _of_policies()
    yield from _of_platforms()
    yield from _of_faults()


def _of_scans() -> Iterator[Failing]:
    nothing = "nothing is recorded about this digest"
    yield Failing("an image that was never seen", Typist.forget, 10, nothing)
    yield Failing("a run that failed, which records nothing", Typist.forget, 10, nothing)
    yield Failing("no scan", _anew(_save(None)), 10, "no scan is recorded")
    yield Failing(
        "a stale scan", _anew(lambda t: t.examined(ago=3 * DAY)), 10, "scanned 3 d ago, limit 1 d"
    )
    yield Failing(
        "a stale vulnerability database", _anew(_old_database), 10, "vulnerability database 9 d old"
    )
    yield Failing(
        "a clock moved back: the evidence comes later",
        _anew(lambda t: t.examined(ago=-2 * HOUR)),
        10,
        nothing,
    )
    yield Failing(
        "no SBOM, or one that could not be read",
        _anew(lambda t: _save(scan_record(produced_at=t.now - HOUR), sbom=False)(t)),
        10,
        "no SBOM is recorded",
    )
    yield Failing("a finding that nobody rated", _anew(_unrated), 10, "unknown")


def _of_tools() -> Iterator[Failing]:
    nothing = "nothing is recorded about this digest"
    yield Failing("a scanner that is not there: the run fails", no_scanner, 10, nothing)
    yield Failing(
        "an empty vulnerability database: it is refused, and the run fails",
        empty_database,
        10,
        nothing,
    )
    yield Failing(
        "a verifier that fails: nothing is recorded as signed",
        failing_verifier,
        10,
        "not signed with",
        image=SIGNED.digest,
    )
    yield Failing(
        "a waiver that expired since the last nightly job",
        _all(Typist.forget, expired_waiver),
        10,
        "WV-1 expired 1 h",
    )


def _of_policies() -> Iterator[Failing]:
    yield Failing(
        "no signature, or none that verified",
        _all(_key, policy_of("signature: {keys: [../release.pub]}")),
        10,
        "not signed with",
    )
    yield Failing(
        "a key of the policy that is not there",
        policy_of("signature: {keys: [../lost.pub]}"),
        2,
        "there is no public key",
    )
    yield Failing(
        "no policy",
        lambda t: (t.folder / "policies" / "prod.yaml").unlink(),
        10,
        "there is no usable policy for prod",
    )
    yield Failing(
        "an unknown environment, or an image that no policy maps to",
        lambda _: None,
        10,
        "there is no usable policy for elsewhere",
        environment="elsewhere",
    )
    yield Failing("an empty policy", policy_of(more="  []"), 2, "rules")
    yield Failing("a policy that is no YAML", policy_of("{{"), 2, "not YAML")
    yield Failing(
        "an unknown rule", policy_of("vulnerabilites: {severity: high}"), 2, "vulnerabilit"
    )
    yield Failing(
        "a rule that a newer version of policies needs",
        policy_of("sbom: {}", version="2"),
        2,
        "schemaVersion 2 is not known",
    )
    yield Failing(
        "a policy of which every rule only warns",
        policy_of("sbom: {}\n    warn: true"),
        2,
        "only warns",
    )
    yield Failing(
        "a policy of which no rule is in force yet",
        policy_of('sbom: {}\n    warn_until: "2999-01-01T00:00:00Z"'),
        10,
        "is in force yet",
    )


def _of_platforms() -> Iterator[Failing]:
    yield Failing(
        "evidence for another platform",
        policy_of("sbom: {}", more="platforms: [linux/arm64]"),
        10,
        "the image is for linux/amd64",
    )
    yield Failing(
        "a platform of the index that was never judged",
        _all(_of_index, policy_of("sbom: {}", more="platforms: [linux/s390x]")),
        10,
        "so nobody judged it",
        image=INDEX.subject.digest,
    )
    yield Failing(
        "a platform of the index that could not be fetched",
        _all(_of_index, policy_of("freshness: {scan: 24h}")),
        10,
        "no scan is recorded",
        image=INDEX.subject.digest,
    )


def _of_faults() -> Iterator[Failing]:
    yield Failing(
        "an image whose tag cannot be resolved",
        lambda _: None,
        1,
        "127.0.0.1:1",
        image="127.0.0.1:1/shop:1.4",
    )
    yield Failing("a database that cannot be read", _break_database, 1, "database")
    yield Failing(
        "a database of another version",
        lambda t: t.sql("UPDATE alembic_version SET version_num = '0001'"),
        1,
        "older supplychain",
    )
    yield Failing(
        "an old allow whose document was changed",
        _damage_decision,
        1,
        "other bytes",
        considered=False,
    )


FAILINGS = tuple(failings())


def matrix() -> str:
    """The rows as they are published."""
    ends = {10: "denies (10)", 1: "fails (1)", 2: "refuses (2)"}
    raises = {10: "a decision, deny", 1: "an error", 2: "an error"}
    lines = ["| situation | command line | library | what it says |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row.name} | {ends[row.code]} | {raises[row.code]} | {row.reason} |" for row in FAILINGS
    ]
    return "\n".join(lines) + "\n"
