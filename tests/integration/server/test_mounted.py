"""Secrets of a server that are replaced under it as Kubernetes does: all files of one at once."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from supplychain.server.certificate import Certificate
from tests.kit.mounted import Mounted
from tests.kit.provider import SECRET, Browser, Provider, login_settings, member, provider
from tests.kit.serving import Served, problem, serving
from tests.kit.tls import Authority
from tests.kit.typist import Typist


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


class Pairs:
    """Certificates of one authority, each with its key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._authority = folder, Authority.create(folder)
        self.client = ssl.create_default_context(cafile=self._authority.certificate_file)

    def another(self) -> dict[str, bytes]:
        """One more of them."""
        chain, key = self._authority.issue(self._folder, "127.0.0.1")
        return {"tls.crt": chain.read_bytes(), "tls.key": key.read_bytes()}

    def shown_by(self, certificate: Certificate) -> str:
        """What somebody is shown who connects."""
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
        client = self.client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
        waiting = [client, server]
        while waiting:
            one = waiting.pop(0)
            try:
                one.do_handshake()
            except ssl.SSLWantReadError:
                waiting.append(one)
        shown = client.getpeercert(binary_form=True)
        assert shown is not None
        return ssl.DER_cert_to_PEM_cert(shown)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    return Pairs(tmp_path / "authority")


def opened(mounted: Mounted, pair: dict[str, bytes]) -> Certificate:
    mounted.mount(pair)
    return Certificate(mounted / "tls.crt", mounted / "tls.key")


def test_nobody_meets_half_of_a_pair_while_it_is_replaced(mounted: Mounted, pairs: Pairs) -> None:
    both = [pairs.another(), pairs.another()]
    certificate = opened(mounted, both[0])
    over, shown, failed = threading.Event(), Counter[str](), list[Exception]()

    def connect() -> None:
        while not over.is_set():
            try:
                shown[pairs.shown_by(certificate)] += 1
            except ssl.SSLError as error:
                failed.append(error)

    everybody = [threading.Thread(target=connect) for _ in range(2)]
    for one in everybody:
        one.start()
    until, number = time.monotonic() + 4, 0
    while time.monotonic() < until:
        number += 1
        mounted.mount(both[number % 2])
        certificate.look_again()
    over.set()
    for one in everybody:
        one.join()
    assert failed == []
    assert set(shown) == {pair["tls.crt"].decode() for pair in both}


@pytest.mark.parametrize("wrong", ["another key", "no certificate", "nothing"])
def test_what_cannot_be_used_is_said_and_the_last_pair_stays(
    mounted: Mounted, pairs: Pairs, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = pairs.another(), pairs.another()
    certificate = opened(mounted, first)
    mounted.mount(
        {
            "another key": {**second, "tls.key": first["tls.key"]},
            "no certificate": {**second, "tls.crt": b"-----BEGIN CERTIFICATE-----\n"},
            "nothing": {},
        }[wrong]
    )
    with caplog.at_level(logging.WARNING):
        certificate.look_again()
    assert pairs.shown_by(certificate) == first["tls.crt"].decode()
    assert str(mounted / "tls.crt") in caplog.text
    mounted.mount(second)
    certificate.look_again()
    assert pairs.shown_by(certificate) == second["tls.crt"].decode()


def test_a_process_that_begins_later_shows_what_is_there_by_then(
    mounted: Mounted, pairs: Pairs
) -> None:
    certificate, second = opened(mounted, pairs.another()), pairs.another()
    mounted.mount(second)
    with certificate:
        assert pairs.shown_by(certificate) == second["tls.crt"].decode()


@pytest.fixture
def idp() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def served(
    typist: Typist, idp: Provider, mounted: Mounted, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    mounted.mount({"secret": f"{SECRET}\n", "token": "monitors"})
    monkeypatch.setenv("SUPPLYCHAIN_LOGIN_CLIENT_SECRET_FILE", str(mounted / "secret"))
    monkeypatch.setenv("SUPPLYCHAIN_METRICS_TOKEN_FILE", str(mounted / "token"))
    with serving(typist, **login_settings(idp.issuer.url)) as found:
        member(found, idp.issuer.url)
        yield found


def test_the_next_login_takes_the_secret_that_is_mounted(
    served: Served, idp: Provider, mounted: Mounted
) -> None:
    mounted.mount({"secret": "of another client", "token": "monitors"})
    browser = Browser(served)
    refused = problem(browser.back(idp.agreed(browser.begin())), 503, "identity_provider")
    assert "invalid_client" in refused["because"]
    assert browser.session is None

    mounted.mount({"secret": SECRET, "token": "monitors"})
    browser.log_in(idp)
    assert browser.session is not None


@pytest.mark.parametrize("secret", ["", b"\xff", None], ids=["empty", "no-text", "gone"])
def test_a_secret_that_cannot_be_read_lets_nobody_in_and_strangers_learn_of_no_file(
    served: Served,
    idp: Provider,
    mounted: Mounted,
    secret: str | bytes | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mounted.mount({} if secret is None else {"secret": secret, "token": secret})
    browser = Browser(served)
    with caplog.at_level(logging.WARNING):
        refused = problem(browser.back(idp.agreed(browser.begin())), 503, "configuration")
        metrics = browser.get("/metrics", headers={"Authorization": "Bearer monitors"})
    assert browser.session is None
    for answer in (refused, problem(metrics, 503, "configuration")):
        assert str(mounted.folder) not in str(answer)
        assert answer["request_id"] in answer["because"]
        assert answer["request_id"] in caplog.text
    assert f"SUPPLYCHAIN_LOGIN_CLIENT_SECRET_FILE names {mounted / 'secret'}" in caplog.text
