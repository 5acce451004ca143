"""What a waiver is about: which scopes there may be, and whether one covers a reason to deny."""

from __future__ import annotations

import re
from functools import lru_cache

from supplychain.errors import InputError
from supplychain.gate.case import Case
from supplychain.gate.options import ENVIRONMENT, nearest
from supplychain.gate.packages import Match, PackagePattern
from supplychain.gate.rules import RULES
from supplychain.model.decision import Violation
from supplychain.model.digest import Digest
from supplychain.model.finding import Finding
from supplychain.model.waiver import WaiverScope

# As scanners and databases write names of vulnerabilities.
_VULNERABILITY = re.compile(r"[A-Za-z][A-Za-z0-9]*[-:][A-Za-z0-9:._-]{1,80}")
_NARROWER = (
    "name a vulnerability, or a rule together with a package, an image or a repository: "
    "--cve CVE-2024-0727 --package pkg:deb/debian/openssl"
)


def require_scope(scope: WaiverScope) -> None:
    """Refuse a scope that says too little, or what can never fit.

    Raises:
        InputError: It would cover everything, or names what there is not.
    """
    if not scope.vulnerability and not (
        scope.rule and (scope.package or scope.repository or scope.image)
    ):
        said = f"rule {scope.rule}, whatever it finds" if scope.rule else "everything"
        raise InputError(f"the waiver would be about {said}", hint=_NARROWER)
    if scope.vulnerability and not _VULNERABILITY.fullmatch(scope.vulnerability):
        raise InputError(
            f"{scope.vulnerability[:80]!r} is not the ID of a vulnerability",
            hint="as in CVE-2024-0727 or GHSA-w3h3-4rj7-4ph4",
        )
    if scope.rule:
        require_waivable(scope.rule)
    if scope.versions and not scope.package:
        raise InputError("versions are given, and no package", hint="name it: --package pkg:…")
    if "*" in scope.package:
        raise InputError(
            f"{scope.package[:80]!r} names more than one package",
            hint="ask for a waiver of each of them",
        )
    if scope.package:
        pattern_of(scope.package, scope.versions)
    for environment in scope.environments:
        ENVIRONMENT.parse(environment)


def require_waivable(rule: str) -> None:
    """Refuse a rule that there is not, or that no waiver can bear.

    Raises:
        InputError: So it is.
    """
    if rule not in RULES:
        raise InputError(f"{rule[:80]!r} is not a rule", hint=nearest(rule, RULES))
    if not RULES[rule].waivable:
        raise InputError(
            f"rule {rule} cannot be waived", hint="change the policy where it should not hold"
        )


@lru_cache(maxsize=4096)
def pattern_of(package: str, versions: str) -> PackagePattern:
    """The packages that a scope names; `*` as versions means every one.

    Raises:
        InputError: It names none.
    """
    return PackagePattern.parse(package, "" if versions == "*" else versions)


def is_here(scope: WaiverScope, case: Case) -> bool:
    """Whether it is about this environment, and a repository that this image is said to be of."""
    return (not scope.environments or case.environment in scope.environments) and (
        not scope.repository or scope.repository in case.dossier.called
    )


def covers(scope: WaiverScope, rule: str, violation: Violation, case: Case) -> bool:
    """Whether it is about a reason to deny.

    What is not about a finding or a package, missing evidence above all, is covered only by who
    names the rule, and the image or its repository.

    Args:
        scope: What the waiver is about.
        rule: The name of the rule that gives the reason.
        violation: The reason.
        case: The case.
    """
    if not is_here(scope, case) or scope.rule not in {"", rule}:
        return False
    if scope.image is not None and scope.image not in _images(violation, case):
        return False
    finding = violation.finding
    purl = violation.purl or (finding.purl if finding else "")
    if violation.awaits is not None or (finding is None and not purl):
        named = scope.rule and (scope.repository or scope.image)
        return bool(named) and not scope.vulnerability and not scope.package
    if scope.vulnerability and (finding is None or not _named(scope.vulnerability, finding)):
        return False
    return not scope.package or _packaged(scope, purl)


def concerns(scope: WaiverScope, finding: Finding) -> bool:
    """Whether it is about a finding, whatever rule minds it."""
    if scope.vulnerability and not _named(scope.vulnerability, finding):
        return False
    return not scope.package or _packaged(scope, finding.purl)


def _named(vulnerability: str, finding: Finding) -> bool:
    return vulnerability == finding.vulnerability_id or vulnerability in finding.aliases


def _packaged(scope: WaiverScope, purl: str) -> bool:
    try:
        pattern = pattern_of(scope.package, scope.versions)
    except InputError:
        # On record is what was understood when it was asked for; what is not any more covers
        # nothing.
        return False
    return pattern.covers(purl) is Match.INSIDE


def _images(violation: Violation, case: Case) -> set[Digest]:
    """The digests that the reason is about: the one asked about, and the platform's own."""
    alone = len(case.platforms) == 1
    own = {p.subject.digest for p in case.platforms if alone or p.platform == violation.platform}
    return {case.subject.digest, *own}
