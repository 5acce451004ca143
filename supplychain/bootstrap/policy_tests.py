"""Tests beside policies: which files they are in, and which policy each file is about."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.bootstrap.trust import load_policy, read_document
from supplychain.errors import NotFoundError
from supplychain.frozen import dataclass
from supplychain.settings import expanded

if TYPE_CHECKING:
    from supplychain.gate.policy_tests import PolicyTest

_SUFFIX = ".test.yaml"
_FOLDER = "tests"


@dataclass(frozen=True, slots=True)
class TestedFile:
    """A file of tests, judged.

    Attributes:
        path: The file.
        policy: The file of the policy that it is about.
        tests: What came of each.
    """

    # Not a class of tests, whatever its name.
    __test__ = False

    path: Path
    policy: Path
    tests: tuple[PolicyTest, ...]


def find_tests(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files of tests among files and folders: `NAME.test.yaml`, and what is in `tests/`.

    Raises:
        NotFoundError: There is no such path, or no test in any of them: to test nothing is not to
            have tested.
    """
    named = list(paths)
    found: dict[Path, None] = {}
    for path in named:
        if not path.exists():
            raise NotFoundError(f"there is no {path}", hint=f"it was looked for from {Path.cwd()}")
        beside = (*path.glob(f"*{_SUFFIX}"), *path.glob(f"{_FOLDER}/*.yaml"))
        found |= dict.fromkeys(sorted(beside) if path.is_dir() else [path])
    if not found:
        raise NotFoundError(
            f"there are no tests of policies in {', '.join(map(str, named))}",
            hint=f"write some: prod{_SUFFIX} beside prod.yaml; docs/policy.md has examples",
        )
    return tuple(found)


def run_file(path: Path) -> TestedFile:
    """Judge every test of a file.

    Raises:
        NotFoundError: The file, or the policy that it is about, is not there.
        PolicyError: The policy cannot be used, or the file is no file of tests.
    """
    from supplychain.gate.policy_tests import policy_of_tests, run_tests
    from supplychain.signing.trust.keys import fingerprint_of_pem

    data = read_document(path, "file of tests")
    named = policy_of_tests(data, source=str(path))
    policy = path.parent / expanded(named) if named else _policy_beside(path)
    results = run_tests(
        data,
        load_policy(policy),
        source=str(path),
        read_key=lambda name: read_document(path.parent / expanded(name), "public key"),
        fingerprint=fingerprint_of_pem,
    )
    return TestedFile(path, policy, results)


def _policy_beside(path: Path) -> Path:
    """The policy of the same name: `prod.yaml` for `prod.test.yaml` and for `tests/prod.yaml`."""
    name = path.name.removesuffix(_SUFFIX).removesuffix(".yaml")
    folder = path.parent.parent if path.parent.name == _FOLDER else path.parent
    return folder / f"{name}.yaml"
