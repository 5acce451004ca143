"""Policies that are made of several documents: each is read with those that it includes.

What comes of them together is told in `supplychain.gate.union`.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Callable, Sequence

from supplychain.errors import InputError, PolicyError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate.fields import fields
from supplychain.gate.nodes import Mapping, Node, Position, ProblemError, Scalar
from supplychain.gate.nodes import Sequence as Nodes
from supplychain.gate.options import Kind, ListOf, Word, options_of
from supplychain.gate.override import OVERRIDES
from supplychain.gate.policy import Policy
from supplychain.gate.reading import Reading
from supplychain.gate.union import Document, Stated, united

# An organisation, a division, a team, an environment, and as much again.
DEPTH_LIMIT = 8
DOCUMENT_LIMIT = 32
READY = "builtin:"


def _path(text: str) -> str:
    if not text.strip() or "\x00" in text:
        raise InputError(f"{text!r} is no path", hint="name a file, or builtin:strict")
    return text


INCLUDES = ListOf(
    Word("a path, or builtin:NAME", _path, {"type": "string", "minLength": 1}),
)
# What a document may have beside the keys of a policy, and what it means.
COMPOSING: dict[str, tuple[Kind, str]] = {
    "include": (INCLUDES, "documents whose rules hold here too: paths, or builtin:NAME"),
    "override": (OVERRIDES, "what this document takes back of those that it includes"),
}


@dataclass(frozen=True, slots=True)
class Located:
    """A problem, and the document that has it.

    Attributes:
        source: The document's name.
        problem: The problem.
        chain: The places by which that document was included, the nearest first.
    """

    source: str
    problem: ProblemError
    chain: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people, with line, column and hint."""
        place = self.problem.position
        said = f"{self.source}:{place.line}:{place.column}: {self.problem}"
        said += f"; {self.problem.hint}" if self.problem.hint else ""
        return said + "".join(f", included by {by}" for by in self.chain)


@dataclass(frozen=True, slots=True)
class _File:
    """One document while it is read.

    Attributes:
        name: Its path, relative to what the paths of the policy are relative to.
        reading: What it is read with.
        chain: The places by which it was included, the nearest first.
        above: The documents that include it, by their names for people, the nearest last.
    """

    name: str
    reading: Reading
    chain: tuple[str, ...] = ()
    above: tuple[str, ...] = ()

    @property
    def line(self) -> tuple[str, ...]:
        """It and the documents above it."""
        return (*self.above, posixpath.normpath(self.reading.source))


class Composer:
    """Reads a document with all that it includes, and keeps what is wrong with any of them."""

    def __init__(self, reading: Reading, body: Callable[[bytes], Mapping]) -> None:
        """Begin.

        Args:
            reading: What to read with; its paths are relative to the policy's file.
            body: Gives the mapping in the bytes of a document, without its version; raises
                `ProblemError` where it is none.
        """
        self._reading = reading
        self._body = body
        self._included = 0
        self.problems: list[Located] = []

    def policy(self, data: bytes) -> Policy | None:
        """The policy of an environment, flattened; None where there are problems."""
        file = self._root()
        said = self._read(file, data)
        return None if said is None else self._made(said, file)

    def policy_or_part(self, data: bytes) -> Policy | Stated | None:
        """The same, or where no environment is named, what the document says."""
        file = self._root()
        said = self._read(file, data, whole=False)
        return self._made(said, file) if said and "environment" in said.keys else said

    def _root(self) -> _File:
        return _File(posixpath.basename(self._reading.source), self._own(self._reading))

    def _made(self, said: Stated, file: _File) -> Policy | None:
        try:
            return Policy(
                rules=said.rules,
                origins=said.origins,
                overridden=said.overridden,
                **{key: one.value for key, one in said.keys.items()},
            )
        except PolicyError as error:
            self._refuse(file, ProblemError(said.position, str(error), error.hint))
            return None

    def _own(self, reading: Reading) -> Reading:
        """For one document, whose problems are kept apart."""
        return dataclasses.replace(reading, problems=[])

    def _refuse(self, file: _File, *problems: ProblemError) -> None:
        ordered = sorted(problems, key=lambda problem: problem.position)
        self.problems += [Located(file.reading.source, p, file.chain) for p in ordered]

    def _read(self, file: _File, data: bytes, *, whole: bool = True) -> Stated | None:
        """What a document says; None where it, or one that it includes, has problems."""
        before = len(self.problems)
        said = None
        try:
            document = self._document(self._body(data), file, whole=whole)
            if document is not None:
                said = united(document)
        except ProblemError as problem:
            file.reading.problems.append(problem)
        self._refuse(file, *file.reading.problems)
        return said if len(self.problems) == before else None

    def _document(self, body: Mapping, file: _File, *, whole: bool) -> Document | None:
        problems = file.reading.problems
        includes = any(isinstance(k, Scalar) and k.text == "include" for k, _ in body.entries)
        known = {
            name: whole and one.required and not (includes and name == "rules")
            for name, one in options_of(Policy).items()
        }
        found = fields(body, known | dict.fromkeys(COMPOSING, False), "the policy", problems)
        kinds = {name: one.kind for name, one in options_of(Policy).items()}
        kinds |= {name: kind for name, (kind, _) in COMPOSING.items()}
        values = {}
        for name, node in found.items():
            try:
                values[name] = kinds[name].read(node, file.reading)
            except ProblemError as problem:
                problems.append(problem)
        said = self._includes(file, found.get("include"), values.pop("include", ()))
        if problems or None in said:
            return None
        included = tuple(one for one in said if one is not None)
        return Document(file.reading, body.position, found, values, included)

    def _includes(
        self, file: _File, node: Node | None, paths: Sequence[str]
    ) -> list[Stated | None]:
        """What each included document says; not to get at one is a problem of the including."""
        items = node.items if isinstance(node, Nodes) and paths else ()
        said: list[Stated | None] = []
        for path, item in zip(paths, items, strict=True):
            try:
                said.append(self._include(file, path, item.position))
            except ProblemError as problem:
                file.reading.problems.append(problem)
        return said

    def _include(self, file: _File, path: str, position: Position) -> Stated | None:
        source, name = _joined(file.reading.source, path), _joined(file.name, path)
        if posixpath.normpath(source) in file.line:
            circle = " → ".join((*file.line, posixpath.normpath(source)))
            raise ProblemError(position, f"the documents include one another: {circle}", _CUT)
        self._included += 1
        if len(file.line) > DEPTH_LIMIT or self._included > DOCUMENT_LIMIT:
            raise ProblemError(
                position,
                f"a policy is made of at most {DOCUMENT_LIMIT} documents, which include one "
                f"another at most {DEPTH_LIMIT} deep: {' → '.join((*file.line, source))}",
                "include fewer, or write their rules into one",
            )
        try:
            data = self._reading.read_document(name)
        except SupplyChainError as error:
            raise ProblemError(position, str(error), error.hint or error.because) from error
        reading = dataclasses.replace(
            self._own(self._reading),
            source=source,
            read_key=lambda key: self._reading.read_key(_joined(name, key)),
            read_document=lambda other: self._reading.read_document(_joined(name, other)),
        )
        place = f"{file.reading.source}:{position.line}:{position.column}"
        return self._read(_File(name, reading, (place, *file.chain), file.line), data, whole=False)


_CUT = "take one of the includes out; what both need goes into a third document"


def _joined(document: str, path: str) -> str:
    """A path that stands in a document, relative to what the document's own path is."""
    if path.startswith((READY, "~")) or document.startswith(READY):
        return path
    return posixpath.join(posixpath.dirname(document), path)
