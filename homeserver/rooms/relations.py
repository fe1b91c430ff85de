"""What an event relates to: pure readings of `m.relates_to` (client-server API, "Forming relationships between events")."""

from collections.abc import Mapping
from typing import Any

from homeserver.rooms.store import Relation

MAX_KEY_BYTES = 255


def relation_of(content: Mapping[str, Any]) -> Relation | None:
    """The event's relation, when it has a well-formed one; a rich reply alone is none."""
    relates_to = content.get("m.relates_to")
    if not isinstance(relates_to, dict):
        return None
    rel_type, parent = relates_to.get("rel_type"), relates_to.get("event_id")
    if not isinstance(rel_type, str) or not isinstance(parent, str) or len(parent) > MAX_KEY_BYTES or len(rel_type) > MAX_KEY_BYTES:
        return None
    key = relates_to.get("key")
    return Relation(parent, rel_type, key if isinstance(key, str) and len(key) <= MAX_KEY_BYTES else None)


def thread_root(relation: Relation | None) -> str | None:
    """The root, when the event itself stands in a thread."""
    return relation.parent_id if relation is not None and relation.rel_type == "m.thread" else None
