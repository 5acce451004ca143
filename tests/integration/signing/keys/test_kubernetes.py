"""Keys in a Kubernetes secret, over the API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supplychain.errors import ConfigurationError, InputError, KeyServiceError, NotFoundError
from supplychain.signing.keys.kubernetes import from_secret
from supplychain.signing.keys.reference import open_public_key, open_signer
from tests.kit.key_access import access
from tests.kit.keys import signer
from tests.kit.kubernetes import TOKEN, Cluster, cluster

PUBLIC = signer().public_key
REFERENCE = "k8s://ci/signing"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as it:
        it.secrets["ci", "signing"] = {"cosign.pub": PUBLIC.pem()}
        it.secrets["ci", "empty"] = {}
        yield it


def test_a_pod_uses_its_service_account(running: Cluster, tmp_path: Path) -> None:
    environ = running.service_account(tmp_path)
    assert from_secret(REFERENCE, access(environ), tmp_path).public_key() == PUBLIC


def test_a_token_may_lie_in_a_file_beside_the_kubeconfig(running: Cluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    environ = running.kubeconfig(tmp_path / "config", tokenFile="token")
    assert open_public_key(REFERENCE, access(environ)) == PUBLIC


@pytest.mark.parametrize("inline", [True, False])
def test_a_client_certificate_will_do(tmp_path: Path, inline: bool) -> None:
    with cluster(tmp_path, client_certificates=True) as it:
        it.secrets["ci", "signing"] = {"cosign.pub": PUBLIC.pem()}
        (tmp_path / "client").mkdir()
        certificate, key = it.authority.issue(tmp_path / "client", "127.0.0.1")
        user = {"client-certificate": str(certificate), "client-key": str(key)}
        if inline:
            user = {
                f"{name}-data": base64.b64encode(Path(path).read_bytes()).decode()
                for name, path in user.items()
            }
        environ = it.kubeconfig(tmp_path / "config", **user)
        assert open_public_key(REFERENCE, access(environ)) == PUBLIC


def test_the_first_of_several_kubeconfigs_counts(running: Cluster, tmp_path: Path) -> None:
    first = running.kubeconfig(tmp_path / "first")["KUBECONFIG"]
    second = running.kubeconfig(tmp_path / "second", token="wrong")["KUBECONFIG"]
    environ = {"KUBECONFIG": f"{first}:{second}"}
    assert open_public_key(REFERENCE, access(environ)) == PUBLIC


def test_a_home_folders_kubeconfig_is_found(
    running: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="in which cluster"):
        open_public_key(REFERENCE, access())
    (tmp_path / ".kube").mkdir()
    running.kubeconfig(tmp_path / ".kube" / "config")
    assert open_public_key(REFERENCE, access()) == PUBLIC


def test_a_missing_secret_says_how_to_make_one(running: Cluster, tmp_path: Path) -> None:
    environ = running.kubeconfig(tmp_path / "config")
    with pytest.raises(NotFoundError, match="no secret k8s://ci/none") as caught:
        open_signer("k8s://ci/none", access(environ))
    assert "--namespace ci create secret generic none" in str(caught.value.hint)


def test_a_secret_without_keys_is_refused(running: Cluster, tmp_path: Path) -> None:
    environ = running.kubeconfig(tmp_path / "config")
    with pytest.raises(NotFoundError, match=r"k8s://ci/empty has no cosign\.key"):
        open_signer("k8s://ci/empty", access(environ))


@pytest.mark.parametrize(
    ("reference", "token", "status"),
    [("k8s://forbidden/signing", TOKEN, 403), (REFERENCE, "hunter2", 401)],
)
def test_who_may_not_read_it_is_told_what_is_missing(
    running: Cluster, tmp_path: Path, reference: str, token: str, status: int
) -> None:
    environ = running.kubeconfig(tmp_path / "config", token=token)
    with pytest.raises(KeyServiceError, match=f"status {status}") as caught:
        open_signer(reference, access(environ))
    assert "get on secrets named signing" in str(caught.value.hint)
    assert token not in f"{caught.value.diagnostics()} {caught.value!r}"


@pytest.mark.parametrize(
    "reference", ["k8s://", "k8s://a", "k8s://a/b/c", "k8s://A/b", "k8s://a/.."]
)
def test_what_is_no_secrets_name_is_refused(reference: str) -> None:
    with pytest.raises(InputError, match="is not a key reference"):
        open_signer(reference, access())


def changed(running: Cluster, path: Path, part: str, **changes: Any) -> dict[str, str]:
    """A kubeconfig with changes at one of its entries."""
    environ = running.kubeconfig(path)
    config = json.loads(path.read_text())
    config[f"{part}s"][0][part] = {**config[f"{part}s"][0][part], **changes}
    path.write_text(json.dumps(config))
    return environ


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("cluster", {"insecure-skip-tls-verify": True}, "turns the check"),
        ("cluster", {"server": "http://127.0.0.1:8001"}, "not reached by https"),
        ("cluster", {"server": None}, "its server is not a string"),
        ("user", {"token": "", "exec": {"command": "aws"}}, "neither a token nor"),
        ("context", {"user": "nobody"}, "no user named 'nobody'"),
        ("context", {"cluster": None}, "no cluster named 'None'"),
    ],
)
def test_a_kubeconfig_that_does_not_do_says_why(
    running: Cluster, tmp_path: Path, part: str, changes: dict[str, Any], words: str
) -> None:
    environ = changed(running, tmp_path / "config", part, **changes)
    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        open_signer(REFERENCE, access(environ))
    assert words in str(caught.value.because)


@pytest.mark.parametrize("text", ["token: [hunter2", "- hunter2", "", "\0"])
def test_what_is_no_kubeconfig_is_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        open_signer(REFERENCE, access({"KUBECONFIG": str(tmp_path / "config")}))
    assert "hunter2" not in f"{caught.value.diagnostics()} {caught.value.__cause__!r}"


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no kubeconfig"):
        open_signer(REFERENCE, access({"KUBECONFIG": str(tmp_path / "none")}))
