"""Vulnerability databases, imported and proven with the real Trivy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from supplychain.errors import (
    InputError,
    NotFoundError,
    StoreError,
    VulnerabilityDatabaseError,
)
from supplychain.model.digest import Digest
from supplychain.scan.database import DatabaseStore
from supplychain.scan.kinds import kinds
from supplychain.scan.trivy import Trivy
from tests.kit.artifacts import MemoryStore
from tests.kit.vulndb import (
    now,
    write_deaf,
    write_empty,
    write_every_kind,
    write_future,
    write_garbage,
    write_other_schema,
    write_sample,
    write_stale,
    write_truncated,
    write_without,
)
from tests.unit.scan.test_download import publish

SAMPLE_KINDS = ("cargo", "debian 12", "go", "npm", "pip")


@pytest.fixture
def store(tmp_path: Path) -> DatabaseStore:
    return DatabaseStore(tmp_path / "vulndb")


def tarball(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        for name in ("trivy.db", "metadata.json"):
            archive.add(folder / name, name)
    return target


def test_an_imported_database_is_in_force_and_proven(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    at = now()
    generation = store.import_database(write_sample(tmp_path / "new"), trivy=trivy, at=at)
    assert store.current() == generation
    assert generation.proven == SAMPLE_KINDS
    assert generation.digest.matches((generation.path / "trivy.db").read_bytes())
    assert at - generation.updated_at < timedelta(hours=2)
    files = [*generation.path.iterdir(), generation.path.parent / "generation.json"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o444}
    record = json.loads((generation.path.parent / "generation.json").read_text())
    assert record["provenWith"]["trivy"] == trivy.binary.version
    assert list((tmp_path / "vulndb" / "staging").iterdir()) == []


def test_an_archive_and_a_folder_are_the_same_database(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    folder = write_sample(tmp_path / "new")
    first = store.import_database(folder, trivy=trivy, at=now())
    again = store.import_database(tarball(folder, tmp_path / "db.tar.gz"), trivy=trivy, at=now())
    assert again == first
    assert store.status().generations == (first,)


def test_a_published_database_is_pulled(store: DatabaseStore, trivy: Trivy, tmp_path: Path) -> None:
    archive = tarball(write_sample(tmp_path / "new"), tmp_path / "db.tar.gz")
    registry = MemoryStore("registry.example/trivy-db")
    publish(registry, archive.read_bytes())
    told: list[tuple[int, ...]] = []
    generation = store.pull(
        registry, "2", trivy=trivy, at=now(), progress=lambda *how_far: told.append(how_far)
    )
    assert store.current() == generation
    assert told[-1][0] == told[-1][1] == archive.stat().st_size


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (write_empty, "is empty"),
        (write_garbage, "is not a vulnerability database"),
        (write_truncated, "is not a vulnerability database"),
        (write_other_schema, "schema 3"),
        (write_future, "from the future"),
        (write_deaf, "does not know what it must"),
        (lambda folder: write_without(folder, *SAMPLE_KINDS), "nothing that can be checked"),
    ],
    ids=["empty", "garbage", "truncated", "schema", "future", "deaf", "nothing known"],
)
def test_what_is_no_use_is_refused_and_what_was_in_force_stays(
    store: DatabaseStore,
    trivy: Trivy,
    tmp_path: Path,
    write: Callable[[Path], Path],
    says: str,
) -> None:
    good = store.import_database(write_sample(tmp_path / "good"), trivy=trivy, at=now())
    with pytest.raises(VulnerabilityDatabaseError, match=says) as caught:
        store.import_database(write(tmp_path / "bad"), trivy=trivy, at=now())
    assert caught.value.hint
    assert store.current() == good
    assert store.status().generations == (good,)
    assert list((tmp_path / "vulndb" / "staging").iterdir()) == []


def test_a_silent_canary_is_named_with_what_it_should_have_found(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    with pytest.raises(VulnerabilityDatabaseError) as caught:
        store.import_database(write_deaf(tmp_path / "deaf", "npm"), trivy=trivy, at=now())
    assert "npm: none of CVE-2018-16487" in str(caught.value.because)
    assert "pkg:npm/lodash@4.17.4" in str(caught.value.because)


@pytest.mark.parametrize("metadata", ["", "{", "[]", "{}", '{"Version": 2, "UpdatedAt": "now"}'])
def test_metadata_that_cannot_be_read_is_refused(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path, metadata: str
) -> None:
    folder = write_sample(tmp_path / "new")
    (folder / "metadata.json").write_text(metadata)
    with pytest.raises(VulnerabilityDatabaseError, match=r"metadata\.json cannot be read"):
        store.import_database(folder, trivy=trivy, at=now())


def test_an_old_database_is_imported_and_stale(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    generation = store.import_database(write_stale(tmp_path / "old"), trivy=trivy, at=now())
    with pytest.raises(VulnerabilityDatabaseError, match="365 d"):
        generation.require_fresh(now(), timedelta(days=3))


def test_every_canary_that_can_be_written_is_heard_by_the_real_trivy(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    generation = store.import_database(write_every_kind(tmp_path / "all"), trivy=trivy, at=now())
    # Those of the Red Hat family have advisories of another shape, which the writer does not know.
    rpm = {"rocky", "alma", "oracle", "redhat"}
    assert generation.proven == tuple(sorted(k.name for k in kinds() if k.family not in rpm))


def test_nothing_was_imported_yet(store: DatabaseStore) -> None:
    with pytest.raises(VulnerabilityDatabaseError, match="there is no") as caught:
        store.current()
    assert "supplychain vulndb pull" in str(caught.value.hint)
    assert store.status().current is None
    assert store.status().generations == ()


def test_nothing_to_import(store: DatabaseStore, trivy: Trivy, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        store.import_database(tmp_path / "nothing", trivy=trivy, at=now())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        store.import_database(tmp_path / "empty", trivy=trivy, at=now())


def test_the_same_bytes_cannot_grow_younger(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    folder = write_stale(tmp_path / "old")
    generation = store.import_database(folder, trivy=trivy, at=now())
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["UpdatedAt"] = now().isoformat()
    (folder / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(VulnerabilityDatabaseError, match="under another date"):
        store.import_database(folder, trivy=trivy, at=now())
    assert store.current() == generation


def test_old_generations_are_kept_up_to_a_number_and_never_the_current_one_lost(
    tmp_path: Path, trivy: Trivy
) -> None:
    store = DatabaseStore(tmp_path / "vulndb", keep=2)
    made = [
        store.import_database(
            write_sample(tmp_path / f"{days}", age=timedelta(days=days)), trivy=trivy, at=now()
        )
        for days in (9, 5, 1, 7)
    ]
    # The last import is the oldest but one: it is in force, so it stays beside the newest two.
    assert store.current() == made[3]
    assert store.status().generations == (made[2], made[1], made[3])
    assert store.prune(1) == (made[1].digest,)
    assert store.status().generations == (made[2], made[3])


def test_a_damaged_generation_is_replaced_by_importing_it_again(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    folder = write_sample(tmp_path / "new")
    generation = store.import_database(folder, trivy=trivy, at=now())
    database = generation.path / "trivy.db"
    database.chmod(0o644)
    database.write_bytes(b"damaged")
    assert store.import_database(folder, trivy=trivy, at=now()) == generation
    assert generation.digest.matches(database.read_bytes())


def test_a_record_that_cannot_be_read_is_an_error_and_no_traceback(
    store: DatabaseStore, trivy: Trivy, tmp_path: Path
) -> None:
    generation = store.import_database(write_sample(tmp_path / "new"), trivy=trivy, at=now())
    record = generation.path.parent / "generation.json"
    record.chmod(0o644)
    for text in ("", "{}", "[]", '{"digest": "latest"}'):
        record.write_text(text)
        for ask in (store.current, store.status):
            with pytest.raises(VulnerabilityDatabaseError, match="record") as caught:
                ask()
            assert "vulndb pull" in str(caught.value.hint)
    again = store.import_database(tmp_path / "new", trivy=trivy, at=now())
    assert store.current() == again == generation
    broken = tmp_path / "vulndb" / "generations" / ("0" * 64)
    broken.mkdir()
    assert store.prune(3) == (Digest("sha256", "0" * 64),)
    assert store.status().generations == (generation,)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(trivy: Trivy, tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "new")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        DatabaseStore(tmp_path / "locked" / "x").import_database(sample, trivy=trivy, at=now())


def test_a_place_that_is_no_folder(trivy: Trivy, tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        DatabaseStore(tmp_path / "file").import_database(sample, trivy=trivy, at=now())


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from supplychain.scan import database
from supplychain.scan.binary import find_trivy
from supplychain.scan.fingerprints import Fingerprints
from supplychain.scan.trivy import Trivy

home, trivy, source, step = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
binary = find_trivy(trivy, search_path="", fingerprints=Fingerprints(home / "hashes"))
owner = database if hasattr(database, step) else database.DatabaseStore

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, step, die)
database.DatabaseStore(home / "vulndb").import_database(
    source, trivy=Trivy(binary), at=datetime.now(UTC)
)
"""


@pytest.mark.parametrize("step", ["_prove", "write_record", "_install", "_put_in_force"])
def test_a_killed_import_leaves_the_old_one_in_force_and_is_simply_run_again(
    trivy: Trivy, tmp_path: Path, step: str
) -> None:
    store = DatabaseStore(tmp_path / "vulndb")
    old = write_sample(tmp_path / "old", age=timedelta(days=1))
    before = store.import_database(old, trivy=trivy, at=now())
    new = write_sample(tmp_path / "new")
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, tmp_path, trivy.binary.path, new, step],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert store.current() == before
    after = store.import_database(new, trivy=trivy, at=now())
    assert store.current() == after != before
    assert list((tmp_path / "vulndb" / "staging").iterdir()) == []


def test_imports_up_to_the_limit_lose_no_generation(trivy: Trivy, tmp_path: Path) -> None:
    store = DatabaseStore(tmp_path / "vulndb", keep=3)
    made = [
        store.import_database(
            write_sample(tmp_path / f"{hours}", age=timedelta(hours=hours)), trivy=trivy, at=now()
        )
        for hours in (3, 2, 1)
    ]
    assert store.status().generations == tuple(reversed(made))


def test_two_imports_at_once_take_turns(trivy: Trivy, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = DatabaseStore(tmp_path / "vulndb")
    sources = [write_sample(tmp_path / f"{n}", age=timedelta(hours=n + 1)) for n in range(3)]
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda s: store.import_database(s, trivy=trivy, at=now()), sources))
    assert set(store.status().generations) == set(made)
    assert store.current() in made
