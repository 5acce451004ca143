"""What is attached to an image: by the referrers API, or under the fallback tag.

The fallback tag is an index that everybody rewrites whole, and registries have no conditional
write. Among threads of one process a lock orders the writers. Among processes each writer looks
again after as long as its own reading and writing took, and writes again if its entry was lost.
What remains: a writer that is stopped between its read and its write for longer than another
one's check takes can still undo that one's entry. Only a registry with the API excludes that.
"""

from __future__ import annotations

from threading import Lock

from supplychain.errors import (
    ConflictError,
    InputError,
    LimitError,
    NotFoundError,
    RegistryError,
    VerificationError,
)
from supplychain.images.registry.address import Origin
from supplychain.images.registry.auth import Scope
from supplychain.images.registry.host import Answer, Call, RegistryHost
from supplychain.images.registry.manifests import Manifests
from supplychain.images.registry.referrers import (
    check_count,
    entry_for,
    fallback_tag,
    listed,
    next_page,
    with_entry,
)
from supplychain.images.registry.retry import Clock
from supplychain.model.artifact import OCI_INDEX, Descriptor, Manifest
from supplychain.model.digest import Digest

_MOST_PAGES = 50
_MOST_WRITES = 10
# How registries without the API answer it; anything else than these is a failure.
_API_OR_NOT = frozenset({200, 400, 404, 405, 406})
_PAGE = frozenset({200})
# Enough locks that unrelated images rarely share one, in bounded memory.
_LOCKS = tuple(Lock() for _ in range(64))


class Attachments:
    """Reads and writes the referrers in one repository.

    Args:
        host: The registry.
        manifests: The repository's manifests.
        repository: Path in the registry.
        name: The repository's whole name, for errors.
        clock: Time and chance.
    """

    def __init__(
        self,
        host: RegistryHost,
        manifests: Manifests,
        repository: str,
        name: str,
        clock: Clock,
    ) -> None:
        self._host = host
        self._manifests = manifests
        self._repository = repository
        self._name = name
        self._clock = clock
        self._has_api: bool | None = None

    def of(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Every manifest that names `subject`; () where there is none.

        Raises:
            VerificationError: What lists them is not an index.
            LimitError: They are too many.
        """
        first = self._ask_api(subject)
        if first is not None:
            return self._all_pages(first, subject)
        raw = self._read_fallback(subject)
        return () if raw is None else listed(raw, self._where(subject))

    def add(self, manifest: Manifest, subject: Digest) -> None:
        """Store a manifest so that `of(subject)` finds it.

        Raises:
            InputError: The manifest does not name `subject`.
            VerificationError: Something else stands under the fallback tag.
            ConflictError: Others kept overwriting the fallback tag.
        """
        entry = entry_for(manifest, subject)
        answer = self._manifests.put(manifest)
        listed_by_registry = answer.headers.get("OCI-Subject") == str(subject) or self._has_api
        if listed_by_registry or self._ask_api(subject) is not None:
            return
        with _LOCKS[hash((self._name, subject)) % len(_LOCKS)]:
            self._add_to_fallback(entry, subject)

    def _ask_api(self, subject: Digest) -> Answer | None:
        """The API's first page; None where there is no API, which is remembered."""
        if self._has_api is False:
            return None
        path = f"/v2/{self._repository}/referrers/{subject}"
        answer = self._host.call(self._call(path, subject, _API_OR_NOT))
        if answer.status == 200 and answer.headers.get("Content-Type") == OCI_INDEX:
            self._has_api = True
            return answer
        if b"NAME_UNKNOWN" not in answer.body:
            # An unknown repository says nothing about the API.
            self._has_api = False
        return None

    def _all_pages(self, first: Answer, subject: Digest) -> tuple[Descriptor, ...]:
        found: dict[Digest, Descriptor] = {}
        answer, seen = first, {first.url}
        for _ in range(_MOST_PAGES):
            for entry in listed(answer.body, self._where(subject)):
                found.setdefault(entry.digest, entry)
            check_count(len(found), self._where(subject))
            url = next_page(answer)
            if url is None:
                return tuple(found.values())
            if url in seen or Origin.of(url) != Origin.of(first.url):
                raise RegistryError(
                    f"{self._where(subject)} is listed on pages that lead nowhere",
                    because="a page names itself, an earlier one or another host as the next",
                    retryable=False,
                )
            seen.add(url)
            answer = self._host.call(self._call(url, subject, _PAGE))
        raise LimitError(
            f"{self._where(subject)} lists too many referrers",
            because=f"there are more than {_MOST_PAGES} pages",
        )

    def _add_to_fallback(self, entry: Descriptor, subject: Digest) -> None:
        tag, where = fallback_tag(subject), self._where(subject)
        for attempt in range(1, _MOST_WRITES + 1):
            began = self._clock.monotonic()
            raw = self._read_fallback(subject)
            present = () if raw is None else listed(raw, where)
            if any(one.digest == entry.digest for one in present):
                return
            check_count(len(present) + 1, where)
            data = with_entry(raw, entry)
            self._manifests.put(Manifest(OCI_INDEX, Digest.of(data), data), tag=tag)
            took = self._clock.monotonic() - began
            self._clock.sleep(took * attempt * (0.5 + self._clock.chance()))
        raise ConflictError(
            f"{where} could not be updated",
            because="others kept writing it at the same time",
            hint="run it again",
            retryable=True,
        )

    def _read_fallback(self, subject: Digest) -> bytes | None:
        where = self._where(subject)
        try:
            manifest = self._manifests.by_tag(fallback_tag(subject))
        except NotFoundError:
            return None
        except LimitError:
            raise
        except InputError as error:
            raise self._garbage(where, str(error)) from None
        if manifest.media_type != OCI_INDEX:
            raise self._garbage(where, f"it is a {manifest.media_type}")
        return manifest.raw

    def _garbage(self, where: str, because: str) -> VerificationError:
        return VerificationError(
            f"{where} is not an index of referrers",
            because=because,
            hint="see who wrote that tag and remove it; nothing was changed",
        )

    def _where(self, subject: Digest) -> str:
        return f"the list of what refers to {self._name}@{subject}"

    def _call(self, target: str, subject: Digest, accept: frozenset[int]) -> Call:
        scope = Scope(self._repository)
        return Call("GET", target, scope, self._where(subject), {"Accept": OCI_INDEX}, None, accept)
