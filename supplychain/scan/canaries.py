"""Canaries: does the real Trivy, with this database, find what is known to be there?

A database that lost a bucket, or that Trivy does not understand, makes every image look clean.
One tiny SBOM per operating system release (an SBOM has only one), the first of which also carries
a package of every language ecosystem, tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from packageurl import PackageURL

from supplychain.errors import ToolOutputError, VulnerabilityDatabaseError
from supplychain.scan.kinds import Kind, kinds
from supplychain.scan.trivy import SOURCE, Trivy, private_folder

# Some releases have names that mean nothing to anybody but must be there.
_ANY_RELEASE = "20230201"


def prove(trivy: Trivy, cache: Path, buckets: Collection[str], workspace: Path) -> tuple[str, ...]:
    """The names of the kinds that this database is proven to know, sorted.

    Args:
        trivy: The tool.
        cache: A cache folder whose `db` is the database to prove.
        buckets: The database's buckets that hold something.
        workspace: An existing private folder.

    Raises:
        VulnerabilityDatabaseError: A required canary stays silent, or there is none to run.
        ToolError: Trivy failed.
    """
    claimed = tuple(kind for kind in kinds() if kind.is_in(buckets))
    if not claimed:
        raise VulnerabilityDatabaseError(
            "the vulnerability database is empty, or knows nothing that can be checked",
            because=f"of its {len(buckets)} sets of advisories there is a canary for none",
            hint="fetch another: supplychain vulndb pull",
        )
    sang = {
        kind.name
        for cage in _cages(claimed)
        for kind, found in _listen(trivy, cache, cage, workspace)
        if found & set(kind.expect)
    }
    silent = [kind for kind in claimed if kind.required and kind.name not in sang]
    if silent:
        raise VulnerabilityDatabaseError(
            "the vulnerability database does not know what it must",
            because="; ".join(
                f"{kind.name}: none of {', '.join(kind.expect)} in {kind.purl}" for kind in silent
            ),
            hint="fetch another: supplychain vulndb pull",
        )
    return tuple(sorted(sang))


def _cages(claimed: Iterable[Kind]) -> Iterator[tuple[Kind, ...]]:
    """The canaries that fit into one SBOM together."""
    systems = [kind for kind in claimed if kind.family]
    ecosystems = [kind for kind in claimed if not kind.family]
    yield (*systems[:1], *ecosystems)
    for system in systems[1:]:
        yield (system,)


def _listen(
    trivy: Trivy, cache: Path, cage: tuple[Kind, ...], workspace: Path
) -> Iterator[tuple[Kind, set[str]]]:
    """Every kind with the vulnerabilities that were found in packages of it."""
    with private_folder(workspace) as folder:
        sbom = folder / "sbom.json"
        sbom.write_bytes(_sbom(cage))
        (folder / "run").mkdir()
        arguments = ("sbom", SOURCE, "--cache-backend", "memory")
        raw = trivy.report(arguments, sbom, cache, folder / "run")
    try:
        results = orjson.loads(raw).get("Results") or ()
        for kind in cage:
            yield kind, {found for result in results for found in _found(kind, result)}
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ToolOutputError(
            "Trivy's report on the canaries cannot be read", because=str(error)
        ) from error


def _found(kind: Kind, result: dict[str, Any]) -> Iterator[str]:
    is_system = result["Class"] == "os-pkgs"
    if is_system if kind.family else result["Type"] in kind.types:
        for vulnerability in result.get("Vulnerabilities") or ():
            yield vulnerability["VulnerabilityID"]


def _sbom(cage: tuple[Kind, ...]) -> bytes:
    components = [_component(kind) for kind in cage]
    for kind in cage:
        if kind.family:
            release = _ANY_RELEASE if kind.release == "*" else kind.release
            components.append({"type": "operating-system", "name": kind.family, "version": release})
    return orjson.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
    )


def _component(kind: Kind) -> dict[str, str]:
    purl = PackageURL.from_string(kind.purl)
    # These two write their namespace as part of the name, and Trivy takes the name as it stands.
    whole = purl.type in {"golang", "composer"}
    return {
        "type": "library",
        "bom-ref": kind.name,
        "name": f"{purl.namespace}/{purl.name}" if whole else purl.name,
        "version": purl.version or "",
        "purl": kind.purl,
    }
