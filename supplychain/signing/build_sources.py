"""From what source something was built, as provenance says it.

Builders write it in different places: GitHub Actions names the workflow's repository and ref
(`externalParameters.workflow`), GitLab the project (`externalParameters.source`), BuildKit and the
older form of provenance a `configSource`; Tekton Chains only the dependency. The commit is that of
the resolved dependency of the same address (SLSA provenance v1, "BuildDefinition"; v0.2,
"invocation.configSource" and "materials").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from supplychain.frozen import dataclass

_Fields = Mapping[str, object]
_SCHEME = "git+"
_COMMITS = ("gitCommit", "sha1")


@dataclass(frozen=True, slots=True)
class BuildSource:
    """From where something was built; "" for what is not said.

    Attributes:
        repository: The repository's address, without `git+`, `.git` and ref.
        ref: The branch or tag: `refs/heads/main`.
        commit: The commit, lower-case hexadecimal.
    """

    repository: str = ""
    ref: str = ""
    commit: str = ""


def source_of(predicate: _Fields) -> BuildSource:
    """From where provenance of either version says that something was built.

    What is of another shape than expected says nothing.
    """
    definition = _object(predicate, "buildDefinition")
    parameters = _object(definition, "externalParameters")
    invocation = _object(predicate, "invocation")
    config = _object(parameters, "configSource") or _object(invocation, "configSource")
    workflow = _object(parameters, "workflow")
    address = _text(workflow, "repository") or _text(parameters, "source") or _text(config, "uri")
    dependencies = [
        *_list(definition, "resolvedDependencies"),
        *_list(predicate, "materials"),
    ]
    sources = [d for d in dependencies if _text(d, "uri").startswith((_SCHEME, "https://"))]
    if not address:
        only = [d for d in sources if _text(d, "uri").startswith(_SCHEME)]
        # Of several nobody says which one is the source.
        address = _text(only[0], "uri") if len(only) == 1 else ""
    repository, ref = _split(address)
    if not repository:
        return BuildSource()
    named = [d for d in sources if _split(_text(d, "uri"))[0] == repository]
    commits = {c for d in (*named, *([config] if config else [])) for c in _commits(d)}
    refs = {r for d in named if (r := _split(_text(d, "uri"))[1])}
    ref = _text(workflow, "ref") or ref or (refs.pop() if len(refs) == 1 else "")
    return BuildSource(repository, ref, commits.pop() if len(commits) == 1 else "")


def _split(address: str) -> tuple[str, str]:
    """The repository and the ref in an address: `git+https://host/a/b.git@refs/heads/main`."""
    bare = address.removeprefix(_SCHEME)
    if not bare.startswith("https://"):
        return "", ""
    bare, _, fragment = bare.partition("#")
    before, at, ref = bare.rpartition("@")
    if at and "/" in before.removeprefix("https://"):
        bare = before
    else:
        ref = fragment
    return bare.rstrip("/").removesuffix(".git").rstrip("/"), ref


def _commits(dependency: _Fields) -> Iterator[str]:
    digests = _object(dependency, "digest")
    yield from (_text(digests, name).lower() for name in _COMMITS if _text(digests, name))


def _object(fields: _Fields, name: str) -> _Fields:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _list(fields: _Fields, name: str) -> list[_Fields]:
    found = fields.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _text(fields: _Fields, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""
