"""Tokens of others: genuine ones are believed, forged ones are really forged and refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from supplychain.access.arriving import arrive
from supplychain.access.identity_tokens import read_unverified, verify
from supplychain.access.issuers import Issuers
from supplychain.errors import ForbiddenError, IdentityProviderError, UnauthenticatedError
from supplychain.model.access import Role, Scope, TrustRule
from tests.kit.issuer import Issuer, encoded, unsigned

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
URL = "https://ci.example"
SECOND = timedelta(seconds=1)
TWICE = b'{"iss":"a","iss":"b"}'
# Half a character, and what PostgreSQL holds in no text.
UNWRITABLE = ("https://\ud800.example", "https://ci.example\0")


class Net:
    """What issuers say, and how often somebody asked."""

    def __init__(self, *issuers: Issuer) -> None:
        self.issuers = {issuer.url: issuer for issuer in issuers}
        self.asked: list[str] = []
        self.is_down = False

    def get(self, url: str) -> Mapping[str, Any]:
        self.asked.append(url)
        for base, issuer in self.issuers.items():
            document = issuer.document(url.removeprefix(base)) if url.startswith(base) else None
            if document is not None and not self.is_down:
                return document
        raise IdentityProviderError("it is down")


@pytest.fixture
def ci() -> Issuer:
    made = Issuer(URL)
    made.turn("k1")
    return made


def believed(
    ci: Issuer, token: str, *, at: datetime = AT, issuers: Issuers | None = None
) -> Mapping[str, Any]:
    return verify(read_unverified(token), issuers or Issuers(Net(ci).get), issuer=URL, at=at)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_genuine_token_is_believed(ci: Issuer, algorithm: str) -> None:
    ci.turn("k2", algorithm)
    said = ci.claims(AT, repository_id="7")
    assert believed(ci, ci.token(said)) == said


def refused(ci: Issuer, token: str, why: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        believed(ci, token)
    assert why in (caught.value.because or "")
    assert not token or token not in f"{caught.value}{caught.value.because}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 1, ["RS256"]])
def test_what_nobody_signed_is_not_believed(ci: Issuer, algorithm: object) -> None:
    token = unsigned(ci.claims(AT), alg=algorithm, kid="k1")
    refused(ci, token, "not the form")
    refused(ci, f"{token}{encoded(b'x')}", "which is not accepted")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_secret(ci: Issuer, algorithm: str) -> None:
    """The classic confusion: signed by HMAC with the very key that the issuer publishes."""
    public = ci.keys["k1"][1].public_key()
    forms = serialization.PublicFormat
    hash_ = getattr(hashlib, f"sha{algorithm[2:]}")
    secrets = [
        public.public_bytes(serialization.Encoding.PEM, forms.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, forms.SubjectPublicKeyInfo),
        json.dumps(ci.jwks()["keys"][0]).encode(),
    ]
    for secret in secrets:
        signed = f"{encoded({'alg': algorithm, 'kid': 'k1'})}.{encoded(ci.claims(AT))}"
        signature = hmac.new(secret, signed.encode(), hash_).digest()
        refused(ci, f"{signed}.{encoded(signature)}", "which is not accepted")


def test_a_key_that_a_token_brings_along_is_not_looked_at(ci: Issuer) -> None:
    eve = Issuer(URL)
    eve.turn("k1")
    brought = {"jwk": eve.jwks()["keys"][0], "jku": "https://eve.example/jwks", "x5u": "https://e"}
    net = Net(ci)
    with pytest.raises(UnauthenticatedError, match="does not hold"):
        believed(ci, eve.token(eve.claims(AT), headers=brought), issuers=Issuers(net.get))
    assert all(url.startswith(URL) for url in net.asked)


def test_one_kind_of_key_signs_for_no_other(ci: Issuer) -> None:
    ci.turn("e1", "ES256", drop=False)
    refused(ci, ci.token(ci.claims(AT), kid="e1", headers={"kid": "k1"}), "no such key")
    ci.turn("ed", "EdDSA", drop=False)
    refused(ci, ci.token(ci.claims(AT), kid="ed", headers={"kid": "e1"}), "no such key")


def test_a_token_that_was_changed_does_not_hold(ci: Issuer) -> None:
    head, _, signature = ci.token(ci.claims(AT)).split(".")
    refused(ci, f"{head}.{encoded(ci.claims(AT, repository_id='8'))}.{signature}", "not signed")


def test_a_key_too_short_signs_nothing(ci: Issuer) -> None:
    ci.keys["k1"] = "RS256", rsa.generate_private_key(65537, 1024)
    refused(ci, ci.token(ci.claims(AT)), "not signed")


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", {"kty": "oct", "k": encoded(b"secret" * 8), "alg": "HS256"}),
        ("RS256", {"kty": "RSA", "n": 1, "e": "AQAB"}),
        ("RS256", {"kty": ["RSA"], "use": {}}),
        ("ES256", {"kty": "EC", "crv": ["P-256"]}),
        ("EdDSA", {"kty": "OKP", "crv": {}}),
    ],
)
def test_keys_that_are_none_sign_nothing(
    ci: Issuer, algorithm: str, key: Mapping[str, object]
) -> None:
    class Published(Net):
        def get(self, url: str) -> Mapping[str, Any]:
            said = super().get(url)
            return {"keys": [{"kid": "k1", **key}]} if "keys" in said else said

    ci.turn("k1", algorithm)
    with pytest.raises(UnauthenticatedError):
        believed(ci, ci.token(ci.claims(AT)), issuers=Issuers(Published(ci).get))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": None}, "not when it ends"),
        ({"exp": "2030"}, "no time"),
        ({"exp": True}, "no time"),
        ({"exp": float("inf")}, "no time"),
        ({"exp": -1}, "no time"),
        ({"exp": 10**30}, "no time"),
        ({"exp": 10**400}, "no time"),
        ({"exp": float("nan")}, "no time"),
        ({"nbf": 10**400}, "no time"),
        ({"exp": int(AT.timestamp()) - 61}, "is over"),
        ({"nbf": int(AT.timestamp()) + 61}, "not valid yet"),
        ({"iat": int(AT.timestamp()) + 61}, "not valid yet"),
        ({"nbf": "now"}, "no time"),
        ({"iss": f"{URL}/"}, "another issuer"),
        ({"iss": [URL]}, "another issuer"),
        ({"iss": None}, "another issuer"),
    ],
)
def test_what_is_over_not_begun_or_anothers_is_refused(
    ci: Issuer, claims: dict[str, object], why: str
) -> None:
    said = {name: value for name, value in ci.claims(AT, **claims).items() if value is not None}
    head = encoded({"alg": "RS256", "kid": "k1"})
    import jwt

    try:
        token = ci.token(said)
    except (TypeError, jwt.exceptions.PyJWTError):
        token = f"{head}.{encoded(said)}.{encoded(b'x')}"
    refused(ci, token, why)


def test_clocks_may_be_a_little_apart(ci: Issuer) -> None:
    token = ci.token(ci.claims(AT))
    believed(ci, token, at=AT - 59 * SECOND)
    believed(ci, token, at=AT + 659 * SECOND)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a" * 20_000,
        f"{encoded({'alg': 'RS256'})}.{encoded(b'{')}.{encoded(b'x')}",
        f"{encoded(b'[]')}.{encoded({})}.{encoded(b'x')}",
        f"{encoded(b'[' * 9000)}.{encoded({})}.{encoded(b'x')}",
        f"{encoded({'alg': 'RS256'})}.{encoded(TWICE)}.{encoded(b'x')}",
        f"{encoded({'alg': 'RS256'})}=.{encoded({})}.{encoded(b'x')}",
        f"{encoded({'alg': 'RS256'})}.{encoded(chr(0xFF).encode('latin-1'))}.{encoded(b'x')}",
        f"{encoded({'alg': 'RS256'})}.{encoded({})}.é",
        *(f"{encoded({'alg': 'RS256'})}.{encoded({'iss': text})}.eA" for text in UNWRITABLE),
        *(f"{encoded({'alg': 'RS256'})}.{encoded({'a': {text: 1}})}.eA" for text in UNWRITABLE),
    ],
)
def test_what_has_no_form_or_two_is_refused(ci: Issuer, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        believed(ci, token)


@pytest.mark.parametrize(
    "headers", [{"crit": ["exp"]}, {"typ": "logout+jwt"}, {"kid": 7}, {"kid": "x" * 501}]
)
def test_heads_that_demand_or_mean_something_else_are_refused(
    ci: Issuer, headers: dict[str, object]
) -> None:
    _, body, signature = ci.token(ci.claims(AT)).split(".")
    head = encoded({"alg": "RS256", "kid": "k1", **headers})
    with pytest.raises(UnauthenticatedError):
        believed(ci, f"{head}.{body}.{signature}")


def test_keys_that_turn_are_asked_for_once(ci: Issuer) -> None:
    net = Net(ci)
    issuers = Issuers(net.get)
    believed(ci, ci.token(ci.claims(AT)), issuers=issuers)
    believed(ci, ci.token(ci.claims(AT)), issuers=issuers)
    assert len(net.asked) == 2, "what it says of itself, and its keys"

    ci.turn("k2")
    later = AT + timedelta(minutes=1)
    believed(ci, ci.token(ci.claims(later)), at=later, issuers=issuers)
    assert len(net.asked) == 4

    # Somebody who makes up names of keys lets nobody ask without end.
    ci_eve = Issuer(URL)
    for number in range(20):
        ci_eve.turn(f"made-up-{number}")
        with pytest.raises(UnauthenticatedError):
            believed(ci, ci_eve.token(ci.claims(later)), at=later + SECOND, issuers=issuers)
    assert len(net.asked) == 4


def test_an_issuer_that_is_down_for_a_moment_locks_nobody_out(ci: Issuer) -> None:
    net = Net(ci)
    issuers = Issuers(net.get)
    token = ci.token(ci.claims(AT, exp=int(AT.timestamp()) + 9000))
    believed(ci, token, issuers=issuers)
    net.is_down = True
    believed(ci, token, at=AT + timedelta(minutes=50), issuers=issuers)
    with pytest.raises(IdentityProviderError):
        believed(ci, token, at=AT + timedelta(minutes=61), issuers=issuers)


def test_an_issuer_that_is_down_lets_nobody_in(ci: Issuer) -> None:
    net = Net(ci)
    net.is_down = True
    issuers = Issuers(net.get)
    for _ in range(2):
        with pytest.raises(IdentityProviderError) as caught:
            believed(ci, ci.token(ci.claims(AT)), issuers=issuers)
        assert caught.value.retryable
    assert len(net.asked) == 1
    net.is_down = False
    believed(ci, ci.token(ci.claims(AT)), at=AT + timedelta(seconds=31), issuers=issuers)


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://eve.example"},
        {"issuer": f"{URL}/"},
        {"jwks_uri": "http://ci.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://ci.example/kéys"},
        {"jwks_uri": "https://ci.example/a b"},
        {"jwks_uri": None},
    ],
)
def test_an_issuer_that_says_something_odd_of_itself_is_not_believed(
    ci: Issuer, says: dict[str, object]
) -> None:
    ci.says = says
    with pytest.raises(IdentityProviderError):
        believed(ci, ci.token(ci.claims(AT)))


def rule(name: str = "shop", **more: Any) -> TrustRule:
    own: dict[str, Any] = {
        "issuer": URL,
        "audience": "supplychain",
        "claims": (("repository_id", ("7",)),),
        "scope": Scope((Role.SUBMITTER,), ("default",)),
        "lifetime": timedelta(minutes=15),
        "jwks_url": "",
        "created_at": AT,
        "created_by": "root",
    }
    return TrustRule(name=name, **{**own, **more})


def test_a_job_arrives_by_the_rule_that_its_token_fits(ci: Issuer) -> None:
    token = read_unverified(ci.token(ci.claims(AT, repository_id="7")))
    found = arrive(token, [rule()], Issuers(Net(ci).get), at=AT)
    assert found.rule.name == "shop"
    other = read_unverified(ci.token(ci.claims(AT, repository_id="8")))
    with pytest.raises(ForbiddenError):
        arrive(other, [rule()], Issuers(Net(ci).get), at=AT)
    wrong = read_unverified(ci.token(ci.claims(AT, repository_id="7", aud="other")))
    with pytest.raises(ForbiddenError):
        arrive(wrong, [rule()], Issuers(Net(ci).get), at=AT)


def test_an_issuer_that_nobody_trusts_is_not_even_asked(ci: Issuer) -> None:
    eve = Issuer("https://eve.example")
    eve.turn("k1")
    net = Net(ci, eve)
    token = read_unverified(eve.token(eve.claims(AT, repository_id="7")))
    with pytest.raises(UnauthenticatedError, match="nobody here trusts"):
        arrive(token, [rule()], Issuers(net.get), at=AT)
    assert net.asked == []


def test_keys_of_one_place_let_nobody_in_by_a_rule_for_another(ci: Issuer) -> None:
    elsewhere = Issuer("https://keys.example")
    elsewhere.turn("k1")
    net = Net(ci, elsewhere)
    forged = Issuer(URL, keys=elsewhere.keys)
    token = read_unverified(forged.token(forged.claims(AT, repository_id="7")))
    own = rule("own", jwks_url="https://keys.example/jwks", claims=(("repository_id", ("9",)),))
    with pytest.raises(ForbiddenError):
        arrive(token, [rule(), own], Issuers(net.get), at=AT)
