"""Image references, as people write them (grammar of the distribution project's `reference`)."""

from __future__ import annotations

import re

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

DOCKER_HUB = "docker.io"
_PREFIX = "docker://"
_REPOSITORY_LIMIT = 255
_TEXT_LIMIT = 1024

_LABEL = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_REGISTRY = re.compile(
    rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::(?P<port>[0-9]+))?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# A bare image ID would be taken for a repository on Docker Hub; Docker refuses it too.
_IMAGE_ID = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository in a registry, and which of its images is meant.

    Attributes:
        registry: Host, with port where one was given: `docker.io`, `[::1]:5000`. In lower case,
            unless nothing but its capitals says that it is a host.
        repository: Path in the registry: `library/debian`.
        tag: The tag; None where none was given.
        digest: The digest; None where none was given. Where there are both, the digest decides.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        """Refuse parts that no registry could serve.

        Raises:
            InputError: A part does not follow the grammar.
        """
        _check_registry(self.registry)
        _check_repository(self.repository)
        if self.tag is not None:
            check_tag(self.tag)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `[docker://][registry/]repository[:tag][@digest]`.

        As in Docker, the first part is a registry when it holds a dot, a colon or an upper-case
        letter or is `localhost`; otherwise the image is on Docker Hub, and a name of one part
        there is in `library/`.

        Raises:
            InputError: The text is not a reference.
        """
        if len(text) > _TEXT_LIMIT:
            raise _refusal(text, f"it has {len(text)} characters, more than {_TEXT_LIMIT}")
        name, at, digest_text = text.removeprefix(_PREFIX).partition("@")
        path, tag = _split_tag(name)
        if not path:
            raise _refusal(text, "it has no repository")
        registry, repository = _split_registry(path)
        try:
            digest = Digest.parse(digest_text) if at else None
            return cls(registry, repository, tag, digest)
        except InputError as error:
            raise _refusal(text, _reason(error), error.hint) from None

    @property
    def name(self) -> str:
        """`registry/repository`, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        """The whole reference, as `parse` reads it."""
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"


def check_tag(tag: str) -> None:
    """Refuse what cannot be a tag.

    Raises:
        InputError: The tag is empty, too long or holds other characters.
    """
    if not _TAG.fullmatch(tag):
        raise InputError(
            f"{tag[:140]!r} is not a tag" if tag else "the tag is empty",
            because="a tag has 1 to 128 letters, digits, '_', '.' and '-', not starting with '.' "
            "or '-'",
        )


def _split_tag(name: str) -> tuple[str, str | None]:
    """Cut the tag off: what follows the last colon, unless that colon belongs to a port."""
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag or tag.endswith("]"):
        return name, None
    return path, tag


def _split_registry(path: str) -> tuple[str, str]:
    first, slash, rest = path.partition("/")
    if not slash or not _names_registry(first):
        registry, rest = DOCKER_HUB, path
    else:
        # What only its capitals tell from a folder on Docker Hub keeps them: it is read again.
        registry = first.lower() if _names_registry(first.lower()) else first
    if registry == "index.docker.io":
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return registry, rest


def _names_registry(part: str) -> bool:
    return "." in part or ":" in part or part == "localhost" or part != part.lower()


def _check_registry(registry: str) -> None:
    match = _REGISTRY.fullmatch(registry)
    if match is None:
        raise InputError(
            f"{registry[:140]!r} is not a registry",
            because="a registry is a host name or address, with a port where needed",
            hint="write it as registry.example.com, localhost:5000 or [::1]:5000",
        )
    port = match["port"]
    if port is not None and not 0 < int(port[:6]) < 65536:
        raise InputError(f"{port[:10]} is not a port", because="ports go from 1 to 65535")


def _check_repository(repository: str) -> None:
    if len(repository) > _REPOSITORY_LIMIT:
        raise InputError(
            "the repository's name is too long",
            because=f"it has {len(repository)} characters, more than {_REPOSITORY_LIMIT}",
        )
    if _IMAGE_ID.fullmatch(repository.removeprefix("library/")):
        raise InputError(
            "the repository's name is an image ID",
            because="64 hexadecimal digits cannot name a repository",
            hint="write repository@sha256:<digest>",
        )
    if not _REPOSITORY.fullmatch(repository):
        raise InputError(
            f"{repository!r} is not a repository",
            because="its parts are lower-case letters and digits, joined by '.', '_', '__' or '-'",
            hint=f"did you mean {repository.lower()}?"
            if _REPOSITORY.fullmatch(repository.lower())
            else None,
        )


def _reason(error: InputError) -> str:
    return f"{error}: {error.because}" if error.because else str(error)


def _refusal(text: str, because: str, hint: str | None = None) -> InputError:
    return InputError(
        f"{text[:140]!r} is not an image reference",
        because=because,
        hint=hint
        or "write it as registry.example.com/team/app:1.2 or …/app@sha256:<64 hexadecimal digits>",
    )
