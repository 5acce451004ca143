"""Signing as an identity, with services that behave and with services that do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sigstore.hashes import Hashed
from sigstore.models import Bundle as TheirBundle
from sigstore.models import TrustedRoot as TheirRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity as TheirIdentity
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.trustroot.v1 import TrustedRoot as RootMessage

from supplychain.errors import ConfigurationError, InputError, LimitError, SigstoreError
from supplychain.model.digest import Digest
from supplychain.model.identity import NameKind
from supplychain.signing import dsse
from supplychain.signing.keyless import tokens
from supplychain.signing.keyless.exchange import Patience
from supplychain.signing.keyless.services import Instance
from supplychain.signing.keyless.signer import KeylessSigner
from tests.kit.json_server import Reply
from tests.kit.sigstore import Forge
from tests.kit.sigstore_services import (
    CLOCK,
    FULCIO,
    REKOR_1,
    REKOR_2,
    Asked,
    Services,
    chain_of,
    sigstore_services,
)
from tests.kit.tokens import ISSUER, identity_token

ANN = "ann@example.com"
# No name, and white space that no library would write: what is signed is what was given.
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%b"}}],'
    b'"predicateType":"https://sigstore.dev/cosign/sign/v1",  "predicate":{}}' % (b"a" * 64)
)


@pytest.fixture
def services() -> Iterator[Services]:
    with sigstore_services() as running:
        yield running


def signer(
    services: Services, *, config: bytes | None = None, root: bytes | None = None
) -> KeylessSigner:
    instance = Instance.parse(root or services.root, config or services.config())
    patience = Patience(sleep=lambda _: None)
    return KeylessSigner(instance, lambda: tokens.read(identity_token(), "here"), patience)


def once(path: str, reply: Reply) -> Callable[[Asked], Reply | None]:
    """An answer to the first request to a path, and to no other."""
    left = [reply]
    return lambda asked: left.pop() if asked.path == path and left else None


def always(path: str, reply: Reply) -> Callable[[Asked], Reply | None]:
    """The same answer to every request to a path."""
    return lambda asked: reply if asked.path == path else None


@pytest.mark.parametrize(
    ("version", "clock", "log"), [(2, True, REKOR_2), (1, True, REKOR_1), (1, False, REKOR_1)]
)
def test_sigstore_s_own_library_verifies_what_is_signed(
    services: Services, version: int, clock: bool, log: str
) -> None:
    made = signer(services, config=services.config(version, clock=clock))
    sealed = made.seal(STATEMENT)
    blob = made.sign_blob(Digest.of(b"a file"))
    verifier, ann = _theirs(services)
    assert verifier.verify_dsse(TheirBundle.from_json(sealed), ann) == (
        dsse.PAYLOAD_TYPE,
        STATEMENT,
    )
    hashed = Hashed(
        algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(Digest.of(b"a file").hex)
    )
    verifier.verify_artifact(hashed, TheirBundle.from_json(blob), ann)
    stamped = [CLOCK] if clock else []
    assert services.paths() == [FULCIO, *stamped, log, *stamped, log]


def test_who_signs_is_known_before_anything_is_signed(services: Services) -> None:
    made = signer(services)
    assert services.asked == []
    assert (made.identity.name, made.identity.kind) == (ANN, NameKind.EMAIL)
    assert made.identity.issuer == ISSUER
    assert services.paths() == [FULCIO]


def test_a_certificate_serves_until_it_is_about_to_end(services: Services) -> None:
    clock = [datetime.now(UTC)]
    instance = Instance.parse(services.root, services.config(1))
    patience = Patience(lambda _: None, lambda: clock[0])
    asked: list[int] = []

    def identify() -> object:
        asked.append(1)
        return tokens.read(identity_token(), "here")

    made = KeylessSigner(instance, identify, patience)  # type: ignore[arg-type]
    for _ in range(3):
        made.seal(STATEMENT)
    assert (services.paths().count(FULCIO), len(asked)) == (1, 1)
    clock[0] += timedelta(minutes=9, seconds=30)
    made.seal(STATEMENT)
    assert (services.paths().count(FULCIO), len(asked)) == (2, 2)


def test_a_large_statement_is_signed_and_a_larger_one_is_not(services: Services) -> None:
    made = signer(services)
    payload = STATEMENT.replace(b"{}}", b'{"a":"%b"}}' % (b"x" * 5_000_000))
    assert base64.b64decode(json.loads(made.seal(payload))["dsseEnvelope"]["payload"]) == payload
    with pytest.raises(LimitError, match="at most"):
        made.seal(b" " * (dsse.PAYLOAD_LIMIT + 1))
    with pytest.raises(InputError, match="cannot be signed"):
        made.sign_blob(Digest("sha512", "a" * 128))


@pytest.mark.parametrize("path", [FULCIO, REKOR_2, CLOCK])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, headers={"Retry-After": "1"}),
        Reply(500, {"code": 13, "message": "try again"}),
        Reply(503, b"<html>"),
        Reply(200, b'{"cut', headers={"Content-Length": "5000"}),
    ],
    ids=["busy", "failing", "restarting", "cut off"],
)
def test_what_may_pass_passes(services: Services, path: str, reply: Reply) -> None:
    services.instead = once(path, reply)
    signer(services).seal(STATEMENT)
    assert services.paths().count(path) == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (FULCIO, "the certificate authority"),
        (REKOR_2, "the transparency log"),
        (CLOCK, "the timestamp authority"),
    ],
)
def test_a_service_that_stays_down_is_named(services: Services, path: str, name: str) -> None:
    services.instead = always(path, Reply(503))
    with pytest.raises(SigstoreError, match=f"{name} http.* answers with status 503") as caught:
        signer(services).seal(STATEMENT)
    assert caught.value.retryable
    assert services.paths().count(path) == 4


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_issuer_that_the_authority_does_not_know_is_told(
    services: Services, status: int
) -> None:
    message = "There was an error processing the identity token"
    services.instead = always(FULCIO, Reply(status, {"code": 16, "message": message}))
    with pytest.raises(SigstoreError, match=f"status {status}") as caught:
        _ = signer(services).identity
    assert caught.value.because == message
    assert "it must know the token's issuer" in str(caught.value.hint)
    assert not caught.value.retryable
    assert services.paths() == [FULCIO]


@pytest.mark.parametrize("path", [FULCIO, REKOR_2, REKOR_1])
@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b'{"a":{}}', b"[" * 9999, b"\xff", b"<html>"],
)
def test_an_answer_that_is_none_is_refused(services: Services, path: str, value: bytes) -> None:
    services.instead = always(path, Reply(200, value))
    made = signer(services, config=services.config(1 if path == REKOR_1 else 2))
    with pytest.raises(SigstoreError, match="gives an answer that cannot be used") as caught:
        made.seal(STATEMENT)
    assert not caught.value.retryable
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [b"", b"0", b"\x30\x03\x30\x01\x02", b"<html>"])
def test_a_timestamp_that_is_none_is_not_left_out(services: Services, value: bytes) -> None:
    services.instead = always(CLOCK, Reply(200, value))
    for version in (1, 2):
        with pytest.raises(SigstoreError):
            signer(services, config=services.config(version)).seal(STATEMENT)


def test_a_timestamp_of_somebody_else_is_refused(services: Services) -> None:
    foreign = replace(services, forge=Forge.create(services.forge.at), asked=[])
    services.instead = lambda asked: foreign.honest(asked) if asked.path == CLOCK else None
    for version in (1, 2):
        _refused(services, services.config(version))


def test_an_entry_in_somebody_else_s_log_is_refused(services: Services) -> None:
    foreign = replace(services, forge=Forge.create(services.forge.at), asked=[])
    services.instead = lambda asked: foreign.honest(asked) if "/log/" in asked.path else None
    for version in (1, 2):
        _refused(services, services.config(version))


def test_an_entry_about_something_else_is_refused(services: Services) -> None:
    kept: list[Reply] = []

    def replay(asked: Asked) -> Reply | None:
        if asked.path not in {REKOR_1, REKOR_2}:
            return None
        kept.append(services.honest(asked))
        return kept[0]

    for version in (1, 2):
        kept.clear()
        services.instead = replay
        made = signer(services, config=services.config(version))
        made.sign_blob(Digest.of(b"one"))
        with pytest.raises(SigstoreError, match="does not hold"):
            made.sign_blob(Digest.of(b"two"))


def test_a_certificate_for_another_key_is_refused(services: Services) -> None:
    leaf = services.forge.certificate(at=datetime.now(UTC).replace(microsecond=0))
    services.instead = always(FULCIO, Reply(200, chain_of(leaf, *services.forge.authority.chain)))
    _refused(services)


def test_a_certificate_of_another_authority_is_refused(services: Services) -> None:
    foreign = replace(services, forge=Forge.create(services.forge.at), asked=[])
    foreign.forge = replace(foreign.forge, ct=services.forge.ct)
    services.instead = lambda asked: foreign.honest(asked) if asked.path == FULCIO else None
    _refused(services)


def test_a_certificate_that_no_log_lists_is_refused(services: Services) -> None:
    foreign = replace(services, forge=Forge.create(services.forge.at), asked=[])
    foreign.forge = replace(foreign.forge, authority=services.forge.authority)
    services.instead = lambda asked: foreign.honest(asked) if asked.path == FULCIO else None
    with pytest.raises(SigstoreError, match="cannot be used") as caught:
        signer(services).seal(STATEMENT)
    assert "SCT" in str(caught.value.because)


def test_an_entry_that_was_made_before_the_connection_broke_is_found(services: Services) -> None:
    made: list[Reply] = []

    def broken(asked: Asked) -> Reply | None:
        if asked.path == REKOR_1 and not made:
            made.append(services.honest(asked))
            return Reply(201, b"{", headers={"Content-Length": "900"})
        if asked.path == REKOR_1:
            return Reply(409, headers={"Location": f"{REKOR_1}/24296f"})
        return made[0] if asked.path == f"{REKOR_1}/24296f" else None

    services.instead = broken
    signer(services, config=services.config(1)).seal(STATEMENT)
    assert services.paths()[-3:] == [REKOR_1, REKOR_1, f"{REKOR_1}/24296f"]


@pytest.mark.parametrize("path", [FULCIO, REKOR_2, CLOCK])
def test_no_error_shows_the_token(services: Services, path: str) -> None:
    token = identity_token()
    services.instead = always(path, Reply(400, {"message": f"not with {token} please"}))
    instance = Instance.parse(services.root, services.config())
    made = KeylessSigner(instance, tokens.from_text(token, "here"), Patience(lambda _: None))
    with pytest.raises(SigstoreError) as caught:
        made.seal(STATEMENT)
    assert caught.value.because == "not with ******** please"
    assert "eyJ" not in f"{caught.value.diagnostics()} {caught.value!r} {made!r}"


def test_a_service_that_the_config_asks_for_in_vain_is_told(services: Services) -> None:
    config = json.loads(services.config())
    twice = [*config["rekorTlogUrls"], {**config["rekorTlogUrls"][0], "operator": "another"}]
    for changes, words in (
        ({"rekorTlogUrls": twice, "rekorTlogConfig": {"selector": "ALL"}}, "2 logs"),
        ({"tsaUrls": []}, "no timestamp authority"),
        ({"caUrls": []}, "signing config cannot be used"),
        ({"rekorTlogUrls": []}, "signing config cannot be used"),
        ({"mediaType": "text/plain"}, "signing config cannot be used"),
        ({"caUrls": [{**config["caUrls"][0], "url": "ftp://fulcio"}]}, "config cannot be used"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            signer(services, config=json.dumps(config | changes).encode())
    assert services.asked == []


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b"[" * 9999])
def test_files_that_describe_no_sigstore_are_told(services: Services, data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="the trusted root cannot be used"):
        Instance.parse(data, services.config())
    with pytest.raises(ConfigurationError, match="the signing config cannot be used"):
        Instance.parse(services.root, data)


def _refused(services: Services, config: bytes | None = None) -> None:
    with pytest.raises(SigstoreError, match="does not hold, so nothing was kept") as caught:
        signer(services, config=config).seal(STATEMENT)
    assert not caught.value.retryable
    assert caught.value.because
    assert "trusted root" in str(caught.value.hint)


def _theirs(services: Services) -> tuple[Verifier, TheirIdentity]:
    root = TheirRoot(RootMessage.from_json(services.root))
    return Verifier(trusted_root=root), TheirIdentity(identity=ANN, issuer=ISSUER)
