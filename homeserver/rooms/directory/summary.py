"""What a room shows of itself to those who are not in it. Client-server API, "Published room directory", "Spaces", room_summary."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import orjson

from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.directory.store import RoomFacts

MAX_ALLOWED_ROOMS = 50
_PLAIN_TEXT = (None, "text/plain")


class Summary(NamedTuple):
    """`public` and `full` are JSON objects, without their closing brace, as the directory and as hierarchy and room summary show them."""

    room_id: str
    version: RoomVersion
    members: int
    local_members: int
    published: bool
    name: str | None
    topic: str | None
    canonical_alias: str | None
    aliases: frozenset[str]  # all that m.room.canonical_alias names
    join_rule: str
    allowed_rooms: tuple[str, ...]
    guest_can_join: bool
    world_readable: bool
    room_type: str | None
    predecessor: str | None
    encryption: str | None
    public: bytes
    full: bytes

    @property
    def is_space(self) -> bool:
        return self.room_type == "m.space"


def summary_of(facts: RoomFacts) -> Summary:
    """The summary; whatever is malformed in the room's state counts as absent."""
    room = facts.room
    state = {event.type: event.content for event in facts.events}
    shown = _shown(facts, state)
    rule = shown["join_rule"]
    allowed = allowed_rooms(state.get("m.room.join_rules", {})) if rule in ("restricted", "knock_restricted") else ()
    encryption = _text(state, "m.room.encryption", "algorithm")
    predecessor = state.get("m.room.create", {}).get("predecessor")
    return Summary(
        room_id=room.room_id,
        version=room.version,
        members=room.joined_count,
        local_members=room.local_joined_count,
        published=room.published,
        name=shown.get("name"),
        topic=shown.get("topic"),
        canonical_alias=shown.get("canonical_alias"),
        aliases=named_aliases(state.get("m.room.canonical_alias", {})),
        join_rule=rule,
        allowed_rooms=allowed,
        guest_can_join=shown["guest_can_join"],
        world_readable=shown["world_readable"],
        room_type=shown.get("room_type"),
        predecessor=_text({"": predecessor}, "", "room_id") if isinstance(predecessor, dict) else None,
        encryption=encryption,
        public=orjson.dumps(shown)[:-1],
        full=_full(shown, room.version, encryption, allowed),
    )


def _shown(facts: RoomFacts, state: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the directory shows."""
    shown: dict[str, Any] = {
        "room_id": facts.room.room_id,
        "num_joined_members": facts.room.joined_count,
        "world_readable": _text(state, "m.room.history_visibility", "history_visibility") == "world_readable",
        "guest_can_join": _text(state, "m.room.guest_access", "guest_access") == "can_join",
        "join_rule": _text(state, "m.room.join_rules", "join_rule") or "invite",
    }
    optional = {
        "name": _text(state, "m.room.name", "name"),
        "topic": _topic(state.get("m.room.topic", {})),
        "canonical_alias": _alias(state.get("m.room.canonical_alias", {}).get("alias")),
        "avatar_url": _text(state, "m.room.avatar", "url"),
        "room_type": _text(state, "m.room.create", "type"),
    }
    shown.update({key: value for key, value in optional.items() if value is not None})
    return shown


def _full(values: Mapping[str, Any], version: RoomVersion, encryption: str | None, allowed: tuple[str, ...]) -> bytes:
    full: dict[str, Any] = {**values, "room_version": version.identifier}
    if encryption is not None:
        full["encryption"] = encryption
    if allowed:
        full["allowed_room_ids"] = list(allowed)
    return orjson.dumps(full)[:-1]


def allowed_rooms(rules: Mapping[str, Any]) -> tuple[str, ...]:
    """The rooms whose members a restricted room lets in."""
    allow = rules.get("allow")
    found: dict[str, None] = {}
    for entry in allow if isinstance(allow, list) else ():
        if isinstance(entry, dict) and entry.get("type") == "m.room_membership" and isinstance(entry.get("room_id"), str):
            found[entry["room_id"]] = None
    return tuple(found)[:MAX_ALLOWED_ROOMS]


def named_aliases(content: Mapping[str, Any]) -> frozenset[str]:
    """Every alias the content of m.room.canonical_alias names."""
    others = content.get("alt_aliases")
    named = [content.get("alias"), *(others if isinstance(others, list) else ())]
    return frozenset(alias for alias in named if isinstance(alias, str) and alias)


def _topic(content: Mapping[str, Any]) -> str | None:
    """The plain text: of m.topic where that is there, else of `topic`."""
    rich = content.get("m.topic")
    texts = rich.get("m.text") if isinstance(rich, dict) else None
    if isinstance(texts, list):
        for text in texts:
            if isinstance(text, dict) and text.get("mimetype") in _PLAIN_TEXT and isinstance(text.get("body"), str):
                return text["body"] or None
        return None
    topic = content.get("topic")
    return topic if isinstance(topic, str) and topic else None


def _text(state: Mapping[str, Mapping[str, Any]], type: str, key: str) -> str | None:
    value = state.get(type, {}).get(key)
    return value if isinstance(value, str) and value else None


def _alias(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith("#") else None


class Child(NamedTuple):
    """A room that a space lists. `stripped` is its m.space.child event as JSON, with the time."""

    room_id: str
    via: tuple[str, ...]
    suggested: bool
    stripped: bytes


class ChildEvent(Protocol):
    """What is read of an m.space.child event."""

    @property
    def state_key(self) -> str | None: ...

    @property
    def content(self) -> Mapping[str, Any]: ...

    @property
    def sender(self) -> str: ...

    @property
    def ts(self) -> int: ...


def children_of(events: Iterable[ChildEvent]) -> tuple[Child, ...]:
    """The valid children in the order in which the spec shows them."""
    found = []
    for event in events:
        via = event.content.get("via")
        servers = tuple(server for server in via if isinstance(server, str)) if isinstance(via, list) else ()
        if not servers or not event.state_key:
            continue
        stripped = {
            "type": "m.space.child",
            "state_key": event.state_key,
            "content": event.content,
            "sender": event.sender,
            "origin_server_ts": event.ts,
        }
        order = event.content.get("order")
        place = (0, order, event.ts, event.state_key) if _is_order(order) else (1, "", event.ts, event.state_key)
        found.append((place, Child(event.state_key, servers, event.content.get("suggested") is True, orjson.dumps(stripped))))
    found.sort(key=itemgetter(0))
    return tuple(child for _, child in found)


def _is_order(order: Any) -> bool:
    return isinstance(order, str) and len(order) <= 50 and all(" " <= character <= "~" for character in order)
