"""Values that a JSON Schema allows, mostly."""

from random import Random
from typing import Any

from tests.fuzz import values
from tests.fuzz.known import Known

# Properties whose strings are of a kind that the fuzzer knows.
BY_NAME = {
    "user_id": "user", "user": "user", "room_id": "room", "new_version": "version", "room_version": "version", "session": "session", "device_id": "device",
    "refresh_token": "refresh", "token": "login", "event_id": "event", "m.fully_read": "event", "m.read": "event", "m.read.private": "event",
    "since": "token", "nonce": "nonce", "additional_creators": "user", "invite": "user", "devices": "device", "servers": "server",
}  # fmt: skip
PLAIN = {
    "type": ("m.login.password", "m.login.dummy", "m.login.token", "m.id.user", "m.room.topic", "m.room.power_levels", "m.space"),
    "password": ("secret secret", "x"), "new_password": ("secret secret",), "auth": ("m.login.dummy",), "username": ("somebody", "Some.Body", "x=/"),
    "presence": ("online", "offline", "unavailable"), "search_term": ("user", "a", "Ü"), "reason": ("because", ""), "medium": ("email",),
    "state_key": ("", "a", "@fuzz0:test"), "room_alias_name": ("alias", "Älias"), "mac": ("0" * 40,),
}  # fmt: skip


def sample(schema: dict[str, Any], chance: Random, known: Known, name: str = "", depth: int = 6) -> Any:
    """A value that the schema allows; where the schema says nothing, one that is likely for the name."""
    if "enum" in schema:
        return chance.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return sample(chance.choice(schema[word]), chance, known, name, depth)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = chance.choice(kind)
    if kind == "object" or (kind is None and "properties" in schema):
        return _object(schema, chance, known, depth)
    if kind == "array":
        items = schema.get("items", {})
        return [sample(items, chance, known, name, depth - 1) for _ in range(chance.randint(0, 3))] if depth else []
    if kind == "string":
        return text(name, chance, known)
    if kind in ("integer", "number"):
        return chance.choice((0, 1, 10, 100, 5000, schema.get("maximum", 7), schema.get("minimum", 7)))
    if kind == "boolean":
        return chance.random() < 0.5
    return None if kind == "null" else values.value(chance)


def _object(schema: dict[str, Any], chance: Random, known: Known, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        if name in required or (depth and chance.random() < 0.5):
            made[name] = sample(inner, chance, known, name, depth - 1)
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and depth:
        for _ in range(chance.randint(0, 3)):
            made[chance.choice((known.some("user"), known.some("room"), "x"))] = sample(more, chance, known, "", depth - 1)
    return made


def text(name: str, chance: Random, known: Known) -> str:
    if name in BY_NAME:
        return known.some(BY_NAME[name])
    if name in PLAIN:
        return chance.choice(PLAIN[name])
    return chance.choice(("x", "some text", "Ünïcödé", known.some("user"), values.string(chance)))
