"""From the bytes of a policy document to a policy, or to everything that is wrong with it."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable

from supplychain.errors import PolicyError
from supplychain.gate.composition import Composer, Located
from supplychain.gate.nodes import Mapping, Node, ProblemError, Scalar
from supplychain.gate.policy import SCHEMA_VERSION, Policy
from supplychain.gate.reading import Reading, no_documents, no_rego
from supplychain.gate.union import Stated
from supplychain.gate.yaml_text import read_yaml

_VERSION = "schemaVersion"


def load_policy(
    data: bytes,
    *,
    source: str,
    read_key: Callable[[str], bytes],
    fingerprint: Callable[[bytes], str],
    read_document: Callable[[str], bytes] = no_documents,
    run_rego: Callable[[collections.abc.Mapping[str, object]], str] = no_rego,
) -> Policy:
    """Read a policy document: YAML as people write it, or the canonical JSON of a policy.

    What it includes is read with it, and the policy that comes of it is whole.

    Args:
        data: The document.
        source: Its name for messages: the file's path.
        read_key: Gives the bytes of a key by the path that the policy writes, which is relative
            to the policy's file; a `SupplyChainError` of it becomes a problem of the policy.
        fingerprint: Gives the fingerprint of a public key in PEM, as `VerifiedAttestation` has
            it; raises a `SupplyChainError` for what is not a public key.
        read_document: Gives the bytes of a document that is included, by its path relative to the
            policy's file, or by `builtin:NAME`.
        run_rego: Evaluates a policy in Rego, as `supplychain.gate.rego` asks for it; it has to be
            a function of what it is given alone.

    Raises:
        PolicyError: The document is no usable policy. The message has the first problem with
            line and column, `because` all the others.
    """
    composer = Composer(Reading(read_key, fingerprint, [], source, read_document, run_rego), _read)
    policy = composer.policy(data)
    if policy is None:
        raise _error(source, composer.problems)
    return policy


def load_policy_or_part(
    data: bytes,
    *,
    source: str,
    read_key: Callable[[str], bytes],
    fingerprint: Callable[[bytes], str],
    read_document: Callable[[str], bytes] = no_documents,
    run_rego: Callable[[collections.abc.Mapping[str, object]], str] = no_rego,
) -> Policy | Stated:
    """The policy of a document; or what it says, where it is a part for policies to include.

    Args:
        data: As `load_policy`, and so are the others.
        source: As there.
        read_key: As there.
        fingerprint: As there.
        read_document: As there.
        run_rego: As there.

    Raises:
        PolicyError: The document is no policy and cannot be part of one.
    """
    composer = Composer(Reading(read_key, fingerprint, [], source, read_document, run_rego), _read)
    found = composer.policy_or_part(data)
    if found is None:
        raise _error(source, composer.problems)
    return found


def _read(data: bytes) -> Mapping:
    return _body(read_yaml(data))


def _body(root: Node) -> Mapping:
    """The document without its version, once that is known to be ours."""
    if not isinstance(root, Mapping):
        raise ProblemError(root.position, f"a policy is a mapping, found {root}")
    versions = [
        (key, value)
        for key, value in root.entries
        if isinstance(key, Scalar) and key.text == _VERSION
    ]
    if not versions:
        raise ProblemError(root.position, f"the policy needs {_VERSION!r}", f"{_VERSION}: 1")
    if len(versions) > 1:
        raise ProblemError(versions[1][0].position, f"{_VERSION!r} is given twice")
    _check(versions[0][1])
    return Mapping(root.position, tuple(e for e in root.entries if e != versions[0]))


def _check(version: Node) -> None:
    if not isinstance(version, Scalar) or not (version.plain and version.text.isdecimal()):
        raise ProblemError(
            version.position, f"expected a number, found {version}", f"{_VERSION}: 1"
        )
    if version.text != str(SCHEMA_VERSION):
        raise ProblemError(
            version.position,
            f"{_VERSION} {version.text} is not known to this supplychain",
            f"it reads {SCHEMA_VERSION}; a newer document needs a newer supplychain",
        )


def _error(source: str, problems: list[Located]) -> PolicyError:
    lines = [str(problem) for problem in problems]
    return PolicyError(
        lines[0],
        because=f"and {len(lines) - 1} more: {' · '.join(lines[1:])}" if lines[1:] else None,
        hint=f"correct it, then: supplychain policy check {source}",
    )
