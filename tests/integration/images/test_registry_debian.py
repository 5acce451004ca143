"""The client on Debian's real docker-registry: plain, behind a login, and with TLS."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from supplychain.errors import (
    AuthenticationError,
    ConfigurationError,
    LimitError,
    NotFoundError,
    RegistryError,
)
from supplychain.images.reference import Reference
from supplychain.images.registry.host import RegistryHost
from supplychain.images.registry.options import RegistryOptions
from supplychain.images.registry.repository import RegistryRepository
from supplychain.images.registry.wire import Wire
from supplychain.model.artifact import MANIFEST_LIMIT, OCI_MANIFEST, Descriptor
from supplychain.model.digest import Digest
from tests.kit.artifacts import put_image
from tests.kit.guards import guard_for
from tests.kit.misbehaving import EMPTY_MANIFEST, ScriptedServer, manifest, scripted_server
from tests.kit.registry import PASSWORD, USERNAME, RunningRegistry
from tests.kit.tls import Authority


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A proxy for everything, as far as the environment says."""
    with scripted_server() as running:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, running.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield running


@pytest.fixture
def options(tmp_path: Path) -> RegistryOptions:
    """Nothing of this machine's own Docker."""
    return RegistryOptions(docker_config=tmp_path, connect_timeout=5.0, retries=1)


def _round_trip(repository: RegistryRepository) -> None:
    data = os.urandom(3_000_000)
    repository.put_blob(data)
    assert repository.blob(Descriptor("", Digest.of(data), len(data)), limit=len(data)) == data
    raw = repository.manifest(put_image(repository).digest).raw
    repository.put_manifest(raw, OCI_MANIFEST, tag="now")
    assert repository.resolve("now").digest == Digest.of(raw)


def test_an_image_goes_up_and_comes_down(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    repository = RegistryRepository(debian_registry.fresh(), options)
    assert repository.name.startswith(debian_registry.address)
    _round_trip(repository)


def test_what_is_not_there_is_told_by_its_name(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    reference = debian_registry.fresh()
    with pytest.raises(NotFoundError) as caught:
        RegistryRepository(reference, options).resolve("no-such-tag")
    assert str(caught.value) == f"the tag 'no-such-tag' of {reference.name} does not exist"
    assert "MANIFEST_UNKNOWN" in (caught.value.because or "")


def test_a_manifest_over_the_limit_is_not_sent(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    padded = EMPTY_MANIFEST + b" " * MANIFEST_LIMIT
    with pytest.raises(LimitError):
        RegistryRepository(debian_registry.fresh(), options).put_manifest(padded, OCI_MANIFEST)


def test_few_requests_are_made(debian_registry: RunningRegistry, options: RegistryOptions) -> None:
    asked: list[str] = []
    counting = replace(options, guard=guard_for(debian_registry.address, asked))
    reference = debian_registry.fresh()
    subject = put_image(RegistryRepository(reference, options))
    raw = RegistryRepository(reference, options).manifest(subject.digest).raw
    repository = RegistryRepository(reference, counting)

    def cost() -> int:
        count = len(asked)
        asked.clear()
        return count

    repository.put_manifest(raw, OCI_MANIFEST, tag="now")
    assert cost() == 2  # one to learn the scheme
    repository.resolve("now")
    repository.manifest(subject.digest)
    assert cost() == 1
    repository.put_blob(b"new" + os.urandom(8))
    assert cost() == 3
    repository.put_blob(b"new, twice")
    cost()
    repository.put_blob(b"new, twice")
    assert cost() == 1


def test_two_repositories_share_a_host(
    debian_registry: RunningRegistry, options: RegistryOptions
) -> None:
    asked: list[str] = []
    counting = replace(options, guard=guard_for(debian_registry.address, asked))
    host = RegistryHost(debian_registry.address, counting)
    for _ in range(2):
        RegistryRepository(debian_registry.fresh(), host=host).put_blob(b"")
    assert len(asked) == 7  # the scheme is asked for once


# Logins.


def test_a_login_opens_the_registry(
    debian_registry_with_login: RunningRegistry, options: RegistryOptions
) -> None:
    login = replace(options, username=USERNAME, password=PASSWORD)
    _round_trip(RegistryRepository(debian_registry_with_login.fresh(), login))


@pytest.mark.parametrize(
    ("username", "password", "words"),
    [(None, None, "wants a login"), (USERNAME, "wrong horse", "does not let this login")],
)
def test_no_login_and_a_wrong_one_are_refused(
    debian_registry_with_login: RunningRegistry,
    options: RegistryOptions,
    username: str | None,
    password: str | None,
    words: str,
) -> None:
    login = replace(options, username=username, password=password)
    repository = RegistryRepository(debian_registry_with_login.fresh(), login)
    for call in (lambda: repository.resolve("1"), lambda: repository.put_blob(b"x")):
        with pytest.raises(AuthenticationError, match=words) as caught:
            call()
        assert f"docker login {debian_registry_with_login.address}" in (caught.value.hint or "")
        assert "wrong horse" not in str(caught.value.diagnostics())


# TLS.


def test_tls_with_an_authority_of_ones_own(
    debian_registry_with_tls: RunningRegistry, options: RegistryOptions
) -> None:
    trusting = replace(options, cacert=debian_registry_with_tls.cacert)
    _round_trip(RegistryRepository(debian_registry_with_tls.fresh(), trusting))


def test_tls_of_a_stranger_is_refused_on_loopback_too(
    debian_registry_with_tls: RunningRegistry, options: RegistryOptions, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path).certificate_file
    for trusting in (options, replace(options, cacert=stranger)):
        repository = RegistryRepository(debian_registry_with_tls.fresh(), trusting)
        with pytest.raises(RegistryError, match="is not trusted") as caught:
            repository.resolve("1")
        assert "--registry-cacert" in (caught.value.hint or "")
        assert not caught.value.retryable


def test_an_authority_named_in_the_environment_is_trusted(
    debian_registry_with_tls: RunningRegistry,
    options: RegistryOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(debian_registry_with_tls.cacert))
    RegistryRepository(debian_registry_with_tls.fresh(), options).put_blob(b"x")


def test_an_insecure_registry_may_show_any_certificate(
    debian_registry_with_tls: RunningRegistry, options: RegistryOptions
) -> None:
    insecure = replace(options, insecure=(debian_registry_with_tls.address,))
    _round_trip(RegistryRepository(debian_registry_with_tls.fresh(), insecure))


def test_another_registry_being_insecure_changes_nothing(
    debian_registry_with_tls: RunningRegistry, options: RegistryOptions
) -> None:
    insecure = replace(options, insecure=("127.0.0.1", "127.0.0.1:1"))
    with pytest.raises(RegistryError, match="is not trusted"):
        RegistryRepository(debian_registry_with_tls.fresh(), insecure).resolve("1")


def test_with_an_authority_given_plain_http_is_refused(
    debian_registry: RunningRegistry, options: RegistryOptions, authority: Authority
) -> None:
    trusting = replace(options, cacert=authority.certificate_file)
    with pytest.raises(RegistryError, match="does not speak TLS") as caught:
        RegistryRepository(debian_registry.fresh(), trusting).resolve("1")
    assert f"--insecure-registry {debian_registry.address}" in (caught.value.hint or "")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_named(
    debian_registry_with_tls: RunningRegistry,
    options: RegistryOptions,
    tmp_path: Path,
    content: str | None,
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    repository = RegistryRepository(debian_registry_with_tls.fresh(), replace(options, cacert=path))
    with pytest.raises(ConfigurationError, match=r"ca\.pem") as caught:
        repository.resolve("1")
    assert "--registry-cacert" in (caught.value.hint or "")


# Plain HTTP and proxies.


@pytest.mark.parametrize(
    ("host", "insecure", "scheme"),
    [
        ("registry.invalid", (), "https"),
        ("192.0.2.1:5000", (), "https"),
        ("registry.invalid", ("other.invalid",), "https"),
    ],
)
def test_plain_http_is_for_loopback_and_named_registries_only(
    options: RegistryOptions, host: str, insecure: tuple[str, ...], scheme: str
) -> None:
    assert Wire(replace(options, insecure=insecure)).scheme_of(host) == scheme


def test_loopback_speaks_whatever_it_speaks(
    debian_registry: RunningRegistry,
    debian_registry_with_tls: RunningRegistry,
    options: RegistryOptions,
) -> None:
    wire = Wire(options)
    assert wire.scheme_of(debian_registry.address) == "http"
    assert wire.scheme_of(debian_registry_with_tls.address) == "https"
    port = debian_registry.address.partition(":")[2]
    assert wire.scheme_of(f"localhost:{port}") == "http"


def test_loopback_goes_through_no_proxy(
    debian_registry: RunningRegistry, options: RegistryOptions, proxy: ScriptedServer
) -> None:
    RegistryRepository(debian_registry.fresh(), options).put_blob(b"x")
    assert proxy.requests == []


def test_other_hosts_go_through_the_proxy_of_the_environment(
    options: RegistryOptions, proxy: ScriptedServer, tmp_path: Path
) -> None:
    reference = Reference("registry.invalid", "app")
    with pytest.raises(RegistryError, match="proxy does not let us through") as caught:
        RegistryRepository(reference, options).resolve("1")
    assert "NO_PROXY" in (caught.value.hint or "")


def test_a_redirect_from_plain_http_to_a_named_host_goes_through_the_proxy(
    options: RegistryOptions, proxy: ScriptedServer
) -> None:
    wire = Wire(replace(options, insecure=("registry.invalid:81",)))
    url = "http://registry.invalid:81/v2/app/manifests/1"
    proxy.on("GET", url, manifest())
    with wire.send("GET", url, headers={}) as response:
        assert response.raw.read() == EMPTY_MANIFEST


# The cost of importing it.


@pytest.mark.parametrize(
    "module", ["supplychain.images.reference", "supplychain.images.registry.options"]
)
def test_what_the_command_line_always_imports_is_light(module: str) -> None:
    heavy = "{'requests', 'urllib3', 'ssl', 'orjson', 'socket'}"
    code = f"import sys, {module}; print({heavy} & set(sys.modules))"
    # Without what measures coverage, which imports things of its own.
    bare = [sys.executable, "-I", "-c", code]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    done = subprocess.run(bare, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "set()"
