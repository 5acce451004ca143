"""What claims of fact clear, what they do not, and that each says why."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate import inputs
from supplychain.gate.decision_document import from_document, to_document
from supplychain.gate.evaluate import evaluate
from supplychain.gate.policy import Policy
from supplychain.model.decision import Decision, Outcome, Verdict
from supplychain.model.digest import Digest
from supplychain.model.evidence import EvidenceKind
from supplychain.model.finding import Finding
from supplychain.model.subject import Subject
from supplychain.model.vex import VexProduct, VexStatement, VexStatus
from tests.kit.policies import (
    ARM_SUBJECT,
    CI,
    INDEX,
    OTHER_KEY,
    RELEASE_KEY,
    TRUST_CI,
    known,
    load,
    make_dossier,
    make_index,
    make_platform,
)
from tests.kit.scans import AT, SUBJECT, make_component, make_finding
from tests.kit.vex import CVE, IMAGE_PURL, make_statement

NOT, AFFECTED = VexStatus.NOT_AFFECTED, VexStatus.AFFECTED
FIXED, OPEN = VexStatus.FIXED, VexStatus.UNDER_INVESTIGATION
HEAD = """\
schemaVersion: 1
environment: prod
rules:
  - vulnerabilities: {severity: high}
"""
TRUST = "vex: {trust: {keys: [release.pub]}}\n"
HELD = "vex: {trust: {keys: [release.pub, other.pub]}, review: {reviewers: [alice, bob]%s}}\n"
CONTRADICTORY = """\
vex:
  trust: {keys: [a.pub]}
  review: {reviewers: [b], authors: {keys: [a.pub]}, first_party: {keys: [a.pub]}}
"""
DEB = "pkg:deb/debian/libssl3"
VERSION = "3.0.11-1~deb12u2"


def policy(vex: str = TRUST) -> Policy:
    return load(HEAD + vex)


def judge(*statements: VexStatement, vex: str = TRUST, finding: Finding | None = None) -> Decision:
    platform = make_platform(findings=[known(finding or make_finding())])
    dossier = replace(make_dossier(platform), statements=statements)
    return evaluate(dossier, policy(vex), subject=SUBJECT, environment="prod", at=AT)


def notes(decision: Decision) -> str:
    return "\n".join(note for v in decision.violations for note in v.notes)


def package(*packages: str) -> VexProduct:
    return VexProduct(digests=(SUBJECT.digest,), packages=packages)


@pytest.mark.parametrize("status", [NOT, FIXED])
def test_a_trusted_claim_clears_a_finding_and_says_whose_it_is(status: VexStatus) -> None:
    statement = make_statement(status=status)
    decision = judge(statement)
    assert decision.verdict is Verdict.ALLOW
    result = decision.results[1]
    assert result.outcome is Outcome.PASSED
    (note,) = result.notes
    for word in (CVE, "libssl3", str(status), "with release.pub", statement.name):
        assert word in note
    (cited,) = [e for e in decision.evidence if e.kind is EvidenceKind.VEX]
    assert cited.digest == statement.document
    assert cited.age_seconds == timedelta(days=1).total_seconds()
    assert from_document(to_document(decision)) == decision


@pytest.mark.parametrize("status", [AFFECTED, OPEN])
def test_what_says_that_something_is_wrong_clears_nothing(status: VexStatus) -> None:
    decision = judge(make_statement(status=status))
    assert decision.verdict is Verdict.DENY
    assert f"claimed: {status}" in notes(decision)


def test_nobody_is_believed_unless_the_policy_says_so() -> None:
    decision = judge(make_statement(), vex="")
    assert decision.verdict is Verdict.DENY
    assert "the policy believes nobody" in notes(decision)


def test_a_stranger_is_not_believed() -> None:
    decision = judge(make_statement(signers=(OTHER_KEY,)))
    assert decision.verdict is Verdict.DENY
    assert "does not count: not signed with release.pub" in notes(decision)


def test_an_identity_is_believed_by_what_it_is() -> None:
    statement = make_statement(identity=CI)
    trusted = f"vex: {{trust: {{identities: [{TRUST_CI}]}}}}\n"
    assert judge(statement, vex=trusted).verdict is Verdict.ALLOW
    assert judge(statement).verdict is Verdict.DENY


def test_all_of_several_have_to_have_signed_the_same_document() -> None:
    both = "vex: {trust: {all_of: [{keys: [release.pub]}, {keys: [other.pub]}]}}\n"
    assert judge(make_statement(signers=(RELEASE_KEY, OTHER_KEY)), vex=both).verdict == "allow"
    apart = [
        make_statement(signers=(RELEASE_KEY,), document=b"one"),
        make_statement(signers=(OTHER_KEY,), document=b"two"),
    ]
    assert judge(*apart, vex=both).verdict is Verdict.DENY


OTHER = Digest.of(b"another image")
NAMED = {
    "the image by digest": VexProduct(digests=(SUBJECT.digest,)),
    "the image by purl": VexProduct(purls=(IMAGE_PURL,)),
    "the image by both": VexProduct(purls=(IMAGE_PURL,), digests=(SUBJECT.digest,)),
    "its architecture": VexProduct(purls=(f"pkg:oci/web@{SUBJECT.digest}?arch=amd64",)),
    "its repository": VexProduct(purls=("pkg:oci/web?repository_url=registry.test/shop/web",)),
    "the image as docker's": VexProduct(purls=(f"pkg:docker/shop/web@{SUBJECT.digest}",)),
    "a package in it": package(DEB),
    "a version of a package in it": package(f"{DEB}@{VERSION}"),
    "one of several packages in it": package("pkg:npm/lodash", DEB),
    "a package": VexProduct(purls=(DEB,)),
    "a version of a package": VexProduct(purls=(f"{DEB}@{VERSION}",)),
    "a package for a distribution": VexProduct(purls=(f"{DEB}?distro=debian-12.5",)),
}
FOREIGN = {
    "another image": VexProduct(digests=(OTHER,)),
    "another image by purl": VexProduct(purls=(f"pkg:oci/web@{OTHER}",)),
    "two images at once": VexProduct(purls=(IMAGE_PURL,), digests=(OTHER,)),
    "a digest that is not compared": VexProduct(digests=(Digest("sha512", "0" * 128),)),
    "another architecture": VexProduct(purls=(f"pkg:oci/web@{SUBJECT.digest}?arch=arm64",)),
    "another repository": VexProduct(purls=("pkg:oci/web?repository_url=evil.test/shop/web",)),
    "a repository's last part": VexProduct(purls=("pkg:oci/web",)),
    "a tag": VexProduct(purls=("pkg:oci/web?repository_url=registry.test/shop/web&tag=1",)),
    "a tag as docker's": VexProduct(purls=("pkg:docker/shop/web@1.0",)),
    "another package in it": package("pkg:deb/debian/zlib1g"),
    "another version of the package in it": package(f"{DEB}@3.0.12"),
    "an unknown part of it": package("cpe:2.3:a:openssl:openssl:*"),
    "another distribution's package": VexProduct(purls=("pkg:deb/ubuntu/libssl3",)),
    "another release's package": VexProduct(purls=(f"{DEB}?distro=debian-11",)),
    "another epoch": VexProduct(purls=(f"{DEB}@{VERSION}?epoch=1",)),
    "another type of package": VexProduct(purls=("pkg:rpm/debian/libssl3",)),
    "a part of a package": VexProduct(purls=("pkg:npm/app@1",), packages=(DEB,)),
    "two packages at once": VexProduct(purls=(DEB, "pkg:deb/debian/zlib1g")),
    "a file of a package": VexProduct(purls=(DEB,), digests=(OTHER,)),
    "a name": VexProduct(names=("registry.test/shop/web",)),
}


@pytest.mark.parametrize("product", NAMED.values(), ids=NAMED)
def test_a_claim_clears_what_it_names(product: VexProduct) -> None:
    assert judge(make_statement(product)).verdict is Verdict.ALLOW


@pytest.mark.parametrize("product", FOREIGN.values(), ids=FOREIGN)
def test_a_claim_touches_only_what_it_names(product: VexProduct) -> None:
    decision = judge(make_statement(product))
    assert decision.verdict is Verdict.DENY
    assert "not about this" in notes(decision)


def test_by_a_repository_a_file_is_accused_and_never_cleared() -> None:
    """What a folder or a daemon's tag is called like is no reason to believe in it."""
    product = VexProduct(purls=("pkg:oci/web?repository_url=registry.test/shop/web",))

    def told(status: VexStatus, *repositories: str) -> Decision:
        platform = make_platform(findings=[known(make_finding())])
        found = replace(
            make_dossier(platform),
            statements=(make_statement(product, status=status),),
            repositories=repositories,
        )
        return evaluate(found, policy(), subject=SUBJECT, environment="prod", at=AT)

    assert told(NOT, SUBJECT.name).verdict is Verdict.ALLOW
    for elsewhere in ((), ("elsewhere.test/web",)):
        decision = told(NOT, *elsewhere)
        assert decision.verdict is Verdict.DENY
        assert "not about this" in notes(decision)
        assert f"claimed: {AFFECTED}" in notes(told(AFFECTED, *elsewhere))


def test_a_finding_without_purl_is_only_cleared_with_the_whole_image() -> None:
    bare = make_finding(purl="")
    assert judge(make_statement(), finding=bare).verdict is Verdict.ALLOW
    assert judge(make_statement(package(DEB)), finding=bare).verdict is Verdict.DENY


def test_an_index_stands_for_its_platforms_and_no_platform_for_another() -> None:
    dossier = make_index(findings=[known()])
    for product, verdict in {
        VexProduct(digests=(INDEX.digest,)): Verdict.ALLOW,
        VexProduct(digests=(ARM_SUBJECT.digest,)): Verdict.ALLOW,
        VexProduct(digests=(SUBJECT.digest,)): Verdict.DENY,
    }.items():
        told = replace(dossier, statements=(make_statement(product),))
        decision = evaluate(told, policy(), subject=INDEX, environment="prod", at=AT)
        assert decision.verdict is verdict


def test_what_is_attached_to_one_image_says_nothing_of_another() -> None:
    product = VexProduct(purls=(DEB,))
    elsewhere = Subject("registry.test/shop/web", OTHER)
    assert judge(make_statement(product, about=SUBJECT)).verdict is Verdict.ALLOW
    assert judge(make_statement(product, about=elsewhere)).verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("names", "finding", "verdict"),
    [
        (("CVE-9", CVE.lower()), make_finding(), Verdict.ALLOW),
        (("CVE-9",), make_finding(), Verdict.DENY),
        (("GHSA-1",), make_finding(aliases=("GHSA-1",)), Verdict.ALLOW),
        # Two vulnerabilities may share an advisory.
        (("CVE-9", "GHSA-1"), make_finding(aliases=("GHSA-1",)), Verdict.DENY),
        (("DSA-1",), make_finding(aliases=("DSA-1",)), Verdict.DENY),
    ],
)
def test_vulnerabilities_are_known_by_their_aliases(
    names: tuple[str, ...], finding: Finding, verdict: Verdict
) -> None:
    assert judge(make_statement(vulnerability=names), finding=finding).verdict is verdict


def test_of_claims_that_contradict_one_another_the_stricter_holds_and_both_are_shown() -> None:
    trusted = "vex: {trust: {keys: [release.pub, other.pub]}}\n"
    clears = make_statement()
    for status in (AFFECTED, OPEN):
        strict = make_statement(status=status, signers=(OTHER_KEY,))
        decision = judge(clears, strict, vex=trusted)
        assert decision.verdict is Verdict.DENY
        assert f"claimed: {status}" in notes(decision)
        assert "contradicted, and the stricter holds: not_affected" in notes(decision)
        assert judge(strict, clears, vex=trusted) == decision


def test_a_later_claim_replaces_an_earlier_one_of_the_same_author_about_the_same() -> None:
    early, late = AT - timedelta(days=9), AT - timedelta(days=1)
    trusted = "vex: {trust: {keys: [release.pub, other.pub]}}\n"
    bad = make_statement(status=AFFECTED, issued_at=early)
    assert judge(bad, make_statement(issued_at=late)).verdict is Verdict.ALLOW
    assert judge(make_statement(issued_at=early), replace_status(AFFECTED, late)).verdict == "deny"
    # At once, of another author, about another product: nothing is replaced.
    assert judge(bad, make_statement(issued_at=early)).verdict is Verdict.DENY
    other = make_statement(issued_at=late, signers=(OTHER_KEY,))
    assert judge(bad, other, vex=trusted).verdict is Verdict.DENY
    assert judge(bad, make_statement(package(DEB), issued_at=late)).verdict is Verdict.DENY


def replace_status(status: VexStatus, issued_at: object) -> VexStatement:
    made = make_statement(status=status)
    return replace(made, claim=replace(made.claim, issued_at=issued_at))  # type: ignore[arg-type]


def test_a_claim_from_the_future_clears_nothing_yet() -> None:
    later = AT + timedelta(days=1)
    decision = judge(make_statement(issued_at=later))
    assert "dated in the future" in notes(decision)
    assert decision.holds_until is not None
    assert AT < decision.holds_until < later


@pytest.mark.parametrize(
    ("review", "signer", "held"),
    [
        ("", RELEASE_KEY, True),
        (", authors: {keys: [other.pub]}", RELEASE_KEY, False),
        (", authors: {keys: [other.pub]}", OTHER_KEY, True),
        (", authors: {keys: [{file: other.pub, revoked: true}]}", OTHER_KEY, True),
        (", first_party: {keys: [other.pub]}", RELEASE_KEY, True),
        (", first_party: {keys: [other.pub]}", OTHER_KEY, False),
        (", first_party: {keys: [{file: other.pub, revoked: true}]}", OTHER_KEY, True),
    ],
)
def test_a_claim_is_held_until_somebody_named_accepts_it(
    review: str, signer: bytes, held: bool
) -> None:
    vex = HELD % review
    decision = judge(statement := make_statement(signers=(signer,)), vex=vex)
    assert (decision.verdict is Verdict.DENY) == held
    assert ("held for a review by alice or bob" in notes(decision)) == held
    assert (f"supplychain vex accept {statement.name}" in notes(decision)) == held
    accepted = make_statement(signers=(signer,), accepted_by=("bob",))
    assert judge(accepted, vex=vex).verdict is Verdict.ALLOW
    mallory = make_statement(signers=(signer,), accepted_by=("mallory",))
    assert (judge(mallory, vex=vex).verdict is Verdict.DENY) == held


def test_a_claim_that_something_is_wrong_needs_no_review() -> None:
    strict = make_statement(status=AFFECTED, signers=(OTHER_KEY,))
    accepted = make_statement(accepted_by=("alice",))
    assert judge(accepted, strict, vex=HELD % "").verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("vex", "words"),
    [
        ("vex: {}", ("vex needs 'trust'",)),
        ("vex: {trust: {}}", ("names nobody",)),
        ("vex: {trusted: {keys: [a.pub]}}", ("vex knows no 'trusted'", "did you mean trust?")),
        ("vex: {trust: {keys: [a.pub]}, review: {}}", ("review needs 'reviewers'",)),
        (
            CONTRADICTORY,
            ("authors and first_party contradict",),
        ),
    ],
)
def test_terms_that_are_wrong_are_refused(vex: str, words: tuple[str, ...]) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(vex)
    for word in words:
        assert word in f"{caught.value} {caught.value.because or ''}"
    assert re.search("prod.yaml:[5-7]:", str(caught.value))


def test_terms_are_kept_in_the_canonical_form() -> None:
    vex = HELD % ", first_party: {keys: [other.pub]}"
    read = policy(vex)
    assert load(read.canonical().decode()) == read
    assert read.digest != policy(TRUST).digest


def test_claims_are_kept_with_what_a_decision_was_made_from() -> None:
    dossier = replace(make_dossier(), statements=(make_statement(accepted_by=("alice",)),))
    kept = inputs.Inputs(SUBJECT, "prod", None, dossier)
    assert inputs.from_document(inputs.to_document(kept)) == kept


PRODUCTS = st.sampled_from([*NAMED.values(), *FOREIGN.values()])


@st.composite
def statements(draw: st.DrawFn, signer: bytes | None = None) -> VexStatement:
    who = signer or draw(st.sampled_from([RELEASE_KEY, OTHER_KEY]))
    return make_statement(
        draw(PRODUCTS),
        draw(st.sampled_from(list(VexStatus))),
        vulnerability=draw(st.sampled_from([(CVE,), ("CVE-1",), ("CVE-1", CVE)])),
        signers=(who,),
        about=draw(st.sampled_from([None, None, SUBJECT, ARM_SUBJECT])),
        issued_at=AT + timedelta(days=draw(st.integers(-5, 1))),
        accepted_by=draw(st.sampled_from([(), ("alice",), ("mallory",)])),
    )


VEX = st.sampled_from(["", TRUST, HELD % "", HELD % ", first_party: {keys: [release.pub]}"])
FINDING = st.sampled_from(
    [
        make_finding(),
        make_finding(vulnerability_id="CVE-1"),
        make_finding(make_component("zlib1g", "1.0")),
        make_finding(purl=""),
    ]
)


@given(st.lists(statements(), max_size=4), VEX, FINDING, statements(signer=b"nobody's key"))
def test_adding_a_strangers_claim_changes_no_verdict(
    before: list[VexStatement], vex: str, finding: Finding, stranger: VexStatement
) -> None:
    one = judge(*before, vex=vex, finding=finding)
    other = judge(*before, stranger, vex=vex, finding=finding)
    assert one.verdict is other.verdict
    assert one.evidence == other.evidence


@given(st.lists(statements(), max_size=4), VEX, FINDING, statements())
def test_adding_that_something_is_wrong_never_allows(
    before: list[VexStatement], vex: str, finding: Finding, strict: VexStatement
) -> None:
    # Later than all others, or it would say of its author what that one has since taken back.
    claim = replace(strict.claim, status=AFFECTED)
    strict = replace(strict, claim=claim, document=Digest.of(repr(claim).encode()))
    one = judge(*before, vex=vex, finding=finding)
    other = judge(*before, strict, vex=vex, finding=finding)
    assert (one.verdict, other.verdict) != (Verdict.DENY, Verdict.ALLOW)


@given(st.lists(statements(), max_size=5), VEX, FINDING, st.randoms())
def test_the_order_of_claims_changes_not_one_byte(
    before: list[VexStatement], vex: str, finding: Finding, random: object
) -> None:
    shuffled = list(before)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = judge(*before, vex=vex, finding=finding)
    assert to_document(one) == to_document(judge(*shuffled, vex=vex, finding=finding))


@given(st.lists(statements(), max_size=4), VEX)
def test_claims_about_other_vulnerabilities_and_products_clear_nothing(
    before: list[VexStatement], vex: str
) -> None:
    foreign = set(FOREIGN.values())
    about = [
        one
        for one in before
        if one.claim.products[0] in foreign or CVE not in one.claim.vulnerability
    ]
    assert judge(*about, vex=vex).verdict is Verdict.DENY
