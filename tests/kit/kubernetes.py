"""The part of a Kubernetes API server that gives secrets, with its documented answers.

Status objects as in "API conventions", secrets as in the reference of `v1 Secret`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit.json_server import Json, JsonServer, Reply, Request, json_server
from tests.kit.tls import Authority

_SECRET = re.compile(r"/api/v1/namespaces/([^/]+)/secrets/([^/]+)")
TOKEN = "eyJhbGciOiJub25lIn0.c2VydmljZS1hY2NvdW50."


@dataclass(slots=True)
class Cluster:
    """A cluster with secrets.

    Attributes:
        server: What answers.
        authority: Signed its certificate.
        secrets: Entries by (namespace, name).
    """

    server: JsonServer
    authority: Authority
    secrets: dict[tuple[str, str], Mapping[str, bytes]] = field(default_factory=dict)

    def kubeconfig(self, path: Path, **user: str) -> dict[str, str]:
        """Write a kubeconfig, which is YAML; the environment that names it."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": self.server.address,
                        "certificate-authority": str(self.authority.certificate_file),
                    },
                }
            ],
            "users": [{"name": "u", "user": user or {"token": TOKEN}}],
        }
        path.write_text(json.dumps(config))
        return {"KUBECONFIG": str(path)}

    def service_account(self, folder: Path) -> dict[str, str]:
        """Make a folder what a pod has mounted; the environment that the pod has."""
        (folder / "token").write_text(TOKEN)
        (folder / "ca.crt").write_bytes(self.authority.certificate_file.read_bytes())
        host, _, port = self.server.address.removeprefix("https://").rpartition(":")
        return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}


@contextlib.contextmanager
def cluster(folder: Path, *, client_certificates: bool = False) -> Iterator[Cluster]:
    """A cluster that knows the user with `TOKEN`, or whoever has a certificate of its authority."""
    authority = Authority.create(folder)
    client_ca = authority.certificate_file if client_certificates else None
    running: list[Cluster] = []

    def answer(request: Request) -> Reply:
        known = client_certificates or request.headers.get("Authorization") == f"Bearer {TOKEN}"
        return (
            _answer(running[0], request) if known else _status(401, "Unauthorized", "Unauthorized")
        )

    with json_server(answer, authority.issue(folder, "127.0.0.1"), client_ca) as server:
        running.append(Cluster(server, authority))
        yield running[0]


def _answer(cluster: Cluster, request: Request) -> Reply:
    match = _SECRET.fullmatch(request.path)
    if match is None or request.method != "GET":
        return _status(404, "NotFound", "the server could not find the requested resource")
    namespace, name = match.groups()
    if namespace == "forbidden":
        said = f'secrets "{name}" is forbidden: User "system:serviceaccount:ci:signer" cannot get '
        return _status(403, "Forbidden", f'{said}resource "secrets" in API group ""')
    entries = cluster.secrets.get((namespace, name))
    if entries is None:
        return _status(404, "NotFound", f'secrets "{name}" not found')
    data = {key: base64.b64encode(value).decode() for key, value in entries.items()}
    return Reply(
        200,
        {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "uid": "8d0e6d4e"},
            "immutable": True,
            "data": data,
            "type": "Opaque",
        },
    )


def _status(code: int, reason: str, message: str) -> Reply:
    value: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Reply(code, value)
