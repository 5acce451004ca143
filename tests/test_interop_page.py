"""`docs/interop.md` shows the matrix as it is, and the commands as they are typed."""

from __future__ import annotations

import re

from tests.interop import admission, matrix, tools
from tests.kit.prose import REPOSITORY

PAGE = (REPOSITORY / "docs" / "interop.md").read_text("utf-8")


def test_the_table_has_every_case_and_no_cell_that_failed() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    assert rows[0] == matrix.HEAD
    assert [row[:5] for row in rows[2:]] == [matrix.vars_of(case) for case in matrix.cases()]
    for case, row in zip(matrix.cases(), rows[2:], strict=True):
        for what, cell in zip(matrix.WHATS, row[5:], strict=True):
            assert cell == _cell(case, what)


def _cell(case: matrix.Case, what: str) -> str:
    if what not in matrix.whats(case.reader):
        return matrix.UNASKED
    return matrix.LATER if case.means == "keyless" else matrix.expected(case, what)


def test_every_policy_to_copy_is_linked_and_run() -> None:
    page = (REPOSITORY / "docs" / "admission.md").read_text("utf-8")
    files = {path.name for path in admission.FOLDER.iterdir()}
    assert {*re.findall(r"\(admission/([\w.-]+)\)", page)} == files
    run = {admission.FILES[reader] for reader in matrix.ADMISSION} | {admission.KEYLESS}
    assert run == files


def test_the_commands_are_those_that_were_run() -> None:
    shown = {*re.findall(r"--[a-z][a-z-]+(?:=\w+)?", PAGE)}
    assert {flag for flags in tools.SIGNING.values() for flag in flags} <= shown
    for reader in (matrix.OURS, matrix.COSIGN_3, matrix.COSIGN_2):
        command = tools.verifying(reader, "vuln", "IMAGE", "release.pub")
        assert {word for word in command if word.startswith("--")} <= shown
    assert tools.TRUSTED_ROOT.strip() in PAGE
