"""How a policy is shown: as people would write it, and with where each rule came from."""

from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supplychain.gate.policy import Policy


def as_document(policy: Policy) -> dict[str, object]:
    """The policy as the gate reads it, its version first."""
    canonical = json.loads(policy.canonical())
    return {"schemaVersion": canonical.pop("schemaVersion"), **canonical}


def origins(policy: Policy) -> dict[str, object]:
    """Where each rule and key came from, and what was overridden."""
    return {
        "origins": dict(policy.origins) | {"rules": [entry.origin for entry in policy.rules]},
        "overridden": list(policy.overridden),
    }


def as_yaml(document: dict[str, object]) -> str:
    """A document as people would write it: keys in blocks, not with escaped line ends."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """With block style for texts of several lines."""

    def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, block)
    return str(yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True))


def as_explained_yaml(policy: Policy) -> str:
    """The policy as people would write it, with a comment on where everything came from."""
    places = dict(policy.origins)
    lines = [f"# {line}\n" for line in policy.overridden]
    document = as_document(policy)
    rules = document.pop("rules")
    for key, value in document.items():
        lines += [f"# from {places[key]}\n"] if key in places else []
        lines.append(as_yaml({key: value}))
    lines.append("rules:\n")
    # The document is our own canonical form, which has a list there.
    for entry, rule in zip(policy.rules, rules if isinstance(rules, list) else (), strict=True):
        lines.append(f"  # from {entry.origin}\n")
        named = {"id": rule["id"], **rule} if "id" in rule else rule
        lines.append("  - " + indent(as_yaml(named), "    ")[4:])
    return "".join(lines)
