"""Keys in a Kubernetes secret, read over the API: `k8s://NAMESPACE/NAME`, as cosign makes them.

Who we are there comes from `KUBECONFIG`, from a pod's service account, or from `~/.kube/config`.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from supplychain.errors import ConfigurationError, InputError, KeyServiceError, NotFoundError
from supplychain.signing.encoding import as_object, read_base64
from supplychain.signing.keys import kubeconfig
from supplychain.signing.keys.access import Access, read_file
from supplychain.signing.keys.calls import Answer, Service
from supplychain.signing.keys.material import Material
from supplychain.signing.keys.remote import wrong_form

# Where Kubernetes mounts it into every pod.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_REFERENCE = re.compile(rf"k8s://({_NAME})/({_NAME})")


def from_secret(
    reference: str, access: Access, service_account: Path = SERVICE_ACCOUNT
) -> Material:
    """The entries of a secret that cosign made.

    Args:
        reference: `k8s://NAMESPACE/NAME`.
        access: The surroundings.
        service_account: The folder with a pod's own token and authority.

    Raises:
        InputError: It is no such reference, or the secret is not one.
        ConfigurationError: It is not known which cluster, or who we are there.
        NotFoundError: There is no such secret.
        KeyServiceError: The cluster cannot be reached, or refuses.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise wrong_form(reference, "k8s://NAMESPACE/NAME")
    namespace, name = match[1], match[2]
    with ExitStack() as files:
        service = _service(access, service_account, files)
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}"
        answer = service.call("GET", path)
    if answer.status == 404:
        raise NotFoundError(
            f"there is no secret {reference}",
            because=f"{service.name} knows none of that name",
            hint=f"kubectl --namespace {namespace} create secret generic {name} "
            "--from-file cosign.key --from-file cosign.pub --from-file cosign.password",
        )
    if answer.status != 200:
        raise _refused(service, answer, namespace, name)
    try:
        data = as_object(answer.value.get("data") or {}, "its data")
        entries = {entry: read_base64(text, "an entry of it") for entry, text in data.items()}
    except InputError as error:
        raise KeyServiceError(
            f"{service.name} gives an answer that cannot be read",
            because=str(error),
            retryable=False,
        ) from error
    return Material.entries(reference, entries)


def _refused(service: Service, answer: Answer, namespace: str, name: str) -> KeyServiceError:
    hint = None
    if answer.status in {401, 403}:
        hint = (
            f"a role in {namespace} has to allow this user or service account "
            f"get on secrets named {name}"
        )
    return service.failure(answer, str(answer.value.get("message", "")), hint)


def _service(access: Access, service_account: Path, files: ExitStack) -> Service:
    named = access.environ.get("KUBECONFIG")
    host = access.environ.get("KUBERNETES_SERVICE_HOST")
    if named or not host:
        paths = [Path(p) for p in named.split(":") if p] if named else [_default_config()]
        return kubeconfig.service(paths, access.sleep, files)
    port = access.environ.get("KUBERNETES_SERVICE_PORT", "443")
    address = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    token = read_file(service_account / "token", "service account's token")
    return Service(
        f"the cluster at {address}",
        address,
        token.decode("utf-8", "replace").strip(),
        ("Authorization", "Bearer "),
        access.sleep,
        cacert=str(service_account / "ca.crt"),
    )


def _default_config() -> Path:
    path = Path("~/.kube/config").expanduser()
    if not path.exists():
        raise ConfigurationError(
            "it is not known in which cluster to look",
            because="KUBECONFIG is not set, and this is no pod with a service account",
            hint="export KUBECONFIG=FILE",
        )
    return path
