"""What the rules about an image's past and its company demand, and when time mends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate.evaluate import evaluate
from supplychain.model.component import Component
from supplychain.model.decision import Decision, Outcome, Verdict
from supplychain.model.digest import Digest
from supplychain.model.dossier import Dossier, Running
from supplychain.model.evidence import EvidenceKind
from supplychain.model.history import Allowance, Approval, Deployment
from supplychain.model.subject import Subject
from tests.kit.happenings import HOUR, allowed, approved, ran, underway
from tests.kit.policies import (
    INDEX,
    make_attestation,
    make_dossier,
    make_index,
    make_platform,
    make_policy,
)
from tests.kit.scans import AT, SUBJECT, make_component

JUST = timedelta(microseconds=1)
FROM_STAGING = "promoted-from: {environment: staging, ran: 24h}"
OTHER = Subject(SUBJECT.name, Digest.of(b"what runs there"))


def judge(dossier: Dossier, *rules: str, after: timedelta = timedelta()) -> Decision:
    policy = make_policy(*rules)
    return evaluate(dossier, policy, subject=SUBJECT, environment="prod", at=AT + after)


def reason(decision: Decision) -> str:
    (violation,) = decision.violations
    return violation.message


class TestPromotedFrom:
    def test_it_ran_there_long_enough_and_was_allowed_there(self) -> None:
        dossier = replace(make_dossier(), deployments=(ran(),), allowances=(allowed(),))
        decision = judge(dossier, FROM_STAGING)
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[-1].summary == "ran in staging for 2 d"
        kinds = {e.kind for e in decision.evidence}
        assert kinds == {EvidenceKind.DEPLOYMENT, EvidenceKind.DECISION}

    @pytest.mark.parametrize(
        ("dossier", "said"),
        [
            (make_dossier(), "never ran in staging"),
            (replace(make_dossier(), allowances=(allowed(),)), "never ran in staging"),
            (
                replace(make_dossier(), deployments=(ran(),)),
                "ran in staging, but no decision allowed it there meanwhile",
            ),
            (
                replace(make_dossier(), deployments=(ran("dev"),), allowances=(allowed("dev"),)),
                "never ran in staging",
            ),
            (
                replace(
                    make_dossier(), deployments=(ran(),), allowances=(allowed(since=23 * HOUR),)
                ),
                "ran in staging, allowed, for 23 h, 1 d needed",
            ),
            (
                replace(
                    make_dossier(),
                    deployments=(ran(until=30 * HOUR),),
                    allowances=(allowed(since=40 * HOUR),),
                ),
                "ran in staging, allowed, for 10 h, 1 d needed",
            ),
            (
                # Two stretches of 23 hours are not one of 24.
                replace(
                    make_dossier(),
                    deployments=(ran(since=23 * HOUR), ran(since=60 * HOUR, until=37 * HOUR)),
                    allowances=(allowed(since=100 * HOUR),),
                ),
                "ran in staging, allowed, for 23 h, 1 d needed",
            ),
        ],
    )
    def test_anything_less_is_refused(self, dossier: Dossier, said: str) -> None:
        decision = judge(dossier, FROM_STAGING)
        assert decision.verdict is Verdict.DENY
        assert reason(decision) == said

    def test_it_says_from_when_time_alone_suffices(self) -> None:
        dossier = replace(
            make_dossier(), deployments=(ran(since=2 * HOUR),), allowances=(allowed(),)
        )
        denied = judge(dossier, FROM_STAGING)
        assert denied.holds_until == AT + 22 * HOUR - JUST
        assert judge(dossier, FROM_STAGING, after=22 * HOUR - JUST).verdict is Verdict.DENY
        assert judge(dossier, FROM_STAGING, after=22 * HOUR).verdict is Verdict.ALLOW

    def test_it_must_not_be_too_long_ago(self) -> None:
        dossier = replace(
            make_dossier(), deployments=(ran(until=10 * HOUR),), allowances=(allowed(),)
        )
        rule = "promoted-from: {environment: staging, ran: 24h, within: 12h}"
        decision = judge(dossier, rule)
        assert decision.verdict is Verdict.ALLOW
        assert decision.holds_until == AT + 2 * HOUR
        late = judge(dossier, rule, after=2 * HOUR + JUST)
        assert late.verdict is Verdict.DENY
        assert reason(late) == "ran in staging, allowed, for 1 d 14 h, but 12 h ago, limit 12 h"

    @pytest.mark.parametrize(("platforms", "counts"), [("linux/amd64", True), ("", False)])
    def test_one_platform_says_nothing_of_the_others(self, platforms: str, counts: bool) -> None:
        happened = replace(make_index(), deployments=(ran(),), allowances=(allowed(),))
        policy = make_policy(FROM_STAGING, platforms=platforms)
        decision = evaluate(happened, policy, subject=INDEX, environment="prod", at=AT)
        assert (decision.verdict is Verdict.ALLOW) == counts


class TestApproval:
    def test_those_who_may_have_approved_it(self) -> None:
        dossier = replace(make_dossier(), approvals=(approved("alice"), approved("bob")))
        decision = judge(dossier, "approval: {by: [alice, bob, carol], count: 2}")
        assert decision.verdict is Verdict.ALLOW
        assert {e.kind for e in decision.evidence} == {EvidenceKind.APPROVAL}
        assert len(decision.evidence) == 2

    @pytest.mark.parametrize(
        "approvals",
        [
            (),
            (approved("mallory"),),
            (approved(environment="staging"),),
            (approved(subject=OTHER),),
            (approved(withdrawn=HOUR / 2),),
            (approved(ago=-HOUR),),
            (approved(ago=8 * 24 * HOUR),),
        ],
        ids=["none", "a stranger", "elsewhere", "another", "withdrawn", "to come", "too old"],
    )
    def test_nothing_else_counts(self, approvals: tuple[object, ...]) -> None:
        dossier = replace(make_dossier(), approvals=approvals)  # type: ignore[arg-type]
        decision = judge(dossier, "approval: {by: [alice], max_age: 7d}")
        assert decision.verdict is Verdict.DENY
        assert reason(decision) == "approved by nobody, 1 needed of alice"

    def test_nobody_counts_twice(self) -> None:
        dossier = replace(make_dossier(), approvals=(approved(), approved(ago=2 * HOUR)))
        decision = judge(dossier, "approval: {by: [alice, bob], count: 2}")
        assert reason(decision) == "approved by alice 1 h ago, 2 needed of alice, bob"

    def test_it_ends_with_the_oldest_that_is_needed(self) -> None:
        dossier = replace(make_dossier(), approvals=(approved(), approved("bob", ago=3 * HOUR)))
        rule = "approval: {by: [alice, bob], count: 2, max_age: 12h}"
        decision = judge(dossier, rule)
        assert decision.holds_until == AT + 9 * HOUR
        assert judge(dossier, rule, after=9 * HOUR + JUST).verdict is Verdict.DENY

    def test_more_than_there_are_is_refused(self) -> None:
        with pytest.raises(PolicyError, match="2 have to approve, and 1 may"):
            make_policy("approval: {by: [alice, alice], count: 2}")


def _with(*components: Component, running: tuple[Component, ...] | None = None) -> Dossier:
    dossier = make_dossier(replace(make_platform(), components=components))
    if running is None:
        return dossier
    there = replace(make_platform(OTHER), components=running)
    return replace(dossier, running=Running(ran("prod", subject=OTHER), (there,)))


A, B = make_component("a", "1.0"), make_component("b", "1.0")
NEWER = replace(B, version="2.0", purl=B.purl.replace("1.0", "2.0"))


class TestDrift:
    @pytest.mark.parametrize(
        ("now", "before", "rule", "said"),
        [
            ((A, B), (A,), "{added: 0}", "1 packages added"),
            ((A,), (A, B), "{removed: 0}", "1 packages removed"),
            ((A, NEWER), (A, B), "{changed: 0}", "1 packages changed"),
            ((A, B, NEWER), (A, B), "{changed: 0}", "1 packages changed"),
        ],
    )
    def test_more_than_its_limit_is_refused(
        self, now: tuple[Component, ...], before: tuple[Component, ...], rule: str, said: str
    ) -> None:
        decision = judge(_with(*now, running=before), f"drift: {rule}")
        assert decision.verdict is Verdict.DENY
        assert reason(decision).startswith(said)
        more = judge(_with(*now, running=before), f"drift: {rule.replace('0', '1')}")
        assert more.verdict is Verdict.ALLOW

    def test_what_may_come_and_go_is_not_compared(self) -> None:
        pattern = A.purl.partition("@")[0]
        added = _with(A, B, running=(B,))
        rule = f"drift: {{added: 0, removed: 0, changed: 0, except_packages: ['{pattern}']}}"
        assert judge(added, rule).verdict is Verdict.ALLOW
        assert judge(_with(B, running=(A, B)), rule).verdict is Verdict.ALLOW
        assert reason(judge(_with(A, B, running=(A,)), rule)).startswith("1 packages added")
        # Of a range only what is certainly in it is left out; what nobody can name never is.
        ranged = rule.replace(pattern, f"{pattern}@2.0")
        assert judge(added, ranged).verdict is Verdict.DENY
        unnamed = _with(replace(A, purl=""), B, running=(B,))
        assert judge(unnamed, rule).verdict is Verdict.DENY

    def test_what_runs_there_already_has_not_drifted(self) -> None:
        dossier = replace(make_dossier(), running=Running(ran("prod"), ()))
        assert judge(dossier, "drift: {added: 0}").verdict is Verdict.ALLOW

    def test_the_first_of_its_repository(self) -> None:
        decision = judge(_with(A), "sbom: {}", "drift: {added: 0}")
        assert decision.verdict is Verdict.ALLOW
        assert decision.results[-1].outcome is Outcome.NOT_APPLICABLE
        assert judge(_with(A), "drift: {added: 0, first: false}").verdict is Verdict.DENY
        # Under the name of a file anything could be the first.
        local = replace(_with(A), repositories=())
        assert reason(judge(local, "sbom: {}", "drift: {added: 0}")).startswith("it is in no regis")
        alone = judge(_with(A), "drift: {added: 0}")
        assert reason(alone) == "no rule of the policy for prod applies to this image"

    def test_what_runs_there_has_to_be_known(self) -> None:
        unknown = replace(make_dossier(), running=Running(ran("prod", subject=OTHER), ()))
        decision = judge(unknown, "drift: {added: 5}")
        assert decision.verdict is Verdict.DENY
        assert "is not on record with a scan" in reason(decision)

    def test_it_has_to_demand_something(self) -> None:
        with pytest.raises(PolicyError, match="drift demands nothing"):
            make_policy("drift: {first: false}")


class TestPending:
    RULES = ("sbom: {}", "signature: {keys: [release.pub]}", "freshness: {scan: 24h}")

    def bare(self) -> Dossier:
        bare = make_platform(scan=None, sbom=None, attestations=())
        return replace(make_dossier(bare, attestations=()), underway=(underway(),))

    def test_what_is_being_made_is_waited_for(self) -> None:
        decision = judge(self.bare(), *self.RULES)
        assert decision.verdict is Verdict.PENDING
        assert decision.holds_until == AT + 59 * HOUR / 60 - JUST
        assert judge(self.bare(), *self.RULES, after=HOUR).verdict is Verdict.DENY

    def test_an_image_that_nobody_has_seen_before(self) -> None:
        unseen = Dossier(SUBJECT, (), (), underway=(underway(),))
        decision = judge(unseen, *self.RULES)
        assert decision.verdict is Verdict.PENDING
        assert reason(decision) == "nothing is recorded yet: run for 1 min"
        assert judge(unseen, *self.RULES, after=HOUR).verdict is Verdict.DENY

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            (f"images: {{digests: ['{SUBJECT.digest}']}}", "it is never allowed"),
            (r"images: {repositories: ['registry\.test/.*']}", "images from registry.test/"),
        ],
    )
    def test_what_is_never_allowed_is_not_waited_for(self, rule: str, said: str) -> None:
        """Neither the first time nor when something is known of it."""
        unseen = Dossier(replace(SUBJECT, name=""), (), (), underway=(underway(),))
        for dossier in (unseen, self.bare()):
            decision = judge(dossier, "sbom: {}", rule)
            assert decision.verdict is Verdict.DENY
            assert said in " ".join(v.message for v in decision.violations)

    def test_where_it_is_from_is_recorded_with_all_else(self) -> None:
        only = r"images: {only: ['registry\.test/.*']}"
        unseen = Dossier(SUBJECT, (), (), underway=(underway(),))
        assert judge(unseen, "sbom: {}", only).verdict is Verdict.PENDING
        elsewhere = replace(self.bare(), repositories=("elsewhere.test/web",))
        assert judge(elsewhere, "sbom: {}", only).verdict is Verdict.DENY

    def test_one_reason_beside_is_a_denial(self) -> None:
        dossier = replace(self.bare(), attestations=(make_attestation(key=b"a stranger's"),))
        waiting = judge(dossier, *self.RULES, "approval: {by: [alice]}")
        assert waiting.verdict is Verdict.DENY

    def test_how_long_a_denial_holds_is_nothing_that_is_under_way(self) -> None:
        """Else whoever asks again while a run goes on would have another decision."""
        rules = (*self.RULES, "approval: {by: [alice]}")
        alone = judge(replace(self.bare(), underway=()), *rules)
        beside = judge(self.bare(), *rules)
        assert (beside.verdict, alone.verdict) == (Verdict.DENY, Verdict.DENY)
        assert beside.holds_until == alone.holds_until

    def test_only_what_will_come_of_it_is_waited_for(self) -> None:
        dossier = replace(self.bare(), underway=(underway(EvidenceKind.SCAN),))
        assert judge(dossier, *self.RULES).verdict is Verdict.DENY
        assert judge(dossier, "freshness: {scan: 24h}").verdict is Verdict.PENDING


@given(
    st.lists(
        st.sampled_from([ran(), ran(since=20 * HOUR), ran("dev"), ran(until=30 * HOUR)]),
        unique=True,
    ),
    st.lists(
        st.sampled_from([allowed(), allowed(since=30 * HOUR), allowed(until=40 * HOUR)]),
        unique=True,
    ),
    st.lists(st.sampled_from([approved(), approved("bob"), approved("mallory")]), unique=True),
)
def test_taking_history_away_never_allows_and_its_order_is_nothing(
    deployments: list[Deployment], allowances: list[Allowance], approvals: list[Approval]
) -> None:
    rules = (FROM_STAGING, "approval: {by: [alice, bob], count: 2}")
    whole = replace(
        make_dossier(),
        deployments=tuple(deployments),
        allowances=tuple(allowances),
        approvals=tuple(approvals),
    )
    decision = judge(whole, *rules)
    for name in ("deployments", "allowances", "approvals"):
        kept = getattr(whole, name)
        assert judge(replace(whole, **{name: kept[::-1]}), *rules) == decision
        if kept and decision.verdict is Verdict.DENY:
            assert judge(replace(whole, **{name: kept[1:]}), *rules).verdict is Verdict.DENY
