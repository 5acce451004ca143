"""What is missing, stale, foreign or from the future denies, says why, and stands in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.gate.waiver_terms import WaiverRules
from supplychain.model.decision import Decision, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, PlatformDossier, Running
from supplychain.model.evidence import (
    PROVENANCE_PREDICATE,
    VULNERABILITY_PREDICATE,
    Build,
    EvidenceKind,
    VerifiedAttestation,
    VulnerabilityDatabase,
)
from supplychain.model.exploitation import Exploitation
from supplychain.model.finding import UNEXAMINED, CvssScore, Finding, Rating, Severity
from supplychain.model.identity import Identity, NameKind
from supplychain.model.image_config import Ancestor, Kinship
from supplychain.model.vex import VexProduct, VexStatement, VexStatus
from supplychain.model.waiver import EndsWithFix, Waiver, WaiverState
from tests.kit.configured import BASE, SECRET, make_config, make_configured
from tests.kit.happenings import HOUR, allowed, approved, ran
from tests.kit.policies import (
    ARM,
    ARM_SUBJECT,
    CI,
    GITHUB,
    INDEX,
    OTHER_KEY,
    PERSON,
    TRUST_CI,
    attest_sbom,
    known,
    load,
    make_attestation,
    make_dossier,
    make_exploitation,
    make_index,
    make_platform,
    make_policy,
    make_sbom,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding, make_scan
from tests.kit.vex import make_statement
from tests.kit.waivers import RULES as WAIVERS
from tests.kit.waivers import SCOPE, make_waiver, waiving, with_waivers

DOCS = Path(__file__).parents[3] / "docs" / "policy.md"
DAY = timedelta(days=1)
RULES = (
    "signature: {keys: [release.pub]}",
    "sbom: {keys: [release.pub]}",
    "freshness: {scan: 24h, database: 48h}",
    "vulnerabilities: {severity: critical}",
)
POLICY = make_policy(*RULES)
OLD_DATABASE = VulnerabilityDatabase(Digest.of(b"old"), AT - 3 * DAY)
FUTURE_DATABASE = VulnerabilityDatabase(Digest.of(b"new"), AT + DAY)


@dataclass(frozen=True)
class Situation:
    name: str
    dossier: Dossier | None
    rule: str
    reason: str
    policy: Policy | None = POLICY


def situations() -> Iterator[Situation]:
    fine = make_dossier()
    yield Situation("an image that was never seen", None, "record", "nothing is recorded")
    yield Situation(
        "the evidence of another image",
        make_dossier(make_platform(ARM_SUBJECT), subject=ARM_SUBJECT),
        "record",
        "the evidence given is about another digest",
    )
    yield Situation("no policy", fine, "policy", "there is no usable policy for prod", None)
    yield Situation(
        "the policy of another environment",
        fine,
        "policy",
        "there is no usable policy for prod, the one given is for staging",
        make_policy(*RULES, environment="staging"),
    )
    yield from scans()
    yield from sboms()
    yield from signatures()
    yield from keys()
    yield from identities()
    yield from packages()
    yield from platforms()
    yield from waivers()
    yield from configurations()
    yield from claims()


def scans() -> Iterator[Situation]:
    def of(**changes: Any) -> Dossier:
        return make_dossier(make_platform(scan=make_scan(components=(), **changes)))

    yield Situation(
        "no scan",
        make_dossier(make_platform(scan=None)),
        "vulnerabilities",
        "no scan is recorded",
    )
    yield Situation(
        "a scan of another image",
        of(subject=ARM_SUBJECT),
        "vulnerabilities",
        "the scan is about another digest",
    )
    yield Situation(
        "something else recorded as a scan",
        of_evidence(kind=EvidenceKind.SBOM),
        "vulnerabilities",
        "what is recorded as scan is evidence of another kind, sbom",
    )
    yield Situation(
        "a scan that nobody verified",
        of_evidence(verified_by=""),
        "vulnerabilities",
        "nobody verified the scan",
    )
    yield Situation(
        "an old scan", of(produced_at=AT - 2 * DAY), "freshness", "scanned 2 d ago, limit 1 d"
    )
    yield Situation(
        "an old vulnerability database",
        of(database=OLD_DATABASE),
        "freshness",
        "vulnerability database 3 d old, limit 2 d",
    )
    yield Situation(
        "a clock moved back: the scan comes later",
        of(produced_at=AT + DAY),
        "vulnerabilities",
        "the scan is from the future, 1 d ahead",
    )
    yield Situation(
        "a clock moved back: the database comes later",
        of(database=FUTURE_DATABASE),
        "freshness",
        "the scan's vulnerability database is from the future, 1 d ahead",
    )
    yield Situation(
        "a finding that nobody rated",
        make_dossier(make_platform(findings=[known(make_finding(severity=Severity.UNKNOWN))])),
        "vulnerabilities",
        "CVE-2024-0727 unknown (debian) in libssl3",
    )
    yield from ratings()
    yield from feeds()


def ratings() -> Iterator[Situation]:
    low = make_finding(
        severity=Severity.LOW,
        ratings=(Rating("debian", Severity.LOW), Rating("nvd", Severity.UNKNOWN)),
        scores=(CvssScore("nvd", 4, None, "CVSS:4.0/…"), CvssScore("nvd", 2, 1.2, "AV:L")),
    )
    blind = make_finding(
        vulnerability_id="END-OF-LIFE",
        severity=Severity.UNKNOWN,
        fixed_version="",
        status=UNEXAMINED,
        purl="",
        path="",
    )

    def of(name: str, rule: str, reason: str, finding: Finding) -> Situation:
        dossier = make_dossier(make_platform(findings=[known(finding)]))
        return Situation(name, dossier, "vulnerabilities", reason, make_policy(rule))

    yield of(
        "a finding that none of the named sources rated",
        "vulnerabilities: {severity: critical, sources: [nvd, redhat]}",
        "CVE-2024-0727 unknown (not rated by nvd, redhat) in libssl3",
        low,
    )
    yield of(
        "a finding without a CVSS score of a version that counts",
        "vulnerabilities: {cvss: 9.0, cvss_versions: [4, 3]}",
        "CVE-2024-0727 low (debian), CVSS unknown in libssl3",
        low,
    )
    yield of(
        "a system past its end of life, where only what is repaired elsewhere is asked for",
        "vulnerabilities: {severity: critical, fixable: true, paths: [app/**]}",
        "END-OF-LIFE unknown (debian) in libssl3",
        blind,
    )
    yield of(
        "grace since a publication that nobody knows",
        "vulnerabilities: {severity: low, grace: 30d, since: published}",
        "CVE-2024-0727 low (debian) in libssl3",
        replace(low, published_at=None),
    )


def feeds() -> Iterator[Situation]:
    def of(name: str, rule: str, reason: str, said: Exploitation) -> Situation:
        platform = make_platform(findings=[known(make_finding(severity=Severity.LOW))])
        dossier = replace(make_dossier(platform), exploitation=said)
        return Situation(name, dossier, rule.partition(":")[0], reason, make_policy(rule))

    epss = "vulnerabilities: {epss: 0.5, feed_age: 3d}"
    unknown = "CVE-2024-0727 low (debian), EPSS unknown in libssl3"
    yield of("no EPSS feed", epss, unknown, Exploitation())
    yield of("an EPSS feed that does not know a finding", epss, unknown, make_exploitation())
    old = make_exploitation(epss={"CVE-2024-0727": 0.01}, age=4 * DAY)
    yield of("an old EPSS feed", epss, unknown, old)
    ahead = make_exploitation(epss={"CVE-2024-0727": 0.01}, age=-DAY)
    yield of(
        "a clock moved back: EPSS comes later",
        "freshness: {epss: 3d}",
        "the EPSS feed is from the future, 1 d ahead",
        ahead,
    )
    kev = "vulnerabilities: {kev: true, feed_age: 14d}"
    yield of("no KEV feed", kev, "no KEV feed is recorded", Exploitation())
    yield of(
        "an old KEV feed",
        kev,
        "the KEV feed is 15 d old, limit 14 d",
        make_exploitation(kev=(), age=15 * DAY),
    )
    yield of(
        "a KEV feed that nobody looked into",
        kev,
        "nobody looked into the KEV feed",
        replace(make_exploitation(kev=()), known=None),
    )
    yield of(
        "no feed that could be fresh",
        "freshness: {kev: 14d}",
        "no KEV feed is recorded",
        Exploitation(),
    )


def of_evidence(**changes: Any) -> Dossier:
    scan = make_scan(components=())
    return make_dossier(
        make_platform(scan=replace(scan, evidence=replace(scan.evidence, **changes)))
    )


def sboms() -> Iterator[Situation]:
    sbom = make_sbom()

    def of(**changes: Any) -> Dossier:
        return make_dossier(make_platform(**changes))

    yield Situation("no SBOM", of(sbom=None), "sbom", "no SBOM is recorded")
    yield Situation(
        "an SBOM of another image",
        of(sbom=make_sbom(ARM_SUBJECT)),
        "sbom",
        "the SBOM is about another digest",
    )
    yield Situation(
        "an SBOM from the future",
        of(sbom=make_sbom(produced_at=AT + DAY)),
        "sbom",
        "the SBOM is from the future, 1 d ahead",
    )
    yield Situation(
        "an SBOM that nobody measured, where some quality is demanded",
        of(sbom=replace(sbom, elements=())),
        "sbom",
        "nobody measured how good the SBOM is",
        make_policy("sbom: {quality: 50}"),
    )
    yield Situation(
        "a package that cannot be told, where only some are allowed",
        of(components=(make_component("django", "main", ecosystem="python-pkg"),)),
        "sbom",
        "django main, ",
        make_policy('sbom: {allowed: [{purl: pkg:pypi/django, versions: ">=2"}]}'),
    )
    unattested = "the SBOM is not attested with release.pub"
    yield Situation("an SBOM without attestation", of(attestations=()), "sbom", unattested)
    yield Situation(
        "an SBOM attested with another key",
        of(attestations=[attest_sbom(sbom, key=OTHER_KEY)]),
        "sbom",
        unattested,
    )
    yield Situation(
        "an attestation of another SBOM",
        of(attestations=[attest_sbom(make_sbom(document=b"another"))]),
        "sbom",
        unattested,
    )

    yield Situation(
        "the SBOM's attestation, but for another image",
        of(attestations=[replace(attest_sbom(sbom), subject=ARM_SUBJECT)]),
        "sbom",
        unattested,
    )
    yield Situation(
        "another statement with the SBOM's bytes",
        of(attestations=[replace(attest_sbom(sbom), predicate_type=VULNERABILITY_PREDICATE)]),
        "sbom",
        unattested,
    )


def signatures() -> Iterator[Situation]:
    def of(*attestations: VerifiedAttestation) -> Dossier:
        return make_dossier(attestations=attestations)

    unsigned = "not signed with release.pub"
    yield Situation("no signature", of(), "signature", unsigned)
    yield Situation(
        "a signature with another key",
        of(make_attestation(key=OTHER_KEY)),
        "signature",
        f"{unsigned}, only with key",
    )
    yield Situation(
        "a signature of another image", of(make_attestation(ARM_SUBJECT)), "signature", unsigned
    )
    yield Situation(
        "an attestation in place of a signature",
        of(attest_sbom(make_sbom())),
        "signature",
        unsigned,
    )
    future = "the signature with release.pub is from the future"
    yield Situation(
        "a signature made in the future",
        of(make_attestation(signed_at=AT + DAY)),
        "signature",
        future,
    )
    yield Situation(
        "a signature verified in the future",
        of(make_attestation(signed_at=AT - DAY, verified_at=AT + DAY)),
        "signature",
        future,
    )


def packages() -> Iterator[Situation]:
    rule = 'packages: {%s: [{purl: pkg:pypi/django, versions: "%s"}]}'
    denied, required = make_policy(rule % ("denied", "<2")), make_policy(rule % ("required", ">=2"))
    branch = make_component("django", "main", ecosystem="python-pkg")
    may = f"django main, {branch.path} may be denied by pkg:pypi/django <2"

    def of(name: str, policy: Policy, reason: str, **changes: Any) -> Situation:
        platform = replace(make_platform(), **changes)
        return Situation(name, make_dossier(platform), "packages", reason, policy)

    there = {"components": (branch,)}
    yield of("no scan to know the packages from", denied, "no scan is recorded", scan=None)
    yield of(
        "a list of packages that is not whole",
        denied,
        "0 of the scan's 1 components are on record",
        components=(),
    )
    yield of(
        "a package of a version that cannot be compared, where some are denied",
        denied,
        f"{may}, for its version cannot be compared",
        **there,
    )
    yield of(
        "a package without package URL and with the name of one that is denied",
        denied,
        f"{may}, for it has no package URL",
        components=(replace(branch, purl=""),),
    )
    allowed = make_policy("licences: {allowed: [permissive]}")
    for name, texts, reason in (
        ("a package that states no licence", (), "it states no licence"),
        (
            "a package under a licence that nobody knows",
            ("BSD",),
            "BSD is no licence that is known",
        ),
    ):
        platform = make_platform(components=[replace(branch, licences=texts)])
        said = f"django main, {branch.path}: {reason}"
        yield Situation(name, make_dossier(platform), "licences", said, allowed)
    yield of(
        "a package of a version that cannot be compared, where some are required",
        required,
        "pkg:pypi/django >=2 is required and not there, only with a version that cannot be "
        "compared",
        **there,
    )


def keys() -> Iterator[Situation]:
    def of(key: str, *attestations: VerifiedAttestation) -> tuple[Dossier, Policy]:
        entry = f"{{file: release.pub, {key}}}"
        rules = (f"signature: {{keys: [{entry}]}}", f"sbom: {{keys: [{entry}]}}")
        return make_dossier(attestations=attestations), make_policy(*rules)

    signed = make_attestation()
    revoked, policy = of("revoked: true", signed)
    yield Situation(
        "a signature with a revoked key",
        revoked,
        "signature",
        "the signature with release.pub does not count: the key is revoked",
        policy,
    )
    yield Situation(
        "an SBOM attested with a revoked key",
        revoked,
        "sbom",
        "the SBOM's attestation with release.pub does not count: the key is revoked",
        policy,
    )
    ended, policy = of("not_after: 2026-01-15T11:59:59Z", signed)
    yield Situation(
        "a signature verified first when its key no longer counted",
        ended,
        "signature",
        "the signature with release.pub was first verified at 2026-01-15T12:00:00Z, and the key "
        "counts until 2026-01-15T11:59:59Z",
        policy,
    )
    early, policy = of(
        "not_before: 2026-01-15T00:00:00Z", make_attestation(signed_at=AT - DAY, verified_at=AT)
    )
    yield Situation(
        "a signature made when its key did not count yet",
        early,
        "signature",
        "the signature with release.pub was signed at 2026-01-14T12:00:00Z, and the key counts "
        "from 2026-01-15T00:00:00Z",
        policy,
    )


def identities() -> Iterator[Situation]:
    def of(
        name: str,
        reason: str,
        *attestations: VerifiedAttestation,
        entry: str = TRUST_CI,
        also: str = "",
    ) -> Situation:
        policy = make_policy(f"signature: {{identities: [{entry}]{also}}}")
        return Situation(name, make_dossier(attestations=attestations), "signature", reason, policy)

    def by(identity: Identity, **changes: Any) -> VerifiedAttestation:
        return make_attestation(identity=replace(identity, **changes))

    unsigned = f"not signed by {CI}"
    yield of("no signature by an identity", unsigned)
    yield of(
        "a signature with a key where an identity is asked for",
        f"{unsigned}, only with key",
        make_attestation(),
    )
    yield of(
        "a signature by another identity",
        f"{unsigned}, only by {PERSON}: the name is",
        by(PERSON),
    )
    yield of(
        "a signature by the same name from another issuer",
        f"{unsigned}, only by {CI.name} (https://nobody.invalid): "
        f"the issuer is https://nobody.invalid, not {GITHUB}",
        by(CI, issuer="https://nobody.invalid"),
    )
    yield of(
        "a signature by an identity whose name only contains the one asked for",
        f"{unsigned}, only by {CI.name}x",
        by(CI, name=f"{CI.name}x"),
    )
    yield of(
        "a signature by the same text as a name of another kind",
        f"{unsigned}, only by {CI}: the name is of the kind email, not uri",
        by(CI, kind=NameKind.EMAIL),
    )
    ref = "{identity: %s, issuer: %s, claims: {source_repository_ref: refs/tags/v1}}"
    yield of(
        "a signature by the identity from another branch",
        f"{unsigned}, only by {CI}: source_repository_ref is refs/heads/main, not refs/tags/v1",
        by(CI),
        entry=ref % (CI.name, CI.issuer),
    )
    yield of(
        "a signature by an identity of which its issuer said less",
        f"{unsigned}, only by {CI}: source_repository_ref is not said, not refs/tags/v1",
        by(CI, claims=()),
        entry=ref % (CI.name, CI.issuer),
    )
    yield of(
        "an identity's signature that is in no log",
        f"the signature by {CI} is in no transparency log",
        make_attestation(identity=CI, logged=False),
    )
    yield of(
        "a signature by a revoked identity",
        f"the signature by {CI} does not count: the identity is revoked",
        by(CI),
        entry=f"{TRUST_CI[:-1]}, revoked: true}}",
    )
    yield of(
        "a signature by an identity after its time",
        f"the signature by {CI} was signed at 2026-01-15T12:00:00Z, and the identity counts until",
        by(CI),
        entry=f"{TRUST_CI[:-1]}, not_after: 2026-01-15T11:59:59Z}}",
    )
    certified = replace(by(PERSON), key_fingerprint=make_attestation().key_fingerprint)
    yield Situation(
        "a certificate for the very key that is trusted",
        make_dossier(attestations=[certified]),
        "signature",
        f"not signed with release.pub, only by {PERSON}",
    )
    yield from demands()


def demands() -> Iterator[Situation]:
    def of(name: str, rule: str, reason: str, *attestations: VerifiedAttestation) -> Situation:
        dossier = make_dossier(attestations=attestations)
        return Situation(name, dossier, rule.partition(":")[0], reason, make_policy(rule))

    yield of(
        "a key's signature in no log where one is demanded",
        "signature: {keys: [release.pub], transparency_log: required}",
        "the signature with release.pub is in no transparency log",
        make_attestation(signed_at=AT),
    )
    yield of(
        "a key's signature without a trusted time where one is demanded",
        "signature: {keys: [release.pub], timestamp: required}",
        "the signature with release.pub has no trusted time",
        make_attestation(logged=True),
    )
    yield of(
        "one of two signatures that are demanded",
        f"signature: {{all_of: [{{keys: [release.pub]}}, {{identities: [{TRUST_CI}]}}]}}",
        f"not signed by {CI}, only with key",
        make_attestation(),
    )
    yield of(
        "neither of two signatures of which one is demanded",
        f"signature: {{any_of: [{{keys: [release.pub]}}, {{identities: [{TRUST_CI}]}}]}}",
        f"not signed with release.pub, or by {CI}, only with key",
        make_attestation(key=OTHER_KEY),
    )
    review = "attestation: {type: https://acme.example/review/v1, keys: [release.pub], max_age: 7d}"
    uri = "https://acme.example/review/v1"
    yield of(
        "an attestation of another type",
        review,
        f"no {uri} is attested with release.pub",
        make_attestation(predicate_type="https://acme.example/review/v2"),
    )
    yield of(
        "an attestation that is too old",
        review,
        f"the {uri} with release.pub is 8 d old, limit 7 d",
        make_attestation(predicate_type=uri, verified_at=AT - 8 * DAY),
    )


def platforms() -> Iterator[Situation]:
    both = make_policy(*RULES, platforms="linux/amd64, linux/s390x")
    yield Situation(
        "an index without platforms",
        Dossier(INDEX, (), (make_attestation(INDEX),)),
        "platforms",
        "no platform of this index is recorded",
    )
    yield Situation(
        "a platform of the index that was never judged",
        make_index(),
        "platforms",
        "no linux/s390x of this index is recorded, so nobody judged it",
        both,
    )
    yield Situation(
        "an image for a platform that does not run there",
        make_dossier(make_platform(platform=ARM)),
        "platforms",
        "the image is for linux/arm64, and prod runs linux/amd64, linux/s390x",
        both,
    )
    yield Situation(
        "one platform of the index without a scan",
        make_dossier(
            make_platform(), make_platform(ARM_SUBJECT, platform=ARM, scan=None), subject=INDEX
        ),
        "vulnerabilities",
        "no scan is recorded",
    )


CLAIMS_HEAD = """\
schemaVersion: 1
environment: prod
rules:
  - vulnerabilities: {severity: high}
"""


def waivers() -> Iterator[Situation]:
    policy = make_policy("vulnerabilities: {severity: high}")
    of_high = "CVE-2024-0727 high (debian) in libssl3 3.0.11-1~deb12u2, fixed in 3.0.13-1~deb12u1"

    def of(name: str, waiver: Waiver, note: str, rules: WaiverRules | None = WAIVERS) -> Situation:
        dossier = with_waivers(make_dossier(make_platform(findings=[known()])), waiver)
        reason = f"{of_high}, known 0 s{note}"
        return Situation(name, dossier, "vulnerabilities", reason, waiving(policy, rules))

    yield of(
        "a waiver that expired since a job last looked at it",
        make_waiver(expires=timedelta(hours=-3)),
        "; WV-17 expired 3 h ago",
    )
    yield of(
        "a waiver that nobody approved",
        make_waiver(approved=None),
        "; WV-17 is not approved: ask bob or carol",
    )
    yield of(
        "a waiver approved by its requester",
        make_waiver(approved_by="alice"),
        "; WV-17 is approved by its requester, alice",
    )
    yield of(
        "a waiver approved by somebody whom the policy does not name",
        make_waiver(approved_by="eve"),
        "; WV-17 is approved by eve, no approver of the policy for prod",
    )
    yield of(
        "a waiver approved after the instant that is asked about",
        make_waiver(approved=-DAY),
        "; WV-17 counts only from 2026-01-16T12:00:00Z",
    )
    yield of(
        "a waiver for longer than the policy allows",
        make_waiver(expires=40 * DAY),
        "; WV-17 lasts 42 d, and the policy allows 30 d for what is high",
    )
    yield of(
        "a waiver that was revoked",
        make_waiver(ended=WaiverState.REVOKED, ended_by="carol", ended_at=AT - DAY),
        "; WV-17 was revoked by carol, 1 d ago",
    )
    yield of(
        "a waiver that was to end when there is a fix, and there is one",
        make_waiver(ends_with_fix=EndsWithFix.FINDING),
        "; WV-17 ended: 3.0.13-1~deb12u1 repairs libssl3",
    )
    yield of(
        "a waiver where the policy lets none count",
        make_waiver(),
        "; WV-17 does not count: the policy for prod lets nobody waive anything",
        None,
    )
    yield of(
        "a waiver for another version of the package",
        make_waiver(replace(SCOPE, versions="=3.0.11-1~deb12u1")),
        "",
    )


def configurations() -> Iterator[Situation]:
    def of(name: str, rule: str, reason: str, platform: PlatformDossier) -> Situation:
        policy = make_policy(rule)
        return Situation(name, make_dossier(platform), rule.partition(":")[0], reason, policy)

    fine = make_configured()
    evidence = fine.config_evidence
    assert evidence
    user = "image-config: {user: nonroot}"
    yield of("no configuration", user, "no configuration is recorded", make_platform())
    yield of(
        "the configuration of another image",
        user,
        "the configuration is about another digest",
        replace(fine, config_evidence=replace(evidence, subject=ARM_SUBJECT)),
    )
    yield of(
        "a configuration from the future",
        user,
        "the configuration is from the future",
        replace(fine, config_evidence=replace(evidence, produced_at=AT + DAY)),
    )
    yield of(
        "an image that names no user",
        user,
        "it runs as root, for it names no user",
        make_configured(config=make_config(user="")),
    )
    yield of(
        "a scan that did not look for secrets",
        "secrets: {}",
        "the scan did not look for secrets",
        replace(fine, secrets=None),
    )
    yield of(
        "a secret that nobody rated",
        "secrets: {severity: critical}",
        "AWS Access Key ID in app/.env:3 (aws-access-key-id, unknown)",
        make_configured(secrets=[replace(SECRET, severity="unknown")]),
    )
    age = "age: {max: 90d}"
    yield of(
        "an image that says it was made in 1970",
        age,
        "it does not say when it was made",
        make_configured(config=make_config(created_at=datetime(1970, 1, 1, tzinfo=UTC))),
    )
    yield of(
        "an image that says it was made in the future",
        age,
        "it says that it was made in the future, 1 d ahead",
        make_configured(config=make_config(created_at=AT + DAY)),
    )
    yield of(
        "an image of which nobody knows since when it is on record",
        "age: {min: 3d, since: recorded}",
        "it is not known when it was first recorded",
        replace(fine, recorded_at=None),
    )
    base = r"base-image: {allowed: [{repository: registry\.test/base/.*}]}"
    unknown = "it is not known to stand upon a base that is allowed"
    yield of("a base that is not on record", base, unknown, make_configured(ancestors=()))
    yield of(
        "a base that the image alone names",
        base,
        unknown,
        make_configured(ancestors=[Ancestor(BASE, Kinship.LABEL)]),
    )
    yield of(
        "an image from no repository that is allowed",
        r"images: {only: ['registry\.acme\.example/.*']}",
        "it is from none of the repositories that are allowed",
        fine,
    )


def claims() -> Iterator[Situation]:
    trusting = "vex: {trust: {keys: [release.pub]}}"
    held = f"{trusting[:-1]}, review: {{reviewers: [alice]}}}}"
    of_high = "CVE-2024-0727 high (debian) in libssl3 3.0.11-1~deb12u2, fixed in 3.0.13-1~deb12u1"

    def of(name: str, *said: VexStatement, vex: str = trusting, note: str) -> Situation:
        findings = make_platform(findings=[known()])
        dossier = replace(make_dossier(findings), statements=said)
        policy = load(f"{CLAIMS_HEAD}{vex}\n")
        return Situation(name, dossier, "vulnerabilities", f"{of_high}, known 0 s; {note}", policy)

    fine = make_statement()
    stranger = make_statement(signers=(OTHER_KEY,))
    foreign = make_statement(VexProduct(digests=(ARM_SUBJECT.digest,)))
    yield of(
        "a claim that it is not affected, and a policy that believes nobody",
        fine,
        vex="",
        note=f"{fine.name} says not_affected, and the policy believes nobody",
    )
    yield of(
        "a claim of somebody whom the policy does not believe",
        stranger,
        note=f"{stranger.name} does not count: not signed with release.pub",
    )
    yield of("a claim about another product", foreign, note=f"{foreign.name} is about")
    yield of(
        "a claim that nobody has accepted yet",
        fine,
        vex=held,
        note=f"{fine.name} is held for a review by alice",
    )
    yield of(
        "a claim accepted by somebody whom the policy does not name",
        make_statement(accepted_by=("eve",)),
        vex=held,
        note=f"{fine.name} is held for a review by alice",
    )
    yield of(
        "a claim that another one contradicts",
        fine,
        make_statement(status=VexStatus.AFFECTED),
        note="claimed: affected (upgrade) with release.pub",
    )


def happenings() -> Iterator[Situation]:
    fine = make_dossier()

    def of(name: str, rule: str, reason: str, dossier: Dossier) -> Situation:
        return Situation(name, dossier, rule.partition(":")[0], reason, make_policy(rule))

    staging = "promoted-from: {environment: staging, ran: 24h}"
    yield of("an image that never ran where it has to have", staging, "never ran in staging", fine)
    yield of(
        "an image that ran there although it was denied",
        staging,
        "ran in staging, but no decision allowed it there meanwhile",
        replace(fine, deployments=(ran(),)),
    )
    yield of(
        "an image that was allowed there for too short a time",
        staging,
        "ran in staging, allowed, for 10 h, 1 d needed",
        replace(
            fine,
            deployments=(ran(),),
            allowances=(allowed(since=20 * HOUR, until=10 * HOUR),),
        ),
    )
    people = "approval: {by: [alice]}"
    nobody = "approved by nobody, 1 needed of alice"
    yield of("an image that nobody approved", people, nobody, fine)
    given = replace(fine, approvals=(approved(withdrawn=HOUR / 2),))
    yield of("an approval that was withdrawn", people, nobody, given)
    stranger = replace(fine, approvals=(approved("mallory"),))
    yield of("an approval by somebody whom the policy does not name", people, nobody, stranger)
    running = Running(ran("prod", subject=replace(SUBJECT, digest=Digest.of(b"older"))), ())
    yield of(
        "a difference from something that is not on record",
        "drift: {added: 0}",
        "what runs there,",
        replace(fine, running=running),
    )
    build = Build("https://ci.example", "https://example.com/build/v1", "https://example.com/fork")
    told = make_attestation(predicate_type=PROVENANCE_PREDICATE, build=build)
    yield of(
        "provenance of a build from another source",
        "provenance: {sources: [https://example.com/shop], keys: [release.pub]}",
        "no provenance that counts is attested with release.pub; there is provenance of another "
        "build: built from https://example.com/fork",
        make_dossier(attestations=(make_attestation(), told)),
    )


SITUATIONS = (*situations(), *happenings())


def judge(situation: Situation) -> Decision:
    foreign = situation.name == "the evidence of another image"
    return evaluate(
        situation.dossier,
        situation.policy,
        subject=situation.dossier.subject if situation.dossier and not foreign else SUBJECT,
        environment="prod",
        at=AT,
    )


def reasons(situation: Situation) -> tuple[str, ...]:
    result = next(r for r in judge(situation).results if r.rule == situation.rule)
    return tuple("; ".join((v.message, *v.notes)) for v in result.violations)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.name)
def test_it_denies_and_says_why(situation: Situation) -> None:
    decision = judge(situation)
    assert decision.verdict is Verdict.DENY
    assert any(reason.startswith(situation.reason) for reason in reasons(situation))
    assert all(v.remedy for v in decision.violations)
    # Time alone mends a clock that was moved back, and nothing else.
    assert (decision.holds_until is not None) == any("future" in r for r in reasons(situation))
    assert (decision.policy is None) == (situation.rule == "policy")


def test_the_same_evidence_in_order_is_allowed() -> None:
    # Without this, everything above could pass because nothing is ever allowed.
    for dossier in (make_dossier(), make_index()):
        decision = evaluate(dossier, POLICY, subject=dossier.subject, environment="prod", at=AT)
        assert decision.verdict is Verdict.ALLOW
        assert decision.violations == ()


def test_the_docs_show_every_situation() -> None:
    rows = [f"| {s.name} | `{s.rule}` | {shortened(reasons(s)[0])} |" for s in SITUATIONS]
    expected = ["| situation | rule | reason given |", "| --- | --- | --- |", *rows]
    text = DOCS.read_text(encoding="utf-8")
    between = text.partition("<!-- fail-closed: begin -->\n")[2]
    assert between.partition("<!-- fail-closed: end -->")[0].splitlines() == expected


def shortened(reason: str) -> str:
    return re.sub(r"[0-9a-f]{12,}", "…", reason)
