from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.images import Entry, pack_tar
from supplychain.errors import InputError
from supplychain.images.tarwalk import BLOCK, TarWalk

_LONG = "folder/" * 40 + "file"


def _walk(data: bytes, step: int = 1 << 16) -> TarWalk:
    walk = TarWalk("layer 2 of 5")
    for at in range(0, len(data), step):
        walk.feed(data[at : at + step])
    walk.finish()
    return walk


def _refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        _walk(data)
    assert "layer 2 of 5" in str(caught.value)
    return str(caught.value.because)


def _gnu(*entries: Entry) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.type, info.linkname = entry.kind, entry.target
            archive.addfile(info)
    return buffer.getvalue()


def _patched(data: bytes, at: int, value: bytes) -> bytes:
    """The archive with bytes of its first header replaced and its checksum put right."""
    header = bytearray(data[:BLOCK])
    header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[BLOCK:]


@pytest.mark.parametrize("step", [1, 100, 511, 512, 513, 4096])
def test_entries_are_found_however_the_stream_is_cut(step: int) -> None:
    data = pack_tar([Entry("a", b"x" * 1000), Entry(_LONG, b"y" * 512), Entry("c")])
    assert _walk(data, step).entries == 3


def test_what_real_layers_hold_is_tolerated() -> None:
    data = pack_tar(
        [
            Entry("/", kind=tarfile.DIRTYPE),
            Entry("./etc/", kind=tarfile.DIRTYPE),
            Entry("etc/absolute", kind=tarfile.SYMTYPE, target="/usr/bin/env"),
            Entry("etc/up", kind=tarfile.SYMTYPE, target="../../../usr"),
            Entry("etc/hard", kind=tarfile.LNKTYPE, target="etc/file"),
            Entry("run/fifo", kind=tarfile.FIFOTYPE),
            Entry("etc/.wh.gone"),
            Entry("etc/.wh..wh..opq"),
            Entry("etc/..data", b"a name that only begins with two dots"),
            Entry("etc/file", b"first"),
            Entry("etc/file", b"second"),
        ]
    )
    assert _walk(data).entries == 11


@pytest.mark.parametrize(
    ("entry", "because"),
    [
        (Entry("../evil"), "outside of the root"),
        (Entry("a/../../evil"), "outside of the root"),
        (Entry("a/.."), "outside of the root"),
        (Entry("/etc/passwd"), "absolute path"),
        (Entry("x" * 120 + "/../../evil"), "outside of the root"),
        (Entry("/" + _LONG), "absolute path"),
        (Entry("a", kind=tarfile.LNKTYPE, target="../../evil"), "outside of the root"),
        (Entry("a", kind=tarfile.LNKTYPE, target="/etc/passwd"), "absolute path"),
        (Entry("a", kind=tarfile.LNKTYPE, target="../" + _LONG), "outside of the root"),
        (Entry("dev/null", kind=tarfile.CHRTYPE), "a character device"),
        (Entry("dev/sda", kind=tarfile.BLKTYPE), "a block device"),
        (Entry("odd", kind=b"Z"), "unknown type 'Z'"),
        (Entry(".wh.."), "whiteout of nothing"),
        (Entry("a/.wh..."), "whiteout of nothing"),
        (Entry("a/.wh."), "whiteout of nothing"),
    ],
)
@pytest.mark.parametrize("pack", [lambda entry: pack_tar([entry]), _gnu], ids=["pax", "gnu"])
def test_what_could_harm_or_fool_is_refused(
    entry: Entry, because: str, pack: Callable[[Entry], bytes]
) -> None:
    assert because in _refusal(pack(entry))


def test_a_prefix_is_part_of_the_path() -> None:
    harmless = _patched(pack_tar([Entry("passwd")]), 345, b"etc")
    assert _walk(harmless).entries == 1
    assert "absolute path" in _refusal(_patched(pack_tar([Entry("passwd")]), 345, b"/etc"))


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(pack_tar([Entry("a")]))
    data[0] ^= 1
    assert "checksum" in _refusal(bytes(data))


def test_bytes_that_are_no_archive_are_refused() -> None:
    assert "no tar archive" in _refusal(b"this is no archive " * 100)


def test_nothing_at_all_is_refused() -> None:
    assert "empty" in _refusal(b"")


def test_an_archive_without_entries_is_a_layer() -> None:
    assert _walk(bytes(1024)).entries == 0


@pytest.mark.parametrize("cut", [100, 512, 600, 1535])
def test_a_cut_archive_is_refused(cut: int) -> None:
    data = pack_tar([Entry("a", b"x" * 1000)])
    assert "middle of an entry" in _refusal(data[:cut])


def test_an_archive_may_end_without_its_closing_blocks() -> None:
    assert _walk(pack_tar([Entry("a", b"x" * 1000)])[:1536]).entries == 1


def test_data_behind_the_end_is_refused() -> None:
    hidden = pack_tar([Entry("a")]) + pack_tar([Entry("hidden")])
    assert "follows the end" in _refusal(hidden)


@pytest.mark.parametrize(
    "kind", [tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
)
def test_content_where_readers_disagree_about_it_is_refused(kind: bytes) -> None:
    data = pack_tar([Entry("a", kind=kind, target="b")])
    assert "has content" in _refusal(_patched(data, 124, b"00000001000\0"))


@pytest.mark.parametrize("size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"0000000009 \0"])
def test_an_impossible_size_is_refused(size: bytes) -> None:
    assert "number" in _refusal(_patched(pack_tar([Entry("a")]), 124, size))


def test_a_size_in_base_256_is_read() -> None:
    data = _patched(pack_tar([Entry("a", b"x" * 1000)]), 124, b"\x80" + (1000).to_bytes(11, "big"))
    assert _walk(data).entries == 1


@pytest.mark.parametrize(
    ("records", "because"),
    [
        ({"path": "../evil"}, "outside of the root"),
        ({"size": "12x"}, "impossible number"),
        ({"GNU.sparse.name": "a"}, "sparse"),
    ],
)
def test_a_pax_header_counts(records: dict[str, str], because: str) -> None:
    assert because in _refusal(_pax(records))


def test_a_global_header_may_not_rename_every_entry() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", pax_headers={"path": "other"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    assert "global header" in _refusal(buffer.getvalue())


def test_a_global_comment_is_what_git_writes() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", pax_headers={"comment": "4b825dc"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    assert _walk(buffer.getvalue()).entries == 1


@pytest.mark.parametrize("body", [b"99 path=a\n", b"x path=a\n", b"10 path=ab", b"6 a=b\nrest"])
def test_a_damaged_pax_header_is_refused(body: bytes) -> None:
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, len(body)
    data = info.tobuf() + body.ljust(BLOCK, b"\0") + pack_tar([Entry("a")])
    assert "pax header" in _refusal(data)


def test_two_names_for_one_entry_are_refused() -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 6
    long_name = info.tobuf() + b"other\0".ljust(BLOCK, b"\0")
    assert "disagree" in _refusal(long_name + _pax({"path": "innocent"}))


def test_an_extension_of_gigabytes_is_refused_before_it_is_read() -> None:
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    assert "4,294,967,296" in _refusal(info.tobuf())


def _pax(records: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.pax_headers = records
        archive.addfile(info)
    return buffer.getvalue()


@given(st.binary(max_size=4 * BLOCK), st.integers(1, 2 * BLOCK))
def test_any_bytes_are_judged_and_nothing_else_is_raised(data: bytes, step: int) -> None:
    if any(data):
        with pytest.raises(InputError):
            _walk(data, step)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=1500)), max_size=5))
def test_what_tarfile_packs_is_walked_entry_by_entry(files: list[tuple[str, bytes]]) -> None:
    assert _walk(pack_tar([Entry(name, data) for name, data in files])).entries == len(files)
