"""The real pipeline on a real registry, whose workers, registry, database and store fail."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from supplychain.model.digest import Digest
from supplychain.model.runs import RunState
from supplychain.records.content import key_of
from supplychain.signing.keys.keyfile import generate
from tests.kit.aftermath import Left, left, require_sound
from tests.kit.cli import Desk
from tests.kit.clocks import Clock
from tests.kit.crew import LEASE, WHERE, Fault, until
from tests.kit.disks import fill, small_disk
from tests.kit.mortal import MortalPostgresql, mortal_registry, wire_to
from tests.kit.mounted import Mounted
from tests.kit.registry import RunningRegistry
from tests.kit.shops import Shop
from tests.kit.slowness import Slow

# How a request begins that puts a blob, and what is in one that puts a manifest.
_BLOB, _MANIFEST = (b"POST /v2/", b"/blobs/uploads/"), (b"PUT /v2/", b"/manifests/")
_STEPS = ("resolve", "scan", "describe", "draft", "sign", "record", "judge")


@pytest.mark.fault("a worker is killed at each boundary of fetch, scan, SBOM, sign, record, judge")
@pytest.mark.parametrize("step", _STEPS)
def test_workers_killed_at_a_step_of_the_pipeline_leave_what_one_leaves(
    shop: Shop,
    clean: Left,
    step: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("times", len(WHERE))
    run = shop.submit()
    with ExitStack() as stack:
        # One after the other takes over, and each gets a little further.
        for where in WHERE:
            fault = Fault(step, where, str(tmp_path / where))
            assert stack.enter_context(shop.worker(fault)).wait(120) == -9
        stack.enter_context(shop.worker())
        until(shop.crew.all_over, 120)

    assert shop.run().takeovers == len(WHERE)
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("a worker is told to end (SIGTERM) at each boundary of the pipeline's steps")
@pytest.mark.parametrize("step", _STEPS)
def test_workers_told_to_end_at_a_step_give_back_what_another_ends(
    shop: Shop,
    clean: Left,
    step: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    # Whoever has done the last step of a part brings that to its end at once.
    places = ("before", "after") if step in {"draft", "judge"} else WHERE
    record_property("times", len(places))
    run = shop.submit()
    with ExitStack() as stack:
        for where in places:
            fault = Fault(step, where, str(tmp_path / where), signal="SIGTERM")
            assert stack.enter_context(shop.worker(fault)).wait(60) == 0
            is_over = (step, where) == ("judge", "after")
            assert shop.run().state is (RunState.SUCCEEDED if is_over else RunState.QUEUED)
            assert shop.crew.workers() == 0
        stack.enter_context(shop.worker())
        until(shop.crew.all_over, 120)

    assert shop.run().takeovers == 0
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("the registry is killed in the middle of a push, and comes back", on="sqlite")
@pytest.mark.parametrize(
    ("words", "time_of"),
    [(_BLOB, 1), (_MANIFEST, 1), (_MANIFEST, 2), (_MANIFEST, 4)],
    ids=["first-blob", "blob-without-manifest", "second-manifest", "fourth-manifest"],
)
def test_a_registry_killed_in_the_middle_of_a_push_has_everything_once(
    corner_shop: Shop,
    clean: Left,
    vulnerable: Path,
    tmp_path: Path,
    words: tuple[bytes, ...],
    time_of: int,
) -> None:
    with mortal_registry(tmp_path / "registry") as registry:
        reference = registry.running.fresh()
        with wire_to(registry.running.address) as wire:
            mortal = Shop.furnished(corner_shop.desk, corner_shop.url, vulnerable, reference)
            shop = mortal.by_way_of(wire.address)
            killed = threading.Event()
            heard = itertools.count(1)

            def kill() -> None:
                if next(heard) == time_of:
                    registry.kill()
                    killed.set()

            wire.words, wire.heard = words, kill
            run = shop.submit()
            with shop.worker():
                assert killed.wait(120)
                time.sleep(2)
                registry.start()
                until(shop.crew.all_over, 120)
        require_sound(shop.crew, [run], clean=clean, repository=str(reference))


@pytest.mark.fault("PostgreSQL is killed while the pipeline runs", on="postgresql")
@pytest.mark.parametrize("kind", ["claimed", "started", "finished"])
def test_a_pipeline_goes_on_once_its_database_is_back(
    mortal: MortalPostgresql,
    clean: Left,
    desk: Desk,
    vulnerable: Path,
    debian_registry: RunningRegistry,
    kind: str,
) -> None:
    shop = Shop.furnished(desk, mortal.url, vulnerable, debian_registry.fresh())
    run = shop.submit()
    with shop.worker() as worker:
        until(lambda: shop.happened(kind), 120)
        mortal.kill()
        time.sleep(3)
        mortal.start()
        until(shop.crew.all_over, 120)
        assert worker.poll() is None
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("the disk of the content store is full for a while", on="sqlite")
def test_a_pipeline_goes_on_once_its_content_store_has_room(corner_shop: Shop, clean: Left) -> None:
    shop = corner_shop
    with small_disk(64) as disk:
        shop.desk.environ["SUPPLYCHAIN_CONTENT"] = str(disk / "content")
        run = shop.submit()
        with shop.worker():
            until(lambda: shop.happened("claimed"), 120)
            filler = fill(disk)
            until(lambda: shop.happened("retrying"), 120)
            filler.unlink()
            until(shop.crew.all_over, 120)
        require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("the content store is gone for a while", on="sqlite")
def test_a_pipeline_goes_on_once_its_content_store_is_back(corner_shop: Shop, clean: Left) -> None:
    shop, content = corner_shop, corner_shop.desk.data / "content"
    run = shop.submit()
    with shop.worker():
        until(lambda: shop.happened("started"), 120)
        content.rename(content.with_name("elsewhere"))
        until(lambda: shop.happened("retrying"), 120)
        # Nobody makes another one in its place.
        assert not content.exists()
        content.with_name("elsewhere").rename(content)
        until(shop.crew.all_over, 120)
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("the content store takes longer over each file than a lease", on="sqlite")
def test_a_pipeline_whose_content_store_is_slow_is_taken_from_nobody(
    corner_shop: Shop, clean: Left, tmp_path: Path
) -> None:
    shop = corner_shop
    slow = Slow.at(shop.desk.data / "content", tmp_path / "slow")
    run = shop.submit()
    with shop.worker(environ=slow.environ):
        until(lambda: shop.happened("started"), 120)
        slow.by(3 * LEASE)
        with shop.worker():  # who would take it over, if whoever is slow were taken for dead
            until(lambda: shop.run().draft is not None, 240)
            slow.by(0)
            until(shop.crew.all_over, 240)
    assert shop.run().takeovers == 0
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault("the content store returns other bytes", on="sqlite")
def test_other_bytes_than_were_kept_are_signed_by_nobody(corner_shop: Shop, clean: Left) -> None:
    shop, content = corner_shop, corner_shop.desk.data / "content"
    first = shop.submit()
    with shop.worker(duties="scan"):
        until(lambda: shop.run().draft is not None, 120)
    draft = content / key_of(shop.run().draft or Digest.of(b""))
    draft.chmod(0o644)
    draft.write_bytes(draft.read_bytes().replace(b"linux", b"linus") + b" ")

    with shop.worker():
        until(shop.crew.all_over, 120)
        failed = shop.run()
        assert failed.state is RunState.FAILED
        assert failed.error is not None
        assert failed.error["code"] == "digest_mismatch"
        found = left(shop.url, shop.repository)
        assert (found.rows, found.beside) == ({}, {})

        with shop.crew.record() as record:
            again = record.runs.again(first, by="ann", at=datetime.now(UTC)).id
        until(shop.crew.all_over, 120)
    with shop.crew.record() as record:
        assert record.runs.get(again).state is RunState.SUCCEEDED
    assert left(shop.url, shop.repository) == clean


@pytest.mark.fault("the clock of a worker jumps by hours between two parts of a run", on="sqlite")
@pytest.mark.parametrize("hours", [6, -6])
def test_a_worker_whose_clock_jumps_signs_and_records_once(
    corner_shop: Shop, clean: Left, tmp_path: Path, hours: int
) -> None:
    clock, shop = Clock.at(tmp_path / "clock"), corner_shop
    run = shop.submit()
    with shop.worker(duties="scan", environ=clock.environ):
        until(lambda: shop.run().draft is not None, 120)
    clock.jump(hours)
    with shop.worker(environ=clock.environ):
        until(shop.crew.all_over, 120)
    require_sound(shop.crew, [run], clean=clean, repository=shop.repository)


@pytest.mark.fault(
    "a worker is killed after it signed, and its key is replaced before another goes on",
    on="sqlite",
)
@pytest.mark.parametrize("kept", [True, False], ids=["trusted-yet", "trusted-no-more"])
def test_what_a_former_key_signed_counts_where_it_is_trusted_yet(
    corner_shop: Shop, clean: Left, tmp_path: Path, *, kept: bool
) -> None:
    shop, key = corner_shop, corner_shop.desk.key
    run = shop.submit()
    with shop.worker(Fault("sign", "after", str(tmp_path / "mark"))) as worker:
        assert worker.wait(120) == -9
    mounted = Mounted(tmp_path / "mounted")
    new, public = generate(b"another")
    mounted.mount({"release.key": new, "password": "another"})
    if not kept:
        key.with_suffix(".pub").write_bytes(public.pem())
    environ = {
        "SUPPLYCHAIN_KEY": str(mounted / "release.key"),
        "SUPPLYCHAIN_KEY_PASSWORD": "",
        "SUPPLYCHAIN_KEY_PASSWORD_FILE": str(mounted / "password"),
    }
    with shop.worker(environ=environ):
        until(shop.crew.all_over, 120)
    if kept:
        require_sound(shop.crew, [run], clean=clean, repository=shop.repository)
        return
    failed = shop.run()
    assert failed.state is RunState.FAILED
    assert "does not verify" in str(failed.error)
    assert left(shop.url, shop.repository).rows == {}
