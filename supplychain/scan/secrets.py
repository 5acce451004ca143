"""What Trivy takes for secrets; nothing is kept of the secret itself or the lines around it."""

from __future__ import annotations

from collections.abc import Sequence

from supplychain.model.digest import Digest
from supplychain.model.image_config import Secret
from supplychain.scan.fields import Node, required, text

_CLASS = "secret"


def read_secrets(results: Sequence[Node]) -> tuple[Secret, ...]:
    """What looks like a secret in the results of a report, sorted by path, line and rule.

    Raises:
        TypeError: Something is not of the shape that Trivy gives it.
        ValueError: Something is missing.
    """
    found = {
        _secret(node, text(result, "Target").lstrip("/"))
        for result in results
        if result["Class"] == _CLASS
        for node in result.get("Secrets") or ()
    }
    return tuple(sorted(found, key=lambda s: (s.path, s.line, s.rule, str(s.layer))))


def _secret(node: Node, path: str) -> Secret:
    line = node.get("StartLine", 0)
    if not isinstance(line, int) or isinstance(line, bool) or line < 0:
        raise TypeError("StartLine is not a number")
    layer = (node.get("Layer") or {}).get("DiffID")
    return Secret(
        rule=required(node, "RuleID"),
        category=text(node, "Category"),
        severity=text(node, "Severity").lower() or "unknown",
        title=text(node, "Title"),
        path=path,
        line=line,
        layer=Digest.parse(layer) if layer else None,
    )
