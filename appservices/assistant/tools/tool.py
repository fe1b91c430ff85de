"""What a tool is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from appservices.assistant.skill import Turn

MOST_TEXT: Final = 500


class BadArguments(Exception):
    """In words for the model."""


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    fields: Mapping[str, str]  # name to description; all are texts
    needed: tuple[str, ...]
    run: Callable[[Turn, Mapping[str, str]], Awaitable[str]]
    changes: bool = False
    state: str = ""  # the state event it sends: the asker must have the power to send it

    @property
    def schema(self) -> dict[str, Any]:
        properties = {name: {"type": "string", "description": text} for name, text in self.fields.items()}
        parameters = {"type": "object", "properties": properties, "required": list(self.needed), "additionalProperties": False}
        return {"type": "function", "function": {"name": self.name, "description": self.description, "parameters": parameters}}

    def read(self, arguments: str) -> dict[str, str]:
        """Raises BadArguments."""
        try:
            found = orjson.loads(arguments or "{}")
        except orjson.JSONDecodeError as error:
            raise BadArguments("the arguments are no JSON") from error
        if not isinstance(found, dict):
            raise BadArguments("the arguments are no object")
        for name, value in found.items():
            if name not in self.fields or not isinstance(value, str) or len(value) > MOST_TEXT:
                raise BadArguments(f"bad argument: {name[:40]}")
        if missing := [name for name in self.needed if not found.get(name, "").strip()]:
            raise BadArguments(f"missing: {missing[0]}")
        return {name: " ".join(value.split()) for name, value in found.items()}
