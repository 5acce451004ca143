"""The JSON Schema of policy documents, made from the rules themselves, for editors."""

from __future__ import annotations

from supplychain.gate.authorities import Authorities
from supplychain.gate.composition import COMPOSING
from supplychain.gate.options import Json, object_schema, options_schema
from supplychain.gate.override import Override
from supplychain.gate.policy import SCHEMA_VERSION, Policy
from supplychain.gate.rule_list import rule_schema


def policy_schema() -> dict[str, Json]:
    """The schema, draft 2020-12; what it accepts `load_policy` may still refuse, with a reason."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "supplychain policy",
        **_document(),
        "$defs": {
            "authorities": object_schema(Authorities),
            "override": object_schema(Override),
            "rule": rule_schema(),
        },
    }


def _document() -> dict[str, Json]:
    """What a document may have; a part, which names no environment, may leave out most of it."""
    composing: dict[str, Json] = {
        name: {**kind.schema, "description": text} for name, (kind, text) in COMPOSING.items()
    }
    return {
        "type": "object",
        "properties": {
            "schemaVersion": {"const": SCHEMA_VERSION},
            **options_schema(Policy),
            **composing,
        },
        "required": ["schemaVersion"],
        "if": {"required": ["environment"]},
        "then": {"anyOf": [{"required": ["rules"]}, {"required": ["include"]}]},
        "additionalProperties": False,
    }
