"""Whom a policy means by an identity: that one, from that issuer, and nobody who looks like it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.errors import PolicyError
from supplychain.gate.authorities import trusted_by
from supplychain.gate.identities import TrustedIdentity, kind_of
from supplychain.gate.patterns import matches
from supplychain.model.identity import Identity, NameKind
from tests.kit.policies import CI, GITHUB, PERSON, TRUST_CI, load, make_policy

REPOSITORY = "https://github.com/acme/shop"
texts = st.text(max_size=30)


def refused(rule: str) -> str:
    with pytest.raises(PolicyError) as caught:
        make_policy(rule)
    return f"{caught.value} {caught.value.because or ''}"


def test_an_identity_is_a_name_from_an_issuer() -> None:
    trusted = TrustedIdentity(identity=CI.name, issuer=CI.issuer)
    assert trusted.accepts(CI)
    assert not trusted.accepts(replace(CI, issuer="https://nobody.invalid"))
    assert not trusted.accepts(replace(CI, issuer=f"{CI.issuer}/"))
    assert not trusted.accepts(replace(CI, name=CI.name.upper()))
    assert not trusted.accepts(PERSON)


@pytest.mark.parametrize(
    ("pattern", "name", "accepted"),
    [
        (f"{REPOSITORY}/.*", f"{REPOSITORY}/x", True),
        (f"{REPOSITORY}/.*", f"https://nobody.invalid/{REPOSITORY}/x", False),
        (f"{REPOSITORY}", f"{REPOSITORY}-evil", False),
        (f"{REPOSITORY}|x", f"{REPOSITORY}/y", False),
        (f"^{REPOSITORY}/.*$", f"{REPOSITORY}/x", True),
        (f"{REPOSITORY}/.*", f"{REPOSITORY}/x\nhttps://nobody.invalid", False),
        (f"(?i){REPOSITORY}", REPOSITORY.upper(), True),
        (r".*@acme\.example", "ann@acme.example", True),
        (r"ann@acme\.example", "ann@acme.example.evil.test", False),
        (r"ann@acme\.example", "joann@acme.example", False),
        (r"a|b@acme\.example", "a", True),
        (r"a|b@acme\.example", "a@evil.test", False),
        (r"ann@acme\.example$", "ann@acme.example\n", False),
    ],
)
def test_a_pattern_matches_the_whole_name(pattern: str, name: str, accepted: bool) -> None:
    trusted = TrustedIdentity(identity_regexp=pattern, issuer=GITHUB)
    assert trusted.accepts(Identity(name, NameKind.URI, GITHUB)) is accepted


def test_a_pattern_for_issuers_matches_the_whole_issuer() -> None:
    trusted = TrustedIdentity(
        identity="a@b.c", issuer_regexp=r"https://login\.acme\.example/[a-z]+"
    )
    for issuer, accepted in (
        ("https://login.acme.example/eu", True),
        ("https://login.acme.example/eu/", False),
        ("https://nobody.invalid/https://login.acme.example/eu", False),
    ):
        assert trusted.accepts(Identity("a@b.c", NameKind.EMAIL, issuer)) is accepted


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (CI.name, NameKind.URI),
        ("spiffe://acme.example/ns/ci", NameKind.URI),
        ("release@acme.example", NameKind.EMAIL),
        ("first.last+tag@acme.example", NameKind.EMAIL),
        ("build!acme.example", NameKind.OTHER),
        ("build@x!acme.example", NameKind.OTHER),
        ("runner", NameKind.OTHER),
    ],
)
def test_a_name_has_its_kind_by_its_form(name: str, kind: NameKind) -> None:
    trusted = TrustedIdentity(identity=name, issuer=GITHUB)
    assert kind_of(name) is kind
    for one in NameKind:
        assert trusted.accepts(Identity(name, one, GITHUB)) is (one is kind)


def test_a_kind_can_be_said() -> None:
    trusted = TrustedIdentity(identity="a@b.c", issuer=GITHUB, kind=NameKind.OTHER)
    assert trusted.accepts(Identity("a@b.c", NameKind.OTHER, GITHUB))
    assert not trusted.accepts(Identity("a@b.c", NameKind.EMAIL, GITHUB))
    any_kind = TrustedIdentity(identity_regexp=r"a@b\.c", issuer=GITHUB)
    assert all(any_kind.accepts(Identity("a@b.c", kind, GITHUB)) for kind in NameKind)


def test_every_claim_has_to_be_said_exactly() -> None:
    claims = (("source_repository_ref", "refs/heads/main"), ("source_repository_uri", REPOSITORY))
    trusted = TrustedIdentity(identity=CI.name, issuer=CI.issuer, claims=claims)
    assert trusted.accepts(CI)
    assert trusted.accepts(replace(CI, claims=(*CI.claims, ("run_invocation_uri", "x"))))
    assert not trusted.accepts(replace(CI, claims=CI.claims[:1]))
    assert not trusted.accepts(replace(CI, claims=()))
    other = (("source_repository_ref", "refs/heads/main2"), CI.claims[1])
    assert trusted.why_not(replace(CI, claims=other)) == (
        "source_repository_ref is refs/heads/main2, not refs/heads/main"
    )


def test_a_policy_says_all_of_it_and_keeps_it() -> None:
    policy = make_policy(
        "signature: {identities: [{identity_regexp: 'https://github.com/acme/.*', "
        f"issuer: {GITHUB}, kind: uri, name: CI, not_before: 2026-01-01T02:00:00+02:00, "
        "claims: {source_repository_ref: refs/heads/main}}]}"
    )
    (identity,) = trusted_by(policy.rules[0].rule)
    assert isinstance(identity, TrustedIdentity)
    assert str(identity) == "CI"
    assert identity.window == "from 2026-01-01T00:00:00Z"
    assert identity.accepts(CI)
    assert load(policy.canonical().decode()) == policy
    (rule,) = json.loads(policy.canonical())["rules"]
    assert rule["signature"]["identities"] == [
        {
            "identity_regexp": "https://github.com/acme/.*",
            "issuer": GITHUB,
            "kind": "uri",
            "name": "CI",
            "not_before": "2026-01-01T00:00:00Z",
            "claims": {"source_repository_ref": "refs/heads/main"},
        }
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{identity: a@b.c}", "an identity needs one of 'issuer' and 'issuer_regexp'"),
        ("{issuer: https://x}", "an identity needs one of 'identity' and 'identity_regexp'"),
        ("{identity: '', issuer: https://x}", "needs one of 'identity' and 'identity_regexp'"),
        ("{identity: a@b.c, issuer: ''}", "needs one of 'issuer' and 'issuer_regexp'"),
        (
            "{identity: a@b.c, identity_regexp: a.*, issuer: https://x}",
            "an identity needs one of 'identity' and 'identity_regexp'",
        ),
        ("{identity_regexp: '', issuer: https://x}", "the pattern is empty"),
        (f"{{identity_regexp: {'x' * 2001}, issuer: https://x}}", "longer than any"),
        ("{identity_regexp: '(a', issuer: https://x}", "'(a' is not a pattern: missing )"),
        ("{identity_regexp: '(?=a)', issuer: https://x}", "is not a pattern: invalid perl"),
        ("{identity: a@b.c, issuer_regexp: .*}", "the pattern '.*' takes any issuer"),
        ("{identity: a@b.c, issuer_regexp: https://.+}", "takes any issuer"),
        ("{identity_regexp: .*, issuer_regexp: .*}", "takes any issuer"),
        (f"{{identity_regexp: .*, issuer: {GITHUB}}}", "takes anybody in the world"),
        (f"{{identity_regexp: '^.+$', issuer: {GITHUB}}}", "takes anybody in the world"),
        (
            f"{{identity_regexp: 'https://github.com/.*', issuer: {GITHUB}}}",
            "takes anybody in the world",
        ),
        (
            "{identity_regexp: '[^@]+@[^@]+', issuer: https://accounts.google.com}",
            "takes anybody in the world",
        ),
        (f"{TRUST_CI[:-1]}, claims: {{}}}}", "expected claims, found a mapping"),
        (
            f"{TRUST_CI[:-1]}, claims: {{source_repository: x}}}}",
            "'source_repository' is no claim; did you mean source_repository",
        ),
        (f"{TRUST_CI[:-1]}, claims: {{build_trigger: ''}}}}", "the claim build_trigger is empty"),
        (f"{TRUST_CI[:-1]}, kind: dns}}", "'dns' is not a kind of name"),
        (
            f"{TRUST_CI[:-1]}, not_before: 2026-02-01T00:00:00Z, not_after: 2026-01-01T00:00:00Z}}",
            "ends before it begins",
        ),
        (f"{TRUST_CI}, {TRUST_CI[:-1]}, revoked: true}}", "is named twice"),
    ],
)
def test_whoever_names_nobody_or_everybody_is_told_so(entry: str, expected: str) -> None:
    assert expected in refused(f"signature: {{identities: [{entry}]}}")


def test_anybody_of_an_issuer_of_ones_own_can_be_meant() -> None:
    own = TrustedIdentity(identity_regexp=".*", issuer="https://gitlab.acme.example")
    assert own.accepts(Identity("x", NameKind.URI, "https://gitlab.acme.example"))
    claimed = TrustedIdentity(
        identity_regexp=".*", issuer=GITHUB, claims=(("source_repository_uri", REPOSITORY),)
    )
    assert claimed.accepts(CI)


def test_a_pattern_takes_time_in_proportion_to_the_text() -> None:
    # Python's own engine would take longer than the world is old.
    assert not matches("(a|a)*b", "a" * 100_000)


@given(texts, st.sampled_from(NameKind), texts)
def test_an_identity_is_accepted_or_told_why_not(name: str, kind: NameKind, issuer: str) -> None:
    identity = Identity(name, kind, issuer)
    for trusted in (
        TrustedIdentity(identity=CI.name, issuer=CI.issuer),
        TrustedIdentity(identity_regexp="[a-m]*", issuer="https://own.example"),
    ):
        assert not trusted.accepts(identity)
        assert trusted.why_not(identity)
    if name and issuer:
        same = TrustedIdentity(identity=name, issuer=issuer, kind=kind)
        assert same.accepts(identity)
