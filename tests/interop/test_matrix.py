"""Whatever one signs, the other reads, in every form and every kind of registry."""

from __future__ import annotations

import json

import pytest

from supplychain.signing.formats import FORMATS
from tests.interop import matrix, tools
from tests.interop.conftest import Declined, Offices, Signed
from tests.interop.matrix import COSIGN_2, COSIGN_3, KEY, OURS, REGISTRIES, WHATS, Case
from tests.interop.tools import Bench
from tests.kit.cli import PROGRAM

_KEY = [
    case
    for case in matrix.cases()
    # What is not read with the right key needs no other one to be refused.
    if case.means == KEY and matrix.unread(case, "signature") is None
]


@pytest.mark.parametrize(("case", "what"), matrix.questions(), ids=str)
def test_what_one_signs_the_other_reads(
    case: Case, what: str, signed: Signed, declined: Declined, bench: Bench, offices: Offices
) -> None:
    tools.program(case.reader)
    if refusal := matrix.unmade(case):
        assert refusal in declined(case.by, case.form, what)
        return
    image = signed(case.by, case.form, case.registry, case.means)
    desk = bench if case.means == KEY else offices(case.by, case.form)
    answer = desk.verify(case.reader, what, image)
    unread = matrix.unread(case, what)
    assert answer == "" if unread is None else unread in answer


@pytest.mark.parametrize("case", _KEY, ids=str)
def test_nobody_reads_it_with_another_key(case: Case, signed: Signed, bench: Bench) -> None:
    tools.program(case.reader)
    image = signed(case.by, case.form, case.registry)
    refusals = [
        bench.verify(case.reader, what, image, "other") for what in matrix.whats(case.reader)
    ]
    assert all(refusals), refusals


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize("by", [COSIGN_3, COSIGN_2])
def test_both_sign_one_image_and_both_count(
    by: str, registry: str, signed: Signed, bench: Bench
) -> None:
    """We add to the legacy images that cosign made, and then cosign to what we made of them.

    The signature is the same and is said once; the attestations differ, for cosign's statements
    are of an older version.
    """
    image = signed(by, "legacy", registry)
    assert _verified(bench, image) == 3
    bench.sign(OURS, "legacy", image)
    assert _verified(bench, image) == 5
    bench.sign(by, "legacy", image)
    assert _verified(bench, image) == 5
    for what in WHATS:
        assert bench.verify(by, what, image) == ""


def _verified(bench: Bench, image: str) -> int:
    done = bench.type(PROGRAM, "verify", image, "--key", "release.pub", "-o", "json")
    found = json.loads(done.stdout)
    assert found["rejected"] == []
    return len(found["verified"])


def test_the_forms_of_the_matrix_are_all_that_there_are() -> None:
    assert {case.form for case in matrix.cases()} == {*FORMATS, "both"}
