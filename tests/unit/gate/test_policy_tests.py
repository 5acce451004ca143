"""Tests of policies: what they imagine is judged as the gate judges, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate.imagined import KEYS
from supplychain.gate.imagined_values import hints_of
from supplychain.gate.policy import Policy
from supplychain.gate.policy_tests import PolicyTest, run_tests
from supplychain.model.decision import Verdict
from supplychain.model.dossier import Dossier, PlatformDossier
from tests.kit.policies import fingerprint, load, make_policy, read_key

POLICY = make_policy(
    "signature: {keys: [release.pub]}",
    "sbom: {keys: [release.pub]}",
    "freshness: {scan: 24h, database: 48h}",
    "vulnerabilities: {severity: high, grace: 7d}",
)
GOOD = "signed: [release.pub], scanned: 2h, sbom: {made: 2h, by: [release.pub]}"


def run(text: str, policy: Policy = POLICY) -> tuple[PolicyTest, ...]:
    return run_tests(
        f"schemaVersion: 1\ntests:\n{text}".encode(),
        policy,
        source="prod.test.yaml",
        read_key=read_key,
        fingerprint=fingerprint,
    )


def judged(
    image: str, verdict: str = "allow", more: str = "", policy: Policy = POLICY
) -> PolicyTest:
    return run(f"- {{name: it, image: {{{image}}}, verdict: {verdict}{more}}}\n", policy)[0]


def test_what_is_in_order_is_allowed() -> None:
    assert judged(GOOD).failures == ()


DENIED = {
    "nothing recorded": ("", "record: nothing is recorded"),
    "unsigned": (GOOD.replace("signed: [release.pub], ", ""), "signature: not signed"),
    "signed by a stranger": (
        GOOD.replace("signed: [release.pub]", "signed: [stranger]"),
        "only with key",
    ),
    "another key": (
        f"{GOOD}".replace("signed: [release.pub]", "signed: [other.pub]"),
        "signature: not signed",
    ),
    "an old scan": (GOOD.replace("scanned: 2h", "scanned: 3d"), "freshness: scanned 3 d ago"),
    "an old database": (f"{GOOD}, database: 5d", "freshness: vulnerability database 5 d old"),
    "no scan": (GOOD.replace("scanned: 2h, ", ""), "vulnerabilities: no scan is recorded"),
    "no SBOM": ("signed: [release.pub], scanned: 2h", "sbom: no SBOM is recorded"),
    "an SBOM by a stranger": (
        GOOD.replace("by: [release.pub]", "by: [stranger]"),
        "sbom: the SBOM is not",
    ),
    "a finding": (
        f"{GOOD}, findings: [{{id: CVE-1, severity: critical, package: x, first_seen: 8d}}]",
        "vulnerabilities: CVE-1 critical in x",
    ),
    "a finding nobody rated": (
        f"{GOOD}, findings: [{{id: CVE-1, first_seen: 8d}}]",
        "CVE-1 unknown",
    ),
    "one platform of two": (
        (
            f"{GOOD}, platforms: [{{platform: linux/amd64}}, {{platform: linux/arm64, "
            "findings: [{id: CVE-2, severity: high, first_seen: 9d}]}]"
        ),
        "CVE-2",
    ),
}


@pytest.mark.parametrize(("image", "reason"), DENIED.values(), ids=DENIED)
def test_what_is_not_in_order_is_denied_for_its_reason(image: str, reason: str) -> None:
    rule, _, text = reason.rpartition(": ")
    said = f"{{{rule}: {text}}}" if rule else text
    assert judged(image, "deny", f", reasons: [{said}]").failures == ()
    assert "expected allow, got deny" in judged(image).failures


def test_a_finding_in_grace_is_borne() -> None:
    assert (
        judged(f"{GOOD}, findings: [{{id: CVE-1, severity: high, first_seen: 6d}}]").failures == ()
    )


def test_what_fails_says_what_was_expected_and_what_came() -> None:
    failed = judged("signed: [release.pub]", "allow", ", rules: {sbom: passed, nothing: waived}")
    assert failed.failures == (
        "expected allow, got deny",
        "expected sbom to be passed, it is violated",
        "expected nothing to be waived, it is not there",
    )
    missing = judged("signed: [release.pub]", "deny", ", reasons: [{signature: nobody}, 'no scan']")
    assert missing.failures == ("expected the reason signature: nobody",)


def test_identities_can_be_imagined() -> None:
    policy = make_policy(
        "signature: {identities: [{identity: a@b.c, issuer: https://i.example, "
        "claims: {source_repository_ref: refs/heads/main}}]}"
    )
    who = (
        "{identity: a@b.c, issuer: https://i.example, "
        "claims: {source_repository_ref: refs/heads/%s}%s}"
    )
    assert judged(f"signed: [{who % ('main', '')}]", policy=policy).failures == ()
    for ref, more in (("dev", ""), ("main", ", logged: false")):
        assert judged(f"signed: [{who % (ref, more)}]", "deny", policy=policy).failures == ()


def test_statements_are_of_the_image_and_of_each_platform() -> None:
    policy = make_policy("attestation: {type: vuln, keys: [ci.pub], max_age: 2d}")
    said = "scanned: 1h, attested: [{type: vuln, by: {key: ci.pub, ago: %s}}]"
    assert judged(said % "1d", policy=policy).failures == ()
    assert judged(said % "3d", "deny", policy=policy).failures == ()


def test_everything_of_the_dossier_can_be_imagined() -> None:
    policy = load(
        "schemaVersion: 1\nenvironment: prod\nrules:\n"
        "  - expression: {cel: \"components.exists(c, 'MIT' in c.licences) && "
        "config.labels.team == 'shop' && deployments[0].environment == 'test' && "
        "approvals[0].by == 'anna' && size(secrets) == 0 && "
        'findings.all(f, f.epss < 0.5 && !f.exploited)"}\n'
    )
    image = (
        "scanned: 1h, components: [{name: x, version: '1', licences: [MIT]}], secrets: [], "
        "config: {user: app, labels: {team: shop}}, approvals: [{environment: prod, "
        "approved_by: anna, approved_at: 2h}], deployments: [{environment: test, since_at: 3d}], "
        "findings: [{id: CVE-1}], exploitation: {chances: [{vulnerability_id: CVE-1, score: 0.1}], "
        "known: []}, "
        "waivers: [{number: 3, terms: {scope: {vulnerability: CVE-1}, expires_at: +3d}}]"
    )
    assert judged(image, policy=policy).failures == ()


def test_the_instant_can_be_said() -> None:
    policy = make_policy("{warn_until: 2026-06-01T00:00:00Z, sbom: {}}", "freshness: {scan: 1d}")
    for at, verdict in (("2026-05-01T00:00:00Z", "allow"), ("2026-07-01T00:00:00Z", "deny")):
        assert judged("scanned: 1h", verdict, f", at: {at}", policy).failures == ()


WRONG = {
    "no verdict": ("- {name: a, image: {}}\n", "3:3: a test needs 'verdict'"),
    "an unknown key": (
        "- {name: a, image: {}, verdict: deny, reason: x}\n",
        "did you mean reasons?",
    ),
    "an unknown verdict": (
        "- {name: a, image: {}, verdict: alow}\n",
        "3:33: 'alow' is not a verdict; did you mean allow?",
    ),
    "an unknown kind of evidence": (
        "- {name: a, image: {scand: 2h}, verdict: deny}\n",
        "3:21: the image of a test knows no 'scand'; did you mean scanned?",
    ),
    "an unknown value of a finding": (
        "- {name: a, image: {scanned: 1h, findings: [{sevrity: high}]}, verdict: deny}\n",
        "recordedfinding knows no 'sevrity'; did you mean severity?",
    ),
    "a wrong severity": (
        "- {name: a, image: {scanned: 1h, findings: [{severity: hihg}]}, verdict: deny}\n",
        "'hihg' is not a severity",
    ),
    "a wrong instant": (
        "- {name: a, image: {scanned: yesterday}, verdict: deny}\n",
        "'yesterday' is no instant; 2h for so long ago",
    ),
    "findings of no scan": (
        "- {name: a, image: {findings: []}, verdict: deny}\n",
        "findings come of a scan, and there is none; scanned: 2h",
    ),
    "a signature by nobody": (
        "- {name: a, image: {signed: [{ago: 2h}]}, verdict: deny}\n",
        "a signature is by a key or by an identity",
    ),
    "an allow with reasons": (
        "- {name: a, image: {}, verdict: allow, reasons: [x]}\n",
        "an allow has no reasons",
    ),
    "no tests": ("  []\n", "3:3: expected a list of tests"),
    "a list of nothing": (
        "- {name: a, image: {signed: x}, verdict: deny}\n",
        "expected a list, found 'x'",
    ),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        run(text)
    assert str(caught.value).startswith("prod.test.yaml:3:")
    assert reason in str(caught.value)


def test_all_that_is_wrong_is_told_together() -> None:
    with pytest.raises(PolicyError) as caught:
        run("- {name: a}\n- {name: b, image: {x: y}, verdict: deny}\n")
    assert "and 2 more" in (caught.value.because or "")


def test_pending_can_be_expected() -> None:
    underway = "underway: [{kinds: [scan], since_at: 1h, expires_at: +1h, detail: queued}]"
    policy = make_policy("freshness: {scan: 1d}")
    one = judged(underway, "pending", policy=policy)
    assert (one.failures, one.decision.verdict) == ((), Verdict.PENDING)


def test_a_claim_can_be_imagined() -> None:
    head = "schemaVersion: 1\nenvironment: prod\nrules: [{freshness: {scan: 1d}}, {sbom: {}}"
    taking = "]\nclaims: [{by: [machine:shop-ci], kinds: [scan, sbom]}]\n"
    policy = load(f"{head}, {{vulnerabilities: {{severity: critical}}}}{taking}")
    said = "scanned: 2h, sbom: 2h"
    bad = "findings: [{id: CVE-1, severity: critical, package: openssl, installed: '1'}]"
    for claimed, verdict in (
        (f"{{by: machine:shop-ci, {said}}}", "allow"),
        (f"{{by: machine:other, {said}}}", "deny"),
        (f"{{by: machine:shop-ci, {said}, {bad}}}", "deny"),
    ):
        one = judged(f"claimed: [{claimed}]", verdict, policy=policy)
        assert one.failures == ()


SHAPES = ["~", "x", "3", "true", "2h", "[]", "[x]", "[[x]]", "[~]", "{}", "{x:}", "[{}]"]
SHAPES += ["{x: y}", "[{x: y}]"]


@pytest.mark.parametrize("key", KEYS)
def test_no_shape_of_any_key_is_anything_but_a_test_or_refused(key: str) -> None:
    for shape in SHAPES:
        for more in ("", "" if key == "scanned" else ", scanned: 1h"):
            with suppress(PolicyError):
                judged(f"{key}: {shape}{more}", "deny")


def _within(owner: Any, path: str) -> Iterator[str]:
    """Every field below a type of the model, as a mapping that says it."""
    for name, hint in hints_of(owner).items():
        for shape in SHAPES:
            yield path % f"{name}: {shape}"
        inner = next((one for one in (hint, *get_args(hint)) if is_dataclass(one)), None)
        if inner is not None and path.count("{") < 4:
            listed = "[{%s}]" if get_origin(hint) is tuple else "{%s}"
            yield from _within(inner, path % f"{name}: {listed}")


@pytest.mark.parametrize("owner", [Dossier, PlatformDossier])
def test_no_shape_of_any_field_is_anything_but_a_test_or_refused(owner: Any) -> None:
    count = 0
    for text in _within(owner, "scanned: 1h, %s"):
        count += 1
        with suppress(PolicyError):
            judged(text, "deny")
    assert count > 500


@given(st.text(max_size=200))
def test_no_text_is_anything_but_tests_or_refused(text: str) -> None:
    with suppress(PolicyError):
        run(text)


DRIFT = make_policy("drift: {added: 0}", "sbom: {}")
LIBRARY = "{name: libc6, version: '2.36', purl: 'pkg:deb/debian/libc6@2.36'}"
ADDED = "{name: curl, version: '8', purl: 'pkg:deb/debian/curl@8'}"


@pytest.mark.parametrize(
    ("running", "verdict", "said"),
    [
        (f"{{scanned: 3d, since: 2d, components: [{LIBRARY}, {ADDED}]}}", "allow", "0 added"),
        (f"{{scanned: 3d, since: 2d, components: [{LIBRARY}]}}", "deny", "1 packages added"),
        ("{since: 2d}", "deny", "is not on record with a scan"),
    ],
)
def test_what_runs_there_can_be_imagined(running: str, verdict: str, said: str) -> None:
    """On whichever platforms the image has."""
    platforms = "platforms: [{platform: linux/amd64}, {platform: linux/arm64}]"
    image = f"scanned: 2h, sbom: 2h, components: [{LIBRARY}, {ADDED}], running: {running}"
    for shown in (image, f"{image}, {platforms}"):
        done = judged(shown, verdict, policy=DRIFT)
        assert done.failures == ()
        told = [r.summary for r in done.decision.results]
        assert said in " ".join([*told, *(v.message for v in done.decision.violations)])


def test_what_runs_there_knows_no_other_words() -> None:
    with pytest.raises(PolicyError) as caught:
        judged("scanned: 2h, running: {until: 2d}", policy=DRIFT)
    assert "what runs there knows no 'until'" in str(caught.value.diagnostics())


def test_an_image_is_imagined_in_its_registry_unless_the_test_says_otherwise() -> None:
    only = make_policy(r"images: {only: ['registry\.test/.*']}", "sbom: {}")
    image = "sbom: 2h, scanned: 2h, repository: registry.test/shop"
    assert judged(image, policy=only).failures == ()
    assert judged(f"{image}, repositories: []", "deny", policy=only).failures == ()
