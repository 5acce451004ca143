"""What other programs were told to ignore: Trivy's ignore files and Dependency-Track's findings.

Nothing of it is believed: each item says what somebody might ask a waiver for, or why no waiver
could say that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from supplychain.errors import InputError, LimitError
from supplychain.frozen import dataclass
from supplychain.gate.nodes import Mapping as Map
from supplychain.gate.nodes import Node, ProblemError, Scalar, Sequence
from supplychain.gate.yaml_text import read_yaml

# Findings of a whole project, exported by Dependency-Track.
IGNORES_LIMIT = 32 * 1024 * 1024
# How names of vulnerabilities begin, of those that Trivy and Dependency-Track know.
_VULNERABILITY = re.compile(
    r"(?:CVE|GHSA|GO|RUSTSEC|PYSEC|OSV|DLA|DSA|ELSA|ALAS|RHSA|USN|TEMP|NSWG|GMS)-[\w.:-]+", re.ASCII
)
_SECTIONS = ("vulnerabilities", "misconfigurations", "secrets", "licenses")
_KEYS = frozenset({"id", "paths", "purls", "expired_at", "statement"})


@dataclass(frozen=True, slots=True)
class Ignored:
    """One item.

    Attributes:
        place: Where it stands, for people.
        vulnerability: What is ignored.
        packages: In which packages, by purl; empty for any.
        expires_at: Until when; None where it does not end.
        reason: Why, as far as it says.
        problem: Why no waiver can say this; "" where one can.
    """

    place: str
    vulnerability: str
    packages: tuple[str, ...] = ()
    expires_at: datetime | None = None
    reason: str = ""
    problem: str = ""


def read_ignores(data: bytes, name: str) -> tuple[Ignored, ...]:
    """The items of a file: which kind it is says its name, as with Trivy, or `.json`.

    Args:
        data: The file.
        name: Its name.

    Raises:
        LimitError: It is larger than any needs to be.
        InputError: It is no such file.
    """
    if len(data) > IGNORES_LIMIT:
        raise LimitError(f"{name} has {len(data)} bytes, at most {IGNORES_LIMIT} are read")
    reader: Callable[[bytes], Iterator[Ignored]] = _plain
    if name.endswith((".yaml", ".yml")):
        reader = _yaml
    elif name.endswith(".json"):
        reader = _findings
    try:
        return tuple(reader(data))
    except ProblemError as problem:
        where = f"{name}:{problem.position.line}:{problem.position.column}"
        raise InputError(f"{where}: {problem}", hint=problem.hint) from None
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text", hint="save it as UTF-8") from None


def _plain(data: bytes) -> Iterator[Ignored]:
    """`.trivyignore`: an ID on each line, perhaps with `exp:` and a date; comments say why."""
    said: list[str] = []
    for number, raw in enumerate(data.decode("utf-8-sig").splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            said.append(line.lstrip("# "))
            continue
        words = line.split()
        if words:
            place, why = f"line {number}", " ".join(said)
            until = next((w[4:] for w in words[1:] if w.startswith("exp:")), "")
            yield _item(place, words[0], (), until, why)
        said = []


def _yaml(data: bytes) -> Iterator[Ignored]:
    """`.trivyignore.yaml`: lists of items, by what they are about."""
    root = read_yaml(data)
    if not isinstance(root, Map):
        raise ProblemError(root.position, "expected a mapping", f"one of {', '.join(_SECTIONS)}")
    for key, section in root.entries:
        kind = getattr(key, "text", "")
        if kind not in _SECTIONS:
            known = f"one of {', '.join(_SECTIONS)}"
            raise ProblemError(key.position, f"{key} is nothing that Trivy ignores", known)
        if isinstance(section, Scalar) and section.empty:
            continue
        if not isinstance(section, Sequence):
            raise ProblemError(section.position, f"expected a list, found {section}")
        yield from (_yaml_item(kind, node) for node in section.items)


def _yaml_item(kind: str, node: Node) -> Ignored:
    place = f"line {node.position.line}"
    if not isinstance(node, Map):
        return Ignored(place, "", problem=f"expected an item, found {node}")
    said = {getattr(key, "text", ""): value for key, value in node.entries}
    name = _text(said.get("id"))
    unknown = sorted(said.keys() - _KEYS)
    if unknown:
        return Ignored(place, name, problem=f"nobody knows what {unknown[0]!r} means here")
    if kind != "vulnerabilities":
        return Ignored(place, name, problem=f"it is about {kind}, and names no package or image")
    if "paths" in said:
        problem = "it is for some paths, and a waiver follows packages, wherever they are"
        return Ignored(place, name, problem=problem)
    purls = said.get("purls")
    packages = tuple(map(_text, purls.items)) if isinstance(purls, Sequence) else ()
    if purls is not None and not all(packages or ("",)):
        return Ignored(place, name, problem="its purls are no list of package URLs")
    return _item(place, name, packages, _text(said.get("expired_at")), _text(said.get("statement")))


def _item(place: str, name: str, packages: tuple[str, ...], until: str, why: str) -> Ignored:
    if not _VULNERABILITY.fullmatch(name):
        return Ignored(place, name, problem="it is not the ID of a vulnerability")
    try:
        ends = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    except ValueError:
        return Ignored(place, name, problem=f"{until[:40]!r} is not a date")
    return Ignored(place, name, packages, ends, why)


def _findings(data: bytes) -> Iterator[Ignored]:
    """Dependency-Track's Finding Packaging Format: of its findings, those that are suppressed."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("it is not JSON", because=str(error)) from error
    if not isinstance(document, dict) or "findings" not in document:
        known = isinstance(document, dict) and document.get("bomFormat") == "CycloneDX"
        raise InputError(
            "it is no export of Dependency-Track's findings",
            because="it is a CycloneDX document" if known else "it has no findings",
            hint="VEX is no request to accept a risk: supplychain vex import"
            if known
            else "export it with GET /api/v1/finding/project/{uuid}/export",
        )
    found = document["findings"]
    if not isinstance(found, list):
        raise InputError("its findings are no list", hint="export it anew")
    for number, finding in enumerate(found, 1):
        analysis = _part(finding, "analysis")
        if analysis.get("isSuppressed") is True:
            yield _suppressed(f"finding {number}", finding, analysis)


def _suppressed(place: str, finding: Any, analysis: Mapping[str, Any]) -> Ignored:
    vulnerability, component = _part(finding, "vulnerability"), _part(finding, "component")
    named = [vulnerability.get("vulnId")]
    aliases = vulnerability.get("aliases")
    for alias in aliases if isinstance(aliases, list) else ():
        named += [alias.get("cveId"), alias.get("ghsaId")] if isinstance(alias, dict) else []
    names = [n for n in named if isinstance(n, str)]
    name = next((n for n in names if _VULNERABILITY.fullmatch(n)), names[0] if names else "")
    purl = component.get("purl")
    if not isinstance(purl, str) or not purl.startswith("pkg:"):
        what = component.get("name")
        return Ignored(place, name, problem=f"its component {what!r} has no package URL")
    state = analysis.get("state")
    why = f"suppressed in Dependency-Track as {state if isinstance(state, str) else 'NOT_SET'}"
    return _item(place, name, (purl,), "", why)


def _part(of: Any, name: str) -> Mapping[str, Any]:
    part = of.get(name) if isinstance(of, dict) else None
    return part if isinstance(part, dict) else {}


def _text(node: Node | None) -> str:
    return node.text.strip() if isinstance(node, Scalar) and not node.empty else ""
