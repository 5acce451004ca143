"""Images in a Docker daemon, taken as the archive that it makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.errors import InputError, NotFoundError, SupplyChainError, ToolError
from supplychain.images.files import storing

if TYPE_CHECKING:
    from docker import DockerClient

# Between two chunks: the daemon may pack for long before the first one comes.
_TIMEOUT_SECONDS = 300
_CHUNK = 1 << 20


def save(name: str, target: Path) -> Path:
    """Have the daemon write an image into an archive.

    The daemon is the one that the `docker` command would use: `DOCKER_HOST`, or its usual socket.
    The image's name is resolved once; what is saved is its ID.

    Args:
        name: The image's name or ID, as `docker image inspect` takes it.
        target: The archive, which must not exist.

    Returns:
        `target`.

    Raises:
        InputError: The daemon does not take the name.
        NotFoundError: The daemon has no such image.
        ToolError: The daemon cannot be reached, or failed.
        StoreError: The archive cannot be written.
    """
    with _daemon(name) as client:
        image = client.images.get(name)
        chunks: Iterator[bytes] = image.save(chunk_size=_CHUNK, named=False)
        with storing(target), target.open("xb") as file:
            while (chunk := _next(chunks, name)) is not None:
                file.write(chunk)
    return target


@contextmanager
def _daemon(name: str) -> Iterator[DockerClient]:
    """A client, and the library's errors as ours."""
    import docker
    from docker.errors import APIError, DockerException, ImageNotFound, NullResource
    from requests.exceptions import RequestException

    try:
        client = docker.from_env(timeout=_TIMEOUT_SECONDS)
        try:
            yield client
        finally:
            client.close()
    except ImageNotFound as error:
        raise NotFoundError(
            f"the Docker daemon has no image {name!r}",
            because=error.explanation,
            hint="docker image ls shows what it has; docker pull gets it",
        ) from error
    except NullResource as error:
        raise InputError("a Docker image needs a name", hint="docker-daemon:NAME:TAG") from error
    except APIError as error:
        if error.status_code == 400:
            raise InputError(
                f"{name!r} is no name of a Docker image", because=error.explanation
            ) from error
        raise ToolError(
            f"the Docker daemon failed to give {name!r}", because=error.explanation or str(error)
        ) from error
    except (DockerException, RequestException) as error:
        raise _unreachable(error) from error


def _next(chunks: Iterator[bytes], name: str) -> bytes | None:
    """The next chunk; a connection that breaks must not look like a disk that does."""
    from requests.exceptions import RequestException

    try:
        return next(chunks, None)
    except RequestException as error:
        raise ToolError(
            f"the Docker daemon stopped while it gave {name!r}", because=str(error), retryable=True
        ) from error


def _unreachable(error: Exception) -> SupplyChainError:
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        hint = "join the group that may use the socket (usually docker), or set DOCKER_HOST"
    else:
        hint = "start the daemon, or set DOCKER_HOST to where it listens"
    return ToolError("the Docker daemon cannot be reached", because=text, hint=hint, retryable=True)
