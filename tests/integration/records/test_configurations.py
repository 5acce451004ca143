"""Configurations, secrets and ancestors: in, and out again as of an instant, on both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from supplychain.model.artifact import OCI_INDEX
from supplychain.model.digest import Digest
from supplychain.model.dossier import Need, PlatformDossier
from supplychain.model.image_config import Ancestor, ImageConfig, Kinship, Secret, Variable
from supplychain.model.subject import Subject
from supplychain.records.content import ContentStore
from supplychain.records.record import Record
from supplychain.records.run import ConfigRecord, RunRecord
from tests.kit.runs import manifest_run, scan_record
from tests.kit.scans import AT, SUBJECT

LATER = AT + timedelta(days=1)
LAYERS = [Digest.of(b"layer %d" % n) for n in range(4)]
SECRET = Secret("aws-access-key-id", "AWS", "critical", "AWS", "app/.env", 3, LAYERS[1])


def make_config(
    layers: Sequence[Digest] = LAYERS[:1],
    *,
    annotations: tuple[tuple[str, str], ...] = (),
    user: str = "1000",
) -> ImageConfig:
    return ImageConfig(
        digest=Digest.of(b"config"),
        created_at=AT - timedelta(days=3),
        user=user,
        ports=("8080/tcp",),
        volumes=("/data",),
        environment=(Variable("PATH"), Variable("TOKEN", "its name says so")),
        labels=(("vendor", "Acme \u0000 ünd Söhne"),),
        healthcheck=True,
        entrypoint=("/server",),
        command=(),
        diff_ids=tuple(layers),
        annotations=annotations,
    )


def configured(
    config: ImageConfig, subject: Subject = SUBJECT, produced_at: datetime = AT
) -> RunRecord:
    run = manifest_run(subject)
    record = ConfigRecord(config, "0.1.0", produced_at)
    return replace(run, platforms=(replace(run.platforms[0], config=record),))


def image(name: str) -> Subject:
    return Subject(f"registry.test/{name}", Digest.of(name.encode()))


def below(subject: Subject, layers: int, **said: Any) -> Ancestor:
    """An ancestor by its layers, as old as `make_config` has it."""
    return Ancestor(subject, Kinship.LAYERS, layers, created_at=make_config().created_at, **said)


def platform(record: Record, subject: Subject = SUBJECT, at: datetime = LATER) -> PlatformDossier:
    dossier = record.dossier(subject.digest, at=at, needs=frozenset({Need.ANCESTORS}))
    assert dossier
    return dossier.platforms[0]


def base_of(subject: Subject) -> tuple[tuple[str, str], ...]:
    key = "org.opencontainers.image.base"
    return ((f"{key}.digest", str(subject.digest)), (f"{key}.name", f"{subject.name}:1"))


def test_a_configuration_comes_back_as_it_went_in(record: Record, content: ContentStore) -> None:
    config = make_config(annotations=base_of(image("base")))
    for _ in range(2):
        record.save_run(configured(config), at=AT)

    found = platform(record)
    assert found.config == config
    assert found.recorded_at == AT
    assert found.config_evidence
    assert found.config_evidence.subject.digest == SUBJECT.digest
    assert found.config_evidence.produced_at == AT
    assert content.get(found.config_evidence.digest) == config.document()


def test_the_latest_as_of_the_instant_counts(record: Record) -> None:
    record.save_run(manifest_run(), at=AT)
    assert platform(record, at=AT).config is None
    record.save_run(configured(make_config()), at=AT + timedelta(hours=1))
    record.save_run(configured(make_config(user="0")), at=LATER)

    assert platform(record, at=AT).config is None
    assert platform(record, at=LATER - timedelta(hours=1)).config == make_config()
    assert platform(record).config == make_config(user="0")


def test_secrets_come_back_and_a_scan_that_did_not_look_says_so(record: Record) -> None:
    for report, secrets in ((b"1", None), (b"2", ()), (b"3", (SECRET,))):
        subject = image(report.decode())
        scan = scan_record(subject=subject, report=report)
        scan = replace(scan, scan=replace(scan.scan, secrets=secrets))
        record.save_run(manifest_run(subject, scan=scan), at=AT)
        assert platform(record, subject).secrets == secrets


def test_an_image_is_built_upon_those_whose_layers_it_begins_with(record: Record) -> None:
    images = {"debian": LAYERS[:1], "team": LAYERS[:2], "other": LAYERS[1:2], "above": LAYERS}
    for name, layers in images.items():
        record.save_run(configured(make_config(layers), image(name)), at=AT)
    record.save_run(configured(make_config(LAYERS[:3])), at=AT)
    record.save_run(configured(make_config(LAYERS[:1]), image("late")), at=LATER)

    assert platform(record, at=AT).ancestors == (
        below(image("team"), 2),
        below(image("debian"), 1),
    )
    assert below(image("late"), 1) in platform(record).ancestors
    assert platform(record, image("debian"), at=AT).ancestors == ()
    dossier = record.dossier(SUBJECT.digest, at=AT)
    assert dossier
    assert dossier.platforms[0].ancestors == ()


def test_a_base_that_only_somebodys_file_is_called_like_says_so(record: Record) -> None:
    base = image("base")
    for name, resolved in (("file", False), ("registry", True)):
        run = configured(make_config(LAYERS[:1]), replace(base, name=name))
        record.save_run(replace(run, resolved=resolved), at=AT)
    record.save_run(configured(make_config()), at=AT)
    local = {a.subject.name: a.local for a in platform(record).ancestors}
    assert local == {"file": True, "registry": False}


def test_an_image_with_the_same_layers_counts_for_a_base_without_a_layer(record: Record) -> None:
    record.save_run(configured(make_config(user="0"), image("base")), at=AT)
    record.save_run(configured(make_config()), at=AT)
    assert platform(record).ancestors == (below(image("base"), 1),)


def test_a_base_is_found_under_every_name_and_index(record: Record) -> None:
    base = image("base")
    run = configured(make_config(), base)
    index = Subject("registry.test/base", Digest.of(b"index"))
    record.save_run(run, at=AT)
    record.save_run(replace(run, subject=index, media_type=OCI_INDEX), at=AT)
    record.save_run(configured(make_config(), replace(base, name="mirror.test/base")), at=AT)
    record.save_run(configured(make_config(LAYERS[:2])), at=AT)

    assert {(a.subject.name, a.subject.digest) for a in platform(record).ancestors} == {
        ("mirror.test/base", base.digest),
        ("registry.test/base", base.digest),
        ("registry.test/base", index.digest),
    }
    dossier = record.dossier(base.digest, at=AT)
    assert dossier
    assert dossier.names == ("mirror.test/base", "registry.test/base")
    assert dossier.indexes == (index.digest,)


def test_what_labels_name_is_followed_and_never_for_ever(record: Record) -> None:
    one, two = image("one"), image("two")
    record.save_run(configured(make_config([LAYERS[1]], annotations=base_of(two)), one), at=AT)
    record.save_run(configured(make_config([LAYERS[2]], annotations=base_of(one)), two), at=AT)
    record.save_run(configured(make_config(annotations=base_of(one))), at=AT)

    assert platform(record).ancestors == (
        Ancestor(one, Kinship.LABEL),
        Ancestor(two, Kinship.LABEL),
    )
