"""Signing and verifying beside cosign: as processes, and what they take of a running one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.by_hand import find_cosign
from benchmarks.machine import Machine
from benchmarks.place import REVIEW, Place, prepared, sbom
from benchmarks.scene import SUPPLYCHAIN, Unavailable, push
from benchmarks.table import Row, skipped
from benchmarks.timing import Contestant, Times, alternate
from supplychain.bootstrap.trust import load_policy, policy_trust
from supplychain.gate.policy import Policy
from supplychain.images.reference import Reference
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.resolve import resolve
from supplychain.model.artifact import ArtifactStore
from supplychain.model.decision import Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.model.subject import Subject
from supplychain.pipeline.inspection import inspect
from supplychain.pipeline.seal import seal
from supplychain.pipeline.target import Target
from supplychain.settings import Settings
from supplychain.signing.formats import Format
from supplychain.signing.publication import SIGNATURE, Claim, publish
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.go_tools import REFERRERS
from tests.kit.keys import signer
from tests.kit.scanlayout import write_image

_ROUNDS = 9
_IMAGES = 1000
_JUDGED = 200
# Numbers of attestations on one image; cosign is asked about the middle one too.
_CURVE = (50, 100, 200, 500)
_STEEPEST = 1.5


def measure() -> list[Row]:
    """Everything about signatures that was promised."""
    try:
        with prepared() as place:
            cosign = find_cosign()
            processes = _processes(place, cosign)
            machine = Machine.by_signing(processes.by_hand)
            return [
                *_worker(machine),
                *_process_rows(processes, machine),
                *_many(place, machine),
                *_curve(place, cosign),
            ]
    except Unavailable as reason:
        return [*_worker(Machine()), skipped("sign and verify in a registry", str(reason))]


def _worker(machine: Machine) -> Iterator[Row]:
    """What is left where the registry takes no time: it is in memory."""
    # Each by itself: the one leaves so much garbage that the other would be measured collecting it.
    (sealing,) = alternate(Contestant(_sealed), rounds=25)
    attested = partial(_verified, *_attested(MemoryStore(), 3))
    (verifying,) = alternate(Contestant(attested), rounds=25, warm_up=3)
    for name, taken, most in (
        ("sign, attest, attest and verify it in a running process", sealing, 0.060),
        ("verify three attestations in a running process", verifying, 0.005),
    ):
        shown = f"{taken.median * 1000:.1f} ms"
        yield Row(name, shown, target=machine.target(most), met=machine.meets(taken.median, most))


def _sealed() -> None:
    store = MemoryStore()
    seal(store, put_image(store), signer(), _claims(2), Trust(), at=_now())


@dataclass(frozen=True, slots=True)
class _Processes:
    """What each took as a process; None where there is no cosign."""

    signing: Times
    recording: Times
    verifying: Times
    started: Times
    by_hand: Times | None


def _processes(place: Place, cosign: Path | None) -> _Processes:
    numbers = iter(range(10**6))
    image = ""

    def fresh() -> None:
        nonlocal image
        image = place.pushed(f"fresh{next(numbers)}")

    def ours() -> None:
        sign("--no-record")

    def recorded() -> None:
        sign()

    def sign(*options: str) -> None:
        both = ("--attest", "cyclonedx=sbom.json", "--attest", f"{REVIEW}=review.json")
        place.process(SUPPLYCHAIN, "sign", image, "--key", "bench.key", *both, *options)()

    def theirs() -> None:
        place.sign_by_hand(cosign or Path(), image)

    def verified() -> None:
        place.process(SUPPLYCHAIN, "verify", image, "--key", "bench.pub")()

    contestants = [Contestant(ours, fresh), Contestant(recorded, fresh), Contestant(verified)]
    start = Contestant(place.process(sys.executable, "-c", "pass"))
    by_hand = [Contestant(theirs, fresh)] if cosign else []
    signing, recording, verifying, started, *hand = alternate(
        *contestants, start, *by_hand, rounds=_ROUNDS
    )
    return _Processes(signing, recording, verifying, started, hand[0] if hand else None)


def _process_rows(taken: _Processes, machine: Machine) -> Iterator[Row]:
    signing, by_hand = taken.signing, taken.by_hand
    name, target = "sign, attest, attest, one process", "at most 0.7 of three runs of cosign"
    if by_hand is not None:
        ratio = signing.ratio(by_hand)
        yield Row(name, f"{signing}", f"cosign {by_hand}", ratio, target, ratio <= 0.7)
    else:
        yield skipped(name, "no cosign on PATH, and no Go to build it", target)
    yield Row(
        "sign, attest, attest, recorded too",
        f"{taken.recording}",
        f"unrecorded {signing}",
        taken.recording.ratio(signing),
    )
    yield Row(
        "verify three attestations, one process",
        f"{taken.verifying}",
        f"python -c pass {taken.started}",
        taken.verifying.ratio(taken.started),
        machine.target(0.5),
        machine.meets(taken.verifying.median, 0.5),
    )


def _many(place: Place, machine: Machine) -> list[Row]:
    """Many images in one process, each in a repository of its own.

    In a registry that keeps everything in memory, for which the limits were set: the time of the
    disk is not ours. Where there is no Go to build it, the disk's is shown and nothing promised.
    """
    if REFERRERS.build():
        return _verified_together(place, None, "docker-registry, on the disk")
    with subprocess.Popen([REFERRERS.path], stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            in_memory = replace(place, address=address)
            return _verified_together(in_memory, machine, "a registry in memory")
        finally:
            process.kill()


def _verified_together(place: Place, machine: Machine | None, registry: str) -> list[Row]:
    pool = [_attested(place.repository(f"many{number}"), 3) for number in range(_IMAGES)]
    policy, trust = _judging(place)
    whole_images = [_pushed(place, number) for number in range(_JUDGED)]

    def verified() -> None:
        for store, subject in pool:
            _verified(store, subject)

    def judged() -> None:
        for store, subject in whole_images:
            image = resolve(store, subject.digest, name=subject.name)
            target = Target(store, image, None, keep=False, beside=partial(_itself, store))
            if inspect(target, policy, trust, at=_now()).decision.verdict is not Verdict.ALLOW:
                raise AssertionError("what was signed as asked is denied")

    verifying, judging = alternate(Contestant(verified), Contestant(judged), rounds=3)
    name = f"verify {_IMAGES:,} images of three attestations in one process"
    whole = f"fetch, verify and judge {_JUDGED} images in one process"
    rows = [(name, verifying.median / _IMAGES, 0.015), (whole, judging.median / _JUDGED, 0.030)]
    return [
        Row(
            what,
            f"{each * 1000:.1f} ms each",
            f"from {registry}",
            target=f"{machine.target(limit)} each" if machine else "",
            met=machine.meets(each, limit) if machine else None,
        )
        for what, each, limit in rows
    ]


def _pushed(place: Place, number: int) -> tuple[RegistryRepository, Subject]:
    """An image with a layer, and what is attached to it."""
    layout = place.folder / "small"
    if not layout.exists():
        write_image(layout, {"app/shop": b"shop"})
    reference = Reference(place.address, f"whole{number}")
    _, digest = push(layout, reference)
    store, subject = RegistryRepository(reference), Subject(reference.name, Digest.parse(digest))
    publish(store, subject, signer(), _claims(3), at=_now(), formats=(Format.BUNDLE,))
    return store, subject


def _itself(store: ArtifactStore) -> ArtifactStore:
    return store


def _judging(place: Place) -> tuple[Policy, Trust]:
    """A policy of two rules, and whom it names."""
    (place.folder / "lib.pub").write_bytes(signer().public_key.pem())
    file = place.folder / "prod.yaml"
    file.write_text(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        "  - signature: {keys: [lib.pub]}\n  - sbom: {keys: [lib.pub]}\n"
    )
    policy = load_policy(file)
    return policy, policy_trust(Settings({}, {}, place.folder), policy)


def _curve(place: Place, cosign: Path | None) -> Iterator[Row]:
    """Time by the number of attestations on one image."""
    per: dict[int, float] = {}
    for count in _CURVE:
        store, subject = _attested(place.repository(f"curve{count}"), count)
        contestants = [Contestant(partial(_verified, store, subject))]
        name = f"{place.address}/curve{count}@{subject.digest}"
        if cosign and count == _CURVE[0]:
            options = ("--key", "bench-lib.pub", "--insecure-ignore-tlog=true")
            (place.folder / "bench-lib.pub").write_bytes(signer().public_key.pem())
            contestants.append(Contestant(place.process(cosign, "verify", *options, name)))
        taken, *hand = alternate(*contestants, rounds=3)
        per[count] = taken.median / count
        last = count == _CURVE[-1]
        yield Row(
            f"verify {count} attestations of one image",
            f"{taken}, {per[count] * 1000:.1f} ms each",
            f"cosign verify, a process {hand[0]}" if hand else "",
            taken.ratio(hand[0]) if hand else None,
            f"each at most {_STEEPEST} of one of {_CURVE[0]}" if last else "",
            per[count] <= _STEEPEST * per[_CURVE[0]] if last else None,
        )


def _attested(store: ArtifactStore, count: int) -> tuple[ArtifactStore, Subject]:
    """An image with a signature and so many attestations, as bundles."""
    subject = put_image(store)
    publish(store, subject, signer(), _claims(count), at=_now(), formats=(Format.BUNDLE,))
    return store, subject


def _claims(count: int) -> list[Claim]:
    described = Claim(CYCLONEDX_PREDICATE, sbom())
    reviews = [Claim(f"{REVIEW}/{number}", b'{"reviewed":true}') for number in range(count - 1)]
    return [SIGNATURE, described, *reviews]


def _verified(store: ArtifactStore, subject: Subject) -> None:
    report = verify(store, subject, Trust((signer().public_key,)), at=_now())
    if report.rejected or not report.signatures:
        raise AssertionError("what was signed does not verify")


def _now() -> datetime:
    return datetime.now(UTC)
