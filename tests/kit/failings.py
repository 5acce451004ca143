"""What may be missing, stale, foreign or broken when somebody asks the gate: one row each.

Every row is really brought about at a `Typist`'s, whose image would be allowed without it. The
published matrix is made of these rows, and tests bring each about, at every door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from supplychain.model.digest import Digest
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.failing_records import (
    INDEX,
    anew,
    break_database,
    claimed,
    damage_decision,
    folder_as_policy,
    key,
    lose_decision,
    of_index,
    old_database,
    save,
    together,
    unmount,
    unrated,
)
from tests.kit.failing_tools import (
    DAY,
    empty_database,
    expired_waiver,
    failing_verifier,
    no_scanner,
    policy_of,
)
from tests.kit.runs import scan_record
from tests.kit.scans import SUBJECT
from tests.kit.typist import HOUR, Typist

# What `Scene` has signed.
SIGNED = put_image(MemoryStore())


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
        problem: The code of the problem document with which a server answers, or of the error with
            which none begins; "" for a denial.
        begins: Whether a server begins to serve at all.
        remembered: Whether a server that is running may go on for a moment with what it read.
    """

    name: str
    bring_about: Callable[[Typist], object]
    code: int
    reason: str
    image: Digest | str = SUBJECT.digest
    environment: str = "prod"
    considered: bool = True
    problem: str = ""
    begins: bool = True
    remembered: bool = False


def in_order(typist: Typist) -> None:
    """A policy that allows the image, and evidence that it asks for."""
    typist.policy("sbom: {}", "freshness: {scan: 24h, database: 48h}")
    typist.examined()


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
    yield Failing("no scan", anew(save(None)), 10, "no scan is recorded")
    yield Failing(
        "a scan that nobody signed, of somebody whose word no policy takes",
        anew(claimed),
        10,
        "no scan is recorded",
    )
    yield Failing(
        "a stale scan", anew(lambda t: t.examined(ago=3 * DAY)), 10, "scanned 3 d ago, limit 1 d"
    )
    yield Failing(
        "a stale vulnerability database", anew(old_database), 10, "vulnerability database 9 d old"
    )
    yield Failing(
        "a clock moved back: the evidence comes later",
        anew(lambda t: t.examined(ago=-2 * HOUR)),
        10,
        nothing,
    )
    yield Failing(
        "no SBOM, or one that could not be read",
        anew(lambda t: save(scan_record(produced_at=t.now - HOUR), sbom=False)(t)),
        10,
        "no SBOM is recorded",
    )
    yield Failing("a finding that nobody rated", anew(unrated), 10, "unknown")


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
        together(Typist.forget, expired_waiver),
        10,
        "WV-1 expired 1 h",
    )


def _of_policies() -> Iterator[Failing]:
    yield Failing(
        "no signature, or none that verified",
        together(key, policy_of("signature: {keys: [../release.pub]}")),
        10,
        "not signed with",
    )
    yield Failing(
        "a key of the policy that is not there",
        policy_of("signature: {keys: [../lost.pub]}"),
        2,
        "there is no public key",
        problem="policy",
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
    yield Failing("an empty policy", policy_of(more="  []"), 2, "rules", problem="policy")
    yield Failing("a policy that is no YAML", policy_of("{{"), 2, "not YAML", problem="policy")
    yield Failing(
        "a policy that cannot be read", folder_as_policy, 2, "is a folder", problem="policy"
    )
    yield Failing(
        "an unknown rule",
        policy_of("vulnerabilites: {severity: high}"),
        2,
        "vulnerabilit",
        problem="policy",
    )
    yield Failing(
        "a rule that a newer version of policies needs",
        policy_of("sbom: {}", version="2"),
        2,
        "schemaVersion 2 is not known",
        problem="policy",
    )
    yield Failing(
        "a policy of which every rule only warns",
        policy_of("sbom: {}\n    warn: true"),
        2,
        "only warns",
        problem="policy",
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
        together(of_index, policy_of("sbom: {}", more="platforms: [linux/s390x]")),
        10,
        "so nobody judged it",
        image=INDEX.subject.digest,
    )
    yield Failing(
        "a platform of the index that could not be fetched",
        together(of_index, policy_of("freshness: {scan: 24h}")),
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
        problem="input",
    )
    yield Failing(
        "a database that cannot be read",
        break_database,
        1,
        "database",
        problem="store",
        begins=False,
    )
    yield Failing(
        "a database of another version",
        lambda t: t.sql("UPDATE alembic_version SET version_num = '0001'"),
        1,
        "older supplychain",
        problem="schema_version",
        begins=False,
    )
    yield Failing(
        "a database that lost a table",
        lambda t: t.sql("DROP TABLE decision_links"),
        1,
        "decision_links",
        considered=False,
        problem="store",
    )
    yield Failing(
        "a database of which a row was damaged",
        lambda t: t.sql("UPDATE evidence SET digest = 'sha256:'"),
        1,
        "where a digest belongs",
        problem="store",
    )
    yield Failing(
        "a content store that is not there when a program begins",
        unmount,
        1,
        "not the one of this database",
        problem="store",
        begins=False,
    )
    yield Failing(
        "an old allow whose document was changed",
        damage_decision,
        1,
        "other bytes",
        considered=False,
        problem="digest_mismatch",
        remembered=True,
    )
    yield Failing(
        "an old allow whose document is gone",
        lose_decision,
        1,
        "the content store has nothing under",
        considered=False,
        problem="content_missing",
        remembered=True,
    )


FAILINGS = tuple(failings())
