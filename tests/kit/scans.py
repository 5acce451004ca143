"""Factories for scans, components and findings under a fixed clock: same call, same value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from supplychain.model.component import Component
from supplychain.model.digest import Digest
from supplychain.model.evidence import (
    Evidence,
    EvidenceKind,
    Producer,
    Scan,
    VulnerabilityDatabase,
)
from supplychain.model.finding import CvssScore, Finding, Rating, Severity
from supplychain.model.identity import Clock, TrustedTime
from supplychain.model.subject import Platform, Subject

AT = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
PLATFORM = Platform("linux", "amd64")
SUBJECT = Subject("registry.test/shop/web", Digest.of(b"the platform manifest"))
CONFIG = Digest.of(b"the image config")
LAYERS = tuple(
    (Digest.of(b"compressed layer %d" % n), Digest.of(b"plain layer %d" % n)) for n in range(3)
)
TRIVY = Producer("trivy", "0.76.0", Digest.of(b"the trivy binary"))
DATABASE = VulnerabilityDatabase(Digest.of(b"the database"), AT - timedelta(hours=6))
TRIVY_REPORT = "application/vnd.aquasecurity.trivy.report+json"

_PURL_TYPE = {"debian": "deb/debian", "python-pkg": "pypi", "node-pkg": "npm", "gobinary": "golang"}
_PATH = {
    "python-pkg": "usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA",
    "node-pkg": "app/node_modules/{name}/package.json",
    "gobinary": "usr/bin/server",
}


def make_component(
    name: str = "libssl3",
    version: str = "3.0.11-1~deb12u2",
    *,
    ecosystem: str = "debian",
    **fields: Any,
) -> Component:
    """A component as a scanner would report it; `fields` replace whatever was worked out."""
    purl = f"pkg:{_PURL_TYPE[ecosystem]}/{quote(name, safe='/')}@{quote(version, safe='~:')}"
    if ecosystem == "debian":
        purl += "?arch=amd64&distro=debian-12.5"
    made = Component(
        purl=purl,
        name=name,
        version=version,
        kind="os" if ecosystem == "debian" else "library",
        ecosystem=ecosystem,
        path=_PATH.get(ecosystem, "").format(name=name, version=version),
        licences=("OpenSSL",) if ecosystem == "debian" else ("MIT",),
        layer=LAYERS[0][1],
        source_name=name if ecosystem == "debian" else "",
        source_version=version if ecosystem == "debian" else "",
    )
    made = replace(made, **fields)
    return made if made.key else replace(made, key=f"{made.purl} {made.path}".rstrip())


def make_finding(
    component: Component | None = None,
    *,
    vulnerability_id: str = "CVE-2024-0727",
    severity: Severity = Severity.HIGH,
    fixed_version: str = "3.0.13-1~deb12u1",
    **fields: Any,
) -> Finding:
    """A vulnerability in `component` (`make_component()` where none is given)."""
    component = component or make_component()
    made = Finding(
        vulnerability_id=vulnerability_id,
        purl=component.purl,
        package=component.name,
        installed_version=component.version,
        fixed_version=fixed_version,
        severity=severity,
        severity_source="debian" if component.ecosystem == "debian" else "ghsa",
        path=component.path,
        status="fixed" if fixed_version else "affected",
        title=f"{component.name}: something an attacker can use",
        url=f"https://example.org/{vulnerability_id}",
        published_at=AT - timedelta(days=90),
        layer=component.layer,
        component=component.key,
    )
    return replace(made, **fields)


def make_scan(
    *,
    components: Sequence[Component] | None = None,
    findings: Sequence[Finding] = (),
    subject: Subject = SUBJECT,
    produced_at: datetime = AT,
    report: bytes = b"{}",
    producer: Producer = TRIVY,
    database: VulnerabilityDatabase = DATABASE,
    operating_system: str = "debian 12.5",
) -> Scan:
    """A scan of `subject`, sorted as the contract says; one component where none are given."""
    found = (make_component(),) if components is None else components
    return Scan(
        evidence=Evidence(
            subject=subject,
            kind=EvidenceKind.SCAN,
            digest=Digest.of(report),
            media_type=TRIVY_REPORT,
            producer=producer,
            produced_at=produced_at,
            verified_by="first-hand",
        ),
        database=database,
        operating_system=operating_system,
        components=tuple(sorted(found, key=lambda c: c.key)),
        findings=tuple(sorted(findings, key=lambda f: (f.vulnerability_id, f.purl, f.path))),
    )


OPERATING_SYSTEM = Component(
    purl="",
    name="debian",
    version="12.5",
    kind="operating-system",
    ecosystem="debian",
    key="operating-system:debian@12.5",
)

_LICENCES = {
    "debian": (("GPL-2.0-or-later",), ("LGPL-2.1+", "GPL-2+"), ("BSD-3-clause",), ()),
    "python-pkg": (("MIT",), ("Apache-2.0",), ("BSD-3-Clause OR Apache-2.0",), ("My Own Licence",)),
    "node-pkg": (("MIT",), ("ISC",), ("(MIT OR CC0-1.0)",)),
    "gobinary": ((),),
}


def realistic_components(count: int) -> tuple[Component, ...]:
    """`count` distinct components as images have them: four ecosystems, licences, layers, edges.

    Debian packages depend on earlier ones; the other ecosystems are flat, as Trivy reports them.
    """
    made: list[Component] = []
    debian: list[str] = []
    for n in range(count):
        ecosystem = ("debian", "python-pkg", "debian", "node-pkg", "gobinary")[n % 5]
        name = {
            "debian": f"libpart{n}",
            "python-pkg": f"part-{n}",
            "node-pkg": f"@scope/part{n}" if n % 2 else f"part{n}",
            "gobinary": f"example.org/group/part{n}",
        }[ecosystem]
        version = f"{n % 9}.{n % 31}-{n % 4}+deb12u{n % 3}" if ecosystem == "debian" else f"{n}.1.0"
        choices = _LICENCES[ecosystem]
        component = make_component(
            name,
            version,
            ecosystem=ecosystem,
            licences=choices[n % len(choices)],
            layer=LAYERS[n % len(LAYERS)][1],
            supplier="Debian Maintainers <part@example.org>" if ecosystem == "debian" else None,
            hashes=(("SHA-256", Digest.of(name.encode()).hex),) if n % 3 == 0 else (),
            depends_on=tuple(sorted(set(debian[-8::3]))) if ecosystem == "debian" else (),
        )
        if ecosystem == "debian":
            debian.append(component.key)
        made.append(component)
    return tuple(made)


def realistic_findings(components: Sequence[Component], count: int) -> tuple[Finding, ...]:
    """`count` distinct findings spread over `components`, of every severity, some without a fix."""
    severities = tuple(Severity)
    return tuple(
        make_finding(
            components[n % len(components)],
            vulnerability_id=f"CVE-{2019 + n % 7}-{1000 + n}",
            severity=severities[n % len(severities)],
            fixed_version="" if n % 4 == 0 else "99.0",
            ratings=(
                Rating("debian", Severity.LOW),
                Rating("nvd", severities[n % len(severities)]),
            ),
            scores=(CvssScore("nvd", 3, n % 100 / 10, f"CVSS:3.1/part{n}"),),
            aliases=(f"GHSA-{n}",),
            weaknesses=("CWE-79",),
        )
        for n in range(count)
    )


def signed(at: datetime | None) -> tuple[TrustedTime, ...]:
    """What a timestamp authority says where it says anything."""
    return () if at is None else (TrustedTime(at, Clock.AUTHORITY, "https://tsa.test"),)
