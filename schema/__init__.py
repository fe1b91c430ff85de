"""SQL files and JSON Schemas, found by name and never by path."""

import json
from importlib.resources import files
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The JSON Schema `schema/json/<name>.json`; FileNotFoundError when there is none."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("json", f"{name}.json").read_bytes())
    return found


def names(folder: str) -> list[str]:
    """The names of all schemas in `schema/json/<folder>`, ready for `load`."""
    place = files(__package__).joinpath("json", folder)
    return sorted(f"{folder}/{entry.name[:-5]}" for entry in place.iterdir() if entry.name.endswith(".json"))
