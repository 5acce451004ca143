"""What the engine remembers, as JSON: arguments, results, and errors as people are told of them."""

from __future__ import annotations

import json
from typing import Any

from dbos import Serializer

from supplychain.errors import SupplyChainError


class RememberedError(SupplyChainError):
    """An error of a step that was done before, as the engine remembers it."""

    @classmethod
    def of(cls, said: dict[str, Any]) -> RememberedError:
        """The error that `diagnostics` told of."""
        found = cls(
            str(said.get("message")),
            because=said.get("because"),
            hint=said.get("hint"),
            retryable=bool(said.get("retryable")),
        )
        found.__dict__["code"] = said.get("code", cls.code)
        return found


class JsonSerializer(Serializer):
    """Arguments, results and errors as JSON."""

    def name(self) -> str:
        """How rows say who wrote them."""
        return "supplychain_json"

    def serialize(self, data: Any) -> str:
        """As JSON; of an error what people are told of it."""
        if isinstance(data, SupplyChainError):
            data = {"error": data.diagnostics()}
        elif isinstance(data, BaseException):
            data = {"error": {"message": f"{type(data).__name__}: {data}"}}
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        """The same again."""
        data = json.loads(serialized_data)
        if isinstance(data, dict) and data.keys() == {"error"} and isinstance(data["error"], dict):
            return RememberedError.of(data["error"])
        return data
