"""JSON Schemas, loaded by name: `json/<area>/<name>.json`. The SQL files beside them are read by `schema.sql_files`."""

import json
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent / "json"


def load(name: str) -> dict[str, Any]:
    """The JSON Schema `json/<name>.json`; the name may hold folders: `client/login`."""
    path = _ROOT / f"{name}.json"
    if not path.is_file():
        raise LookupError(f"no JSON Schema is called {name}")
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema


def names(area: str) -> list[str]:
    """All names below `json/<area>/`, sorted."""
    return sorted(str(path.relative_to(_ROOT).with_suffix("")) for path in (_ROOT / area).rglob("*.json"))
