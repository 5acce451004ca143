"""Policies in Rego, as OPA and Conftest have them: what is refused, what is asked, what is read.

Rego is lenient where a gate must not be: what is misspelt is undefined, and what is undefined
denies nothing. So what can be told from the text is refused when it is read: other rules than
`deny`, keys that the evidence has not, functions that reach out of the evidence.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import field

from supplychain.errors import InputError, SupplyChainError
from supplychain.frozen import dataclass
from supplychain.gate.evidence_document import KEYS, Plain
from supplychain.gate.nodes import Node, ProblemError
from supplychain.gate.options import Json, nearest, scalar
from supplychain.gate.reading import Reading

SIZE_LIMIT = 64 * 1024
# Namespaces of functions that give the same for the same, and nothing that is not in it.
_PURE = frozenset(
    {"array", "base64", "base64url", "bits", "glob", "hex", "json", "object", "regex"}
)
_PURE |= {"semver", "strings", "units", "urlquery", "crypto"}
_IMPORTS = re.compile(r"^\s*import\s+(rego\.v1|future\.keywords(\.\w+)?)\s*$", re.MULTILINE)
_STRINGS_AND_COMMENTS = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|#[^\n]*')
_PACKAGE = re.compile(r"^\s*package\s+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*$", re.MULTILINE)
_DOTTED = re.compile(r"(?<![\w.\])])([a-z_]\w*)\s*\.\s*([a-z_]\w*)(?:\s*\.\s*\w+)*\s*(\()?")
# What Rego calls these, and what only looks as if it denied.
_OUTSIDE = frozenset({"http", "io", "net", "opa", "providers", "rand", "rego", "time", "trace"})
_OUTSIDE |= {"uuid", "graphql", "numbers", "graph"}
_IGNORED = re.compile(r"^(warn|violation|exception|(?:deny|warn|violation)_\w+)\b", re.MULTILINE)
_OLD = re.compile(r"^deny\s*\[", re.MULTILINE)
_SHAPE = "package main, and: deny contains msg if { ...; msg := ... }"


@dataclass(frozen=True, slots=True)
class Module:
    """A module in Rego, and what evaluates it.

    Attributes:
        text: The module; two modules with one text are the same.
        run: Evaluates it: a function of what it is given.
    """

    text: str
    run: Callable[[Mapping[str, object]], str] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What a policy in Rego says of a document.

    Attributes:
        messages: Why it denies, sorted; a message may be empty.
        error: What went wrong; "" for nothing.
    """

    messages: tuple[str, ...] = ()
    error: str = ""


def check(module: Module) -> None:
    """Refuse a module that cannot be judged by.

    Raises:
        InputError: It is too large, no Rego, reaches out of the evidence, or denies nothing.
    """
    text = module.text
    if len(text) > SIZE_LIMIT:
        raise InputError(f"the Rego has {len(text)} characters, the limit is {SIZE_LIMIT}")
    bare = code(text)
    if not _PACKAGE.search(bare):
        raise InputError("the Rego names no package", hint=_SHAPE)
    ignored, old = _IGNORED.search(bare), _OLD.search(bare)
    if ignored:
        raise InputError(
            f"nothing reads the rule {ignored[1]} of the Rego, only deny is read", hint=_SHAPE
        )
    if old:
        raise InputError("the Rego is written as OPA had it before 1.0", hint=_SHAPE)
    _require_known(bare)
    said = judge(module, dict.fromkeys(KEYS), strict=False)
    if said.error:
        raise InputError(f"the Rego cannot be judged by: {said.error}", hint=_SHAPE)


def code(text: str) -> str:
    """A module without what is said in texts, comments and the imports of Rego's own words."""
    bare = _STRINGS_AND_COMMENTS.sub(lambda found: '""' if found[0][0] != "#" else "", text)
    return _IMPORTS.sub("", bare)


def _require_known(bare: str) -> None:
    """Refuse functions that reach out, and what the evidence does not have.

    Raises:
        InputError: There is one.
    """
    for root, second, call in _DOTTED.findall(bare):
        if root in _OUTSIDE or (call and root not in _PURE | {"data"}):
            raise InputError(
                f"{root}.{second} is not for policies: they judge by the evidence alone",
                hint=f"functions of {', '.join(sorted(_PURE))}, and those without a dot",
            )
        if root == "input" and second not in KEYS:
            raise InputError(f"the evidence has no {second!r}", hint=nearest(second, KEYS))
    if re.search(r"\binput\b(?!\s*\.\s*[a-z_])", bare):
        raise InputError(
            "the Rego reads input as a whole, so that nobody can tell what it needs",
            hint="name what is read: input.findings",
        )


def judge(module: Module, document: Mapping[str, Plain], *, strict: bool = True) -> Said:
    """What a module says of a document; whatever goes wrong is told as that.

    Args:
        module: The module.
        document: The evidence.
        strict: Whether a function that fails is an error; else what it stands in is undefined.
    """
    package = _PACKAGE.search(code(module.text))
    deny = f"data.{package[1] if package else 'main'}.deny"
    # The interpreter writes texts into its result without marking their quotes, so that a name
    # in an image could end the list of reasons: a number and base64 have nothing to mark.
    query = f'[count({deny}), [base64.encode(sprintf("%v", [m])) | some m in {deny}]]'
    question = {"module": module.text, "query": query, "input": document, "strict": strict}
    try:
        return _read(module.run(question), deny)
    except SupplyChainError as error:
        return Said(error=_reason(error))


def _read(found: str, deny: str) -> Said:
    if found == "undefined":
        return Said(error=f"{deny} is not there, or is no set of messages")
    try:
        count, messages = json.loads(found)["expressions"][0]
        told = sorted(b64decode(one, validate=True).decode("utf-8", "replace") for one in messages)
    except (ValueError, KeyError, TypeError, IndexError):
        return Said(error=f"{deny} is no set of messages")
    if not isinstance(count, int) or isinstance(count, bool):
        return Said(error=f"{deny} is no set of messages")
    return Said(tuple((told + [""] * count)[:count]))


def _reason(error: SupplyChainError) -> str:
    """What the interpreter says, whose words about a module come as a tree."""
    said = str(error)
    message = re.search(r"errormsg \d+:([^)]*)\)", said)
    place = re.search(r"policy\.rego:(\d+):(\d+)", said)
    where = f" (its line {place[1]}, column {place[2]})" if place else ""
    if message:
        return message[1] + where
    hint = f"; {error.hint}" if error.hint else ""
    return (said.splitlines() or ["it is no Rego"])[0][:200] + hint


@dataclass(frozen=True, slots=True)
class _ModuleKind:
    """The path of a module, or its text; the canonical form is the text."""

    @property
    def schema(self) -> dict[str, Json]:
        """See `Kind.schema`."""
        return {"type": "string", "minLength": 1}

    def read(self, node: Node, reading: Reading, /) -> Module:
        """See `Kind.read`."""
        text = scalar(node, "the path of a Rego file, or its text").text
        if "\n" not in text.strip():
            try:
                text = reading.read_document(text).decode("utf-8")
            except SupplyChainError as error:
                raise ProblemError(
                    node.position, str(error), error.hint or error.because
                ) from error
            except UnicodeDecodeError:
                raise ProblemError(node.position, f"{node} is not UTF-8 text") from None
        text = "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"
        module = Module(text, reading.run_rego)
        try:
            check(module)
        except InputError as error:
            raise ProblemError(node.position, str(error), error.hint) from None
        return module

    def write(self, value: Module, /) -> Json:
        """See `Kind.write`."""
        return value.text


MODULE = _ModuleKind()
