"""What evidence and decisions are about: a named digest, and the platform it runs on."""

from __future__ import annotations

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.model.digest import Digest

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_ARM = {"armhf": "v7", "armel": "v6"}


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

    @property
    def normal(self) -> Platform:
        """The platform that runtimes take this one for (containerd/platforms, `Normalize`).

        Who compares platforms compares these, or an image would run where nobody judged it: to
        containerd `linux/x86_64` is `linux/amd64`, and `linux/arm` is `linux/arm/v7`.
        """
        os, architecture = self.os.lower(), self.architecture.lower()
        variant = (self.variant or "").lower()
        variant = f"v{variant}" if variant.isdecimal() else variant
        if architecture in _ARM:
            return Platform(os, "arm", _ARM[architecture])
        architecture = _ARCHITECTURES.get(architecture, architecture)
        if (architecture, variant) in {("amd64", "v1"), ("arm64", "v8")}:
            variant = ""
        if architecture == "arm":
            variant = variant or "v7"
        return Platform(os, architecture, variant or None)

    def runs(self, asked: Platform) -> bool:
        """Whether an image for this platform is one for `asked`, which names any variant or one."""
        there, wanted = self.normal, asked.normal
        if (there.os, there.architecture) != (wanted.os, wanted.architecture):
            return False
        return asked.variant is None or there.variant == wanted.variant

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
