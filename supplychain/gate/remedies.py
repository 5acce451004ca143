"""What would repair the findings of a denial: one sentence per package, over all the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter

from supplychain.gate.versions import lowest_repair
from supplychain.model.decision import RuleResult, Violation
from supplychain.model.finding import Finding

_Package = tuple[str, str, str, bool]
# Every field of a violation in its order, the message and the remedy being the first two.
_FIELDS = attrgetter(*(field.name for field in fields(Violation)))


def with_remedies(results: Sequence[RuleResult]) -> tuple[RuleResult, ...]:
    """The results with a remedy in every violation that is about a finding.

    A package that several rules or findings complain about gets one remedy that satisfies all of
    them, so that nobody upgrades twice. What a waiver bears asks for nothing.
    """
    findings: dict[_Package, list[Finding]] = {}
    for result in results:
        for violation in result.violations:
            if violation.finding is not None and not violation.waiver:
                findings.setdefault(_package(violation.finding), []).append(violation.finding)
    remedies = {package: _remedy(found) for package, found in findings.items()}
    return tuple(
        replace(result, violations=tuple(_remedied(v, remedies) for v in result.violations))
        if result.violations
        else result
        for result in results
    )


def _remedied(violation: Violation, remedies: Mapping[_Package, str]) -> Violation:
    """As `dataclasses.replace` does it, which takes three times as long for each of hundreds."""
    if violation.finding is None or violation.waiver:
        return violation
    message, _, *others = _FIELDS(violation)
    return Violation(message, remedies[_package(violation.finding)], *others)


def _package(finding: Finding) -> _Package:
    return finding.purl, finding.package, finding.installed_version, finding.fixable


def _remedy(findings: Sequence[Finding]) -> str:
    first = findings[0]
    package = f"{first.package} {first.installed_version}".rstrip()
    if not first.fixable:
        advisories = sorted({f.vulnerability_id for f in findings})
        more = f" ({len(advisories) - 1} more)" if len(advisories) > 1 else ""
        return f"remove or replace {package}: no fix is known for {advisories[0]}{more}"
    fixes = sorted({f.fixed_version for f in findings})
    version = lowest_repair(first.purl, first.installed_version, fixes)
    if version is not None:
        return f"upgrade {package} to {version} or later"
    return f"upgrade {package} to a version that has {' and '.join(fixes)}"
