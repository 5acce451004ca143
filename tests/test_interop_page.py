"""`docs/interop.md` shows the matrix as it is, and the commands as they are typed."""

from __future__ import annotations

import re

from tests.interop import admission, keyless, matrix, tools
from tests.kit.prose import REPOSITORY

PAGE = (REPOSITORY / "docs" / "interop.md").read_text("utf-8")


def test_the_table_has_every_case_and_no_cell_that_failed() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    assert rows[0] == matrix.HEAD
    assert [row[:5] for row in rows[2:]] == [matrix.vars_of(case) for case in matrix.cases()]
    for case, row in zip(matrix.cases(), rows[2:], strict=True):
        for what, cell in zip(matrix.WHATS, row[5:], strict=True):
            assert cell == matrix.expected(case, what)


def test_every_policy_to_copy_is_linked_and_run() -> None:
    page = (REPOSITORY / "docs" / "admission.md").read_text("utf-8")
    files = {path.name for path in admission.FOLDER.iterdir()}
    assert {*re.findall(r"\(admission/([\w.-]+)\)", page)} == files
    run = {admission.FILES[reader] for reader in matrix.ADMISSION} | {admission.KEYLESS}
    assert run == files


def test_the_commands_are_those_that_were_run() -> None:
    shown = {*re.findall(r"--[a-z][a-z-]+(?:=\w+)?", PAGE)}
    typed = [*tools.SIGNING.values(), *keyless.SIGNING.values(), *keyless.READING.values()]
    typed += [tuple(tools.verifying(one, "vuln", "IMAGE", "release.pub")) for one in matrix.SIGNERS]
    words = {word for command in typed for word in command}
    assert {word for word in words if word.startswith("--")} <= shown
    assert {name for name in keyless.OLDER_TRUST if name not in PAGE} == set()
    assert tools.TRUSTED_ROOT.strip() in PAGE
