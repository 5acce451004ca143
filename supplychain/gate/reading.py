"""What reading a policy takes from outside of it: keys, other documents, an interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from supplychain.errors import InputError
from supplychain.frozen import dataclass
from supplychain.gate.nodes import Position, ProblemError


def no_documents(path: str) -> bytes:
    """Where there is nothing to read other documents from.

    Raises:
        InputError: Always.
    """
    raise InputError(f"{path} cannot be read from here")


def no_rego(_question: Mapping[str, object]) -> str:
    """Where nothing evaluates Rego.

    Raises:
        InputError: Always.
    """
    raise InputError("nothing reads Rego here")


@dataclass(frozen=True, slots=True)
class Reading:
    """What it takes to read a policy without any input or output of its own.

    Attributes:
        read_key: The bytes at a path as the policy writes it, relative to the policy's file.
        fingerprint: The fingerprint of a public key in PEM; raises `SupplyChainError` for what
            is not one.
        problems: What was found wrong so far.
        source: The document's name, for people.
        read_document: The bytes of another document at a path as the policy writes it, relative
            to the policy's file.
        run_rego: Evaluates a module of Rego: the answer to a question of `supplychain.gate.rego`.
    """

    read_key: Callable[[str], bytes]
    fingerprint: Callable[[bytes], str]
    problems: list[ProblemError]
    source: str = ""
    read_document: Callable[[str], bytes] = no_documents
    run_rego: Callable[[Mapping[str, object]], str] = no_rego

    def place(self, position: Position) -> str:
        """A place in the document, for people: `prod.yaml:7`."""
        return f"{self.source}:{position.line}"
