"""What evidence and decisions are about: a named digest, and the platform it runs on."""

from __future__ import annotations

from dataclasses import dataclass

from supplychain.errors import InputError
from supplychain.model.digest import Digest


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An operating system and architecture (OCI image index, `platform`)."""

    os: str
    architecture: str
    variant: str | None = None

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os/architecture[/variant]`, as `--platform` takes it.

        Raises:
            InputError: The text has not two or three non-empty parts.
        """
        parts = text.split("/")
        if len(parts) not in {2, 3} or not all(parts):
            raise InputError(
                f"{text!r} is not a platform", hint="write it as linux/amd64 or linux/arm/v7"
            )
        return cls(parts[0], parts[1], parts[2] if len(parts) == 3 else None)

    def __str__(self) -> str:
        """`os/architecture[/variant]`."""
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os}/{self.architecture}{variant}"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A digest and the name under which it was asked for (in-toto, ResourceDescriptor).

    Attributes:
        name: The repository, or the file name of a layout or archive; never a tag.
        digest: The manifest or index digest. Identity is the digest; the name is for people.
    """

    name: str
    digest: Digest

    def __str__(self) -> str:
        """`name@digest`, whole, so that it can be copied."""
        return f"{self.name}@{self.digest}"
