"""Rules of trust: what is safe to have, and which token fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.access.trust import GITHUB, fits, require_rule, rule_for
from supplychain.errors import ForbiddenError, InputError
from supplychain.model.access import Role, Scope, TrustRule

RULE = TrustRule(
    name="shop",
    issuer=GITHUB,
    audience="supplychain",
    claims=(("repository_id", ("7421",)), ("environment", ("release", "staging"))),
    scope=Scope((Role.SUBMITTER,), ("default",)),
    lifetime=timedelta(minutes=15),
    jwks_url="",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    created_by="root",
)
GITLAB = "https://gitlab.com"
CLAIMS = {"aud": "supplychain", "repository_id": "7421", "environment": "release", "sub": "repo:x"}


def test_a_good_rule_is_taken() -> None:
    require_rule(RULE)
    require_rule(replace(RULE, issuer=GITLAB, claims=(("project_id", ("42",)),)))
    kubernetes = (("sub", ("system:serviceaccount:argo:deploy",)),)
    require_rule(replace(RULE, issuer="https://kubernetes.default.svc", claims=kubernetes))
    require_rule(replace(RULE, issuer="http://127.0.0.1:8080/realm", claims=kubernetes))


@pytest.mark.parametrize(
    "bad",
    [
        {"issuer": "http://token.actions.example"},
        {"issuer": "token.actions.githubusercontent.com"},
        {"issuer": "https://user:pw@ci.example"},
        {"issuer": "file:///etc/passwd"},
        {"issuer": "https://[::1"},
        {"jwks_url": "http://keys.example/jwks"},
        {"audience": ""},
        {"name": "../x"},
        {"claims": ()},
        {"claims": (("environment", ("release",)),)},  # anybody's environment may be called so
        {"claims": (("sub", ("repo:o/r:ref:refs/heads/main",)), ("repository_id", ("1",)))},
        {"issuer": GITLAB, "claims": (("namespace_path", ("group",)),)},
        {"claims": (("repository_id", ()),)},
        {"claims": (("repository_id", ("",)),)},
        {"claims": (("repository_id", ("7421",)), ("ref", ("refs/heads/*",)))},
        {"claims": (("repository_id", ("1",)), ("repository_id", ("2",)))},
        {"claims": (("reposi tory", ("1",)), ("repository_id", ("2",)))},
        {"scope": Scope((Role.ADMIN,), None)},
        {"scope": Scope((Role.WAIVER_APPROVER,), None)},
        {"scope": Scope((Role.VIEWER,), ())},
        {"lifetime": timedelta(seconds=30)},
        {"lifetime": timedelta(hours=13)},
    ],
)
def test_a_rule_that_trusts_more_than_somebody_means_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        require_rule(replace(RULE, **bad))  # type: ignore[arg-type]


def test_a_token_fits_that_says_all_of_it() -> None:
    assert fits(RULE, CLAIMS)
    assert fits(RULE, {**CLAIMS, "environment": "staging", "aud": ["other", "supplychain"]})


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"aud": "supplychain2"},
        {"repository_id": "74211"},
        {"repository_id": 7421},
        {"repository_id": ["7421"]},
        {"repository_id": None},
        {"environment": "Release"},
        {"environment": "release "},
        {"environment": True},
    ],
)
def test_claims_are_compared_whole_and_as_text(changed: dict[str, object]) -> None:
    assert not fits(RULE, {**CLAIMS, **changed})


def test_text_of_gitlabs_is_not_a_truth_value() -> None:
    rule = replace(RULE, claims=(("ref_protected", ("true",)),))
    assert fits(rule, {"aud": "supplychain", "ref_protected": "true"})
    assert not fits(rule, {"aud": "supplychain", "ref_protected": True})


def test_a_pointer_leads_into_what_kubernetes_says() -> None:
    rule = replace(RULE, claims=(("/kubernetes.io/serviceaccount/uid", ("u-1",)),))
    said = {"aud": ["supplychain"], "kubernetes.io": {"serviceaccount": {"uid": "u-1"}}}
    assert fits(rule, said)
    assert not fits(rule, {**said, "kubernetes.io": {"serviceaccount": "u-1"}})
    assert not fits(rule, {**said, "kubernetes.io": {}})
    escaped = replace(RULE, claims=(("/a~1b/c~0d", ("x",)),))
    assert fits(escaped, {"aud": "supplychain", "a/b": {"c~d": "x"}})


def test_the_one_rule_that_fits_is_found_or_has_to_be_named() -> None:
    wide = replace(RULE, name="wide", claims=(("repository_id", ("7421",)),))
    assert rule_for([RULE], CLAIMS) == RULE
    assert rule_for([RULE, wide], CLAIMS, "wide") == wide
    with pytest.raises(ForbiddenError, match="several"):
        rule_for([RULE, wide], CLAIMS)
    with pytest.raises(ForbiddenError, match="no rule"):
        rule_for([RULE, wide], CLAIMS, "other")
    with pytest.raises(ForbiddenError, match="no rule") as refused:
        rule_for([RULE], {**CLAIMS, "repository_id": "1"})
    assert "7421" not in f"{refused.value} {refused.value.because}"
