"""Package URLs (ECMA-427): the one of an image, and the parts that CycloneDX wants apart."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from supplychain.model.subject import Platform, Subject

# Ecosystems whose CycloneDX makers write the namespace as `group` and the rest as `name`.
_GROUPED = frozenset({"composer", "maven", "npm"})
_REGISTRY = re.compile(
    r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+)(:\d+)?|[a-z0-9-]+:\d+", re.IGNORECASE
)


def image_purl(subject: Subject, platform: Platform | None = None) -> str:
    """The purl of an image by digest (purl-spec, type `oci`).

    `repository_url` is given only where the subject's name begins with a registry: a layout or
    an archive has none. An index is for no one platform, and its purl names none.
    """
    name = subject.name.rstrip("/").rpartition("/")[2].lower() or "image"
    qualifiers = [f"arch={quote(platform.architecture, safe='')}"] if platform else []
    if _REGISTRY.fullmatch(subject.name.partition("/")[0]) and "/" in subject.name:
        qualifiers.append(f"repository_url={quote(subject.name, safe=':/')}")
    purl = f"pkg:oci/{quote(name, safe='')}@{subject.digest}"
    return f"{purl}?{'&'.join(qualifiers)}" if qualifiers else purl


def group_and_name(purl: str, name: str) -> tuple[str, str]:
    """The `group` and `name` of a component as the makers of its ecosystem's documents write them.

    Args:
        purl: The component's purl; "" where it has none.
        name: Its name as the ecosystem writes it.

    Returns:
        `("@babel", "traverse")` for npm's `@babel/traverse`; `("", name)` where the ecosystem
        does not part them.
    """
    kind, _, path = purl.removeprefix("pkg:").partition("/")
    if kind not in _GROUPED:
        return "", name
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    namespace, _, last = (path.rpartition("@")[0] or path).rpartition("/")
    return (unquote(namespace), unquote(last)) if namespace else ("", name)
