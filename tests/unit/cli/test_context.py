"""Results: whole or not at all, on stdout or in a file; times as data."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from supplychain.cli.context import OutputFormat, context, rfc3339, write, write_json
from supplychain.errors import InputError, StoreError
from supplychain.pipeline.progress import NoProgress


def test_a_result_goes_to_stdout_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write(b"\xff\x00raw", None)
    write("text: é\n", None)
    assert capfdbinary.readouterr() == (b"\xff\x00raw" + "text: é\n".encode(), b"")


def test_a_result_goes_whole_into_a_file_and_replaces_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text("old and much longer than the new one")
    write("new", file)
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_what_was_there_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "result.json"
    file.write_text("old")

    def fail(self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError, match=r"result\.json cannot be written") as caught:
        write("new", file)
    assert caught.value.because == "No space left on device"
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*absent"):
        write("new", tmp_path / "absent" / "result.json")


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write("new", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write("through", pipe)
    assert os.read(reader, 100) == b"through"
    assert pipe.is_fifo()
    os.close(reader)


def test_json_has_its_version_first_and_ends_with_a_line(
    tmp_path: Path,
) -> None:
    write_json({"name": "é"}, tmp_path / "x")
    text = (tmp_path / "x").read_text()
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["schemaVersion", "name"]
    assert "é" in text


def test_instants_are_data_in_utc() -> None:
    summer = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 7, 1, 12, tzinfo=summer)) == "2026-07-01T10:00:00Z"
    assert context({}).now().tzinfo is UTC


def test_nobody_is_asked_where_nobody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed"))
    assert context({}).ask("password") is None


@pytest.mark.parametrize(
    ("quiet", "output"), [(True, OutputFormat.TEXT), (False, OutputFormat.JSON)]
)
def test_no_progress_where_quiet_or_json_is_wanted(quiet: bool, output: OutputFormat) -> None:
    with context({}, quiet=quiet).progress(output) as progress:
        assert isinstance(progress, NoProgress)
