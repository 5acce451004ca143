"""A content store that is not there when a program begins: none makes another in its place."""

from __future__ import annotations

import pytest

from supplychain.records.content import PROBE, PROBED, key_of
from supplychain.records.folder import FolderStore
from supplychain.records.store import Store
from tests.kit.failing_records import unmount
from tests.kit.typist import IMAGE, Typist

SAID = ("error: the content store is not the one of this database", "try: mount it again")
BEGUN = {
    "a server": ("serve", "--embedded", "--port", "0"),
    "a server with a worker": ("serve", "--embedded", "--port", "0", "--worker"),
    "a worker": ("worker", "--role", "scan", "--until-idle"),
    "the gate": ("gate", IMAGE, "-e", "prod"),
    "who looks": ("images", "show", IMAGE),
    "who records": (
        "waivers",
        "request",
        "--cve",
        "CVE-2026-1",
        "--expires",
        "14d",
        "--reason",
        "so",
    ),
}


def _store(typist: Typist) -> Store:
    url = f"sqlite:///{typist.data / 'supplychain.db'}"
    return Store.open(url, FolderStore(typist.data / "content"))


@pytest.mark.parametrize("what", BEGUN)
@pytest.mark.parametrize("left", ["nothing", "an empty folder", "somebody else's store"])
def test_it_is_refused_and_none_is_made_in_its_place(typist: Typist, what: str, left: str) -> None:
    typist.policy("sbom: {}")
    typist.examined()
    unmount(typist)
    content = typist.data / "content"
    if left != "nothing":
        content.mkdir()
    if left == "somebody else's store":
        FolderStore(content).put(PROBED)
        FolderStore(content).put(b"theirs")
    before = sorted(content.rglob("*"))

    typist.type(*BEGUN[what]).refused(1, *SAID)

    assert sorted(content.rglob("*")) == before
    assert content.exists() is (left != "nothing")


@pytest.mark.parametrize("lost", [0, 1])
def test_a_first_start_makes_it_and_one_lost_document_hinders_nobody(
    typist: Typist, lost: int
) -> None:
    _store(typist).close()
    content = FolderStore(typist.data / "content")
    assert list(content.digests()) == [PROBE]
    (typist.data / "content" / key_of(PROBE)).unlink()
    # What the command line alone filled has no mark, and is its own store all the same.
    typist.examined()
    (typist.data / "content" / key_of(sorted(content.digests())[lost])).unlink()
    _store(typist).close()
    assert content.has(PROBE)
