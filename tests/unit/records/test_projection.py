from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from supplychain.errors import InputError, LimitError
from supplychain.model.finding import Severity
from supplychain.records.projection import (
    project_components,
    project_findings,
    severity_counts,
)
from supplychain.records.staging import staged_components, staged_findings
from tests.kit.scans import make_component, make_finding, realistic_components, realistic_findings

COMPONENTS = realistic_components(20)


def _identities(rows: tuple[tuple[object, ...], ...], column: int) -> list[object]:
    return [row[column] for row in rows]


def test_rows_fit_the_staging_tables() -> None:
    [component] = project_components((make_component(),)).owned_by(7)
    [finding] = project_findings((make_finding(),)).owned_by(8)

    filed = dict(zip(staged_components.c.keys(), component, strict=True))
    assert filed["owner_id"] == 7
    assert filed["purl_name"] == "libssl3"
    assert filed["licences"] == '["OpenSSL"]'
    found = dict(zip(staged_findings.c.keys(), finding, strict=True))
    assert found["owner_id"] == 8
    assert found["severity"] == Severity.HIGH
    assert found["package_identity"] == "pkg:deb/debian/libssl3"


def test_the_same_list_has_the_same_identity_and_any_change_another() -> None:
    known = project_components(COMPONENTS)

    assert project_components(realistic_components(20)).identity == known.identity
    changes: dict[str, Any] = {
        "path": "elsewhere",
        "version": "9",
        "licences": ("X",),
        "layer": None,
        "key": "k",
    }
    for field, value in changes.items():
        changed = (replace(COMPONENTS[0], **{field: value}), *COMPONENTS[1:])
        assert project_components(changed).identity != known.identity, field
    assert project_components(COMPONENTS[::-1]).identity != known.identity


def test_a_fact_is_the_same_wherever_it_is_found() -> None:
    component = make_component()
    moved = replace(component, path="elsewhere", key="other", layer=None)
    rows = project_components((component, moved)).rows

    assert rows[0][1] == rows[1][1]


def test_another_rating_of_the_same_vulnerability_is_another_fact() -> None:
    rated = [make_finding(severity=severity) for severity in Severity]
    rows = project_findings(rated).rows

    assert len({row[2] for row in rows}) == len(Severity)


def test_a_component_without_a_package_url_is_filed_under_its_name() -> None:
    [row] = project_components((make_component("busybox", purl="", key="k"),)).owned_by(1)
    filed = dict(zip(staged_components.c.keys(), row, strict=True))

    assert (filed["purl_type"], filed["purl_namespace"], filed["purl_name"]) == ("", "", "busybox")


def test_counts_name_every_severity() -> None:
    found = realistic_findings(COMPONENTS, 12)

    assert severity_counts(found) == dict.fromkeys(
        ["negligible", "low", "medium", "high", "critical", "unknown"], 2
    )
    assert sum(severity_counts(()).values()) == 0


@pytest.mark.parametrize("text", ["NUL \0 inside", "half a pair \ud800"])
def test_text_that_no_database_keeps_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the scan names a package or file"):
        project_components((make_component(path=text),))
    with pytest.raises(InputError, match="the scan names a package or file"):
        project_findings((make_finding(title=text),))


def test_a_written_out_escape_is_no_nul() -> None:
    assert len(project_components((make_component(path="\\u0000"),))) == 1


def test_a_name_beyond_the_limit_is_refused() -> None:
    with pytest.raises(LimitError, match="331 characters"):
        project_components((make_component(version="1" * 331, purl="pkg:deb/debian/a@1"),))
    with pytest.raises(LimitError):
        project_findings((make_finding(vulnerability_id="C" * 331),))
