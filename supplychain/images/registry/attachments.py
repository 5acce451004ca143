"""What is attached to an image: by the referrers API, or under the fallback tag.

The fallback tag is an index that everybody rewrites whole: `tags` says how, and what remains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from supplychain.errors import InputError, LimitError, RegistryError, VerificationError
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
from supplychain.images.registry.tags import Tags
from supplychain.model.artifact import OCI_INDEX, Descriptor, Manifest
from supplychain.model.digest import Digest

_MOST_PAGES = 50
# How registries without the API answer it; anything else than these is a failure.
_API_OR_NOT = frozenset({200, 400, 404, 405, 406})
_PAGE = frozenset({200})


class Attachments:
    """Reads and writes the referrers in one repository.

    Args:
        host: The registry.
        manifests: The repository's manifests.
        tags: Its tags.
        repository: Path in the registry.
        name: The repository's whole name, for errors.
    """

    def __init__(
        self,
        host: RegistryHost,
        manifests: Manifests,
        tags: Tags,
        repository: str,
        name: str,
    ) -> None:
        self._host = host
        self._manifests = manifests
        self._tags = tags
        self._repository = repository
        self._name = name
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
        with self._explained(subject):
            found = self._tags.read(fallback_tag(subject))
        return () if found is None else self._listed(found, subject)

    def add(self, manifests: Sequence[Manifest], subject: Digest) -> None:
        """Store manifests so that `of(subject)` finds them.

        Raises:
            InputError: A manifest does not name `subject`.
            VerificationError: Something else stands under the fallback tag.
            ConflictError: Others kept overwriting the fallback tag.
        """
        entries = [entry_for(manifest, subject) for manifest in manifests]
        answers = [self._manifests.put(manifest) for manifest in manifests]
        named = all(answer.headers.get("OCI-Subject") == str(subject) for answer in answers)
        if named or self._has_api or self._ask_api(subject) is not None:
            return
        with self._explained(subject):
            self._tags.amend(
                fallback_tag(subject), lambda index: self._with_entries(index, entries, subject)
            )

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

    def _with_entries(
        self, index: Manifest | None, entries: Sequence[Descriptor], subject: Digest
    ) -> Manifest:
        for entry in entries:
            index = self._with_entry(index, entry, subject)
        if index is None:
            raise InputError(f"nothing was given to attach to {subject}")
        return index

    def _with_entry(self, index: Manifest | None, entry: Descriptor, subject: Digest) -> Manifest:
        present = () if index is None else self._listed(index, subject)
        if index is not None and any(one.digest == entry.digest for one in present):
            return index
        check_count(len(present) + 1, self._where(subject))
        data = with_entry(None if index is None else index.raw, entry)
        return Manifest(OCI_INDEX, Digest.of(data), data)

    def _listed(self, index: Manifest, subject: Digest) -> tuple[Descriptor, ...]:
        where = self._where(subject)
        if index.media_type != OCI_INDEX:
            raise self._garbage(where, f"it is a {index.media_type}")
        return listed(index.raw, where)

    @contextmanager
    def _explained(self, subject: Digest) -> Iterator[None]:
        """Say of what stands under the fallback tag and is no manifest at all what it is not."""
        try:
            yield
        except LimitError:
            raise
        except InputError as error:
            raise self._garbage(self._where(subject), str(error)) from None

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
