"""What our own stages take by themselves: no process, no network, no disk."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.table import Row
from benchmarks.timing import Contestant, alternate
from supplychain.gate.evaluate import evaluate
from supplychain.model.evidence import CYCLONEDX_PREDICATE
from supplychain.records.epss import check_epss, read_epss
from supplychain.sbom.schema import validate
from supplychain.signing.publication import SIGNATURE, Claim, publish
from supplychain.signing.trust.trust import Trust
from supplychain.signing.verification import verify
from tests.kit.artifacts import MemoryStore, put_image
from tests.kit.feeds import epss
from tests.kit.keys import signer
from tests.kit.policies import (
    known,
    make_dossier,
    make_exploitation,
    make_platform,
    make_policy,
)
from tests.kit.sboms import make_sbom
from tests.kit.scans import AT, SUBJECT, realistic_components, realistic_findings

_COMPONENTS, _FINDINGS, _ROUNDS = 2_000, 300, 15


def measure() -> list[Row]:
    """The SBOM, its signature and the verdict, for a large image."""
    components = realistic_components(_COMPONENTS)
    document = make_sbom(components)
    findings = [known(finding) for finding in realistic_findings(components, _FINDINGS)]
    dossier = make_dossier(make_platform(findings=findings))
    policy = make_policy("signature: {keys: [release.pub]}", "vulnerabilities: {severity: high}")
    scores = {finding.finding.vulnerability_id: 0.01 for finding in findings}
    fed = replace(dossier, exploitation=make_exploitation(epss=scores, kev=()))
    asking = make_policy(
        "vulnerabilities: {kev: true}",
        "vulnerabilities: {severity: high, sources: [nvd, debian], cvss: 7, epss: 0.5}",
    )
    edition = epss({f"CVE-{2000 + n % 25}-{1000 + n}": ("0.00042", "0.1") for n in range(300_000)})
    actions = {
        f"make the SBOM of {_COMPONENTS:,} components": lambda: make_sbom(components),
        "validate it against its schema": lambda: validate(document),
        "sign and attest it, and verify both": lambda: _sealed(document),
        f"judge {_FINDINGS} findings": lambda: evaluate(
            dossier, policy, subject=SUBJECT, environment="prod", at=AT
        ),
        f"judge {_FINDINGS} findings by CVSS, EPSS and KEV": lambda: evaluate(
            fed, asking, subject=SUBJECT, environment="prod", at=AT
        ),
        "check an edition of EPSS, 300,000 vulnerabilities": lambda: check_epss(edition),
        "read one that is on record": lambda: read_epss(edition),
    }
    times = alternate(*(Contestant(action) for action in actions.values()), rounds=_ROUNDS)
    return [Row(name, f"{taken}") for name, taken in zip(actions, times, strict=True)]


def _sealed(document: bytes) -> None:
    store = MemoryStore()
    subject = put_image(store)
    claims = (SIGNATURE, Claim(CYCLONEDX_PREDICATE, document))
    publish(store, subject, signer(), claims, at=AT)
    if len(verify(store, subject, Trust((signer().public_key,)), at=AT).documents) != len(claims):
        raise AssertionError("what was signed does not verify")
