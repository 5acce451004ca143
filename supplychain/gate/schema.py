"""The JSON Schema of policy documents, made from the rules themselves, for editors."""

from __future__ import annotations

from supplychain.gate.authorities import Authorities
from supplychain.gate.options import Json, object_schema
from supplychain.gate.policy import SCHEMA_VERSION, Policy


def policy_schema() -> dict[str, Json]:
    """The schema, draft 2020-12; what it accepts `load_policy` may still refuse, with a reason."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "supplychain policy",
        **object_schema(Policy, schemaVersion=SCHEMA_VERSION),
        "$defs": {"authorities": object_schema(Authorities)},
    }
