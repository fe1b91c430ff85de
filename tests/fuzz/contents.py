"""Bodies for endpoints that take any object: contents of events, account data, filters. Right ones; `mutate` spoils them."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz import values
from tests.fuzz.known import Known

Make = Callable[[Random, Known], dict[str, Any]]


def message(chance: Random, known: Known) -> dict[str, Any]:
    made: dict[str, Any] = {"msgtype": chance.choice(("m.text", "m.image", "m.notice")), "body": values.string(chance)}
    if chance.random() < 0.6:
        made["m.relates_to"] = relation(chance, known)
    if chance.random() < 0.2:
        made["m.mentions"] = {"user_ids": [known.some("user")], "room": chance.random() < 0.5}
    if chance.random() < 0.2:
        made["m.new_content"] = {"msgtype": "m.text", "body": "edited"}
    if chance.random() < 0.2:
        made |= {"format": "org.matrix.custom.html", "formatted_body": "<b>x</b>", "url": "mxc://test/x", "info": {"size": 1}}
    return made


def relation(chance: Random, known: Known) -> dict[str, Any]:
    kind = chance.choice(("m.annotation", "m.thread", "m.replace", "m.reference", "x", "reply"))
    if kind == "reply":
        return {"m.in_reply_to": {"event_id": known.some("event")}}
    made: dict[str, Any] = {"rel_type": kind, "event_id": known.some("event")}
    if kind == "m.annotation":
        made["key"] = chance.choice(("👍", values.string(chance)))
    if kind == "m.thread" and chance.random() < 0.5:
        made |= {"is_falling_back": True, "m.in_reply_to": {"event_id": known.some("event")}}
    return made


def power_levels(chance: Random, known: Known) -> dict[str, Any]:
    levels = (0, 50, 100, -1, 2**53 - 1)
    made: dict[str, Any] = {
        name: chance.choice(levels) for name in ("ban", "kick", "invite", "redact", "events_default", "state_default", "users_default")
    }
    made["users"] = {known.some("user"): chance.choice(levels) for _ in range(3)}
    made["events"] = {"m.room.name": chance.choice(levels), "x": 0}
    made["notifications"] = {"room": chance.choice(levels)}
    return made


def join_rules(chance: Random, known: Known) -> dict[str, Any]:
    rule = chance.choice(("public", "invite", "knock", "restricted", "knock_restricted", "private"))
    return {"join_rule": rule, "allow": [{"type": "m.room_membership", "room_id": known.some("room")}]}


def member(chance: Random, known: Known) -> dict[str, Any]:
    made: dict[str, Any] = {"membership": chance.choice(("join", "join", "leave", "invite", "ban", "knock"))}
    if chance.random() < 0.5:
        made |= {"displayname": values.string(chance), "avatar_url": values.string(chance), "is_direct": True}
    if chance.random() < 0.1:
        made["third_party_invite"] = {
            "display_name": "x",
            "signed": {"mxid": known.some("user"), "token": "t", "signatures": {"a": {"ed25519:0": "b"}}},
        }
    if chance.random() < 0.1:
        made["join_authorised_via_users_server"] = known.some("user")
    return made


def one(name: str, *kinds: str) -> Make:
    """A content of one key, with one of the values (a kind that is known, or the word itself)."""

    def make(chance: Random, known: Known) -> dict[str, Any]:
        kind = chance.choice(kinds)
        return {name: known.some(kind[1:]) if kind[:1] == "?" else kind}

    return make


def canonical_alias(chance: Random, known: Known) -> dict[str, Any]:
    return {"alias": known.some("alias"), "alt_aliases": [known.some("alias")]}


def topic(chance: Random, known: Known) -> dict[str, Any]:
    return {"topic": values.string(chance), "m.topic": {"m.text": [{"body": values.string(chance), "mimetype": "text/plain"}]}}


def space_child(chance: Random, known: Known) -> dict[str, Any]:
    return {"via": ["test", "elsewhere.test"], "order": values.string(chance), "suggested": chance.random() < 0.5}


def server_acl(chance: Random, known: Known) -> dict[str, Any]:
    return {"allow": ["*"], "deny": ["*.evil.test", "*" * 60 + "a"], "allow_ip_literals": False}


def create(chance: Random, known: Known) -> dict[str, Any]:
    return {"room_version": known.some("version"), "creator": known.some("user"), "additional_creators": [known.some("user")]}


def tombstone(chance: Random, known: Known) -> dict[str, Any]:
    return {"body": "moved", "replacement_room": known.some("room")}


def event_filter(chance: Random, known: Known) -> dict[str, Any]:
    parts = ("types", "not_types", "senders", "not_senders", "rooms", "not_rooms")
    made: dict[str, Any] = {
        part: [chance.choice(("m.room.message", "m.*", "*", known.some("user"), known.some("room")))]
        for part in parts
        if chance.random() < 0.2
    }
    flags = ("lazy_load_members", "include_redundant_members", "contains_url", "unread_thread_notifications")
    made |= {flag: chance.random() < 0.5 for flag in flags if chance.random() < 0.2}
    made |= {
        name: [chance.choice(("m.thread", "m.replace"))] for name in ("related_by_rel_types", "related_by_senders") if chance.random() < 0.1
    }
    return made | ({"limit": chance.choice((0, 1, 5, 1000))} if chance.random() < 0.5 else {})


def whole_filter(chance: Random, known: Known) -> dict[str, Any]:
    rooms = {part: event_filter(chance, known) for part in ("timeline", "state", "ephemeral", "account_data") if chance.random() < 0.5}
    made: dict[str, Any] = (
        {"room": {**rooms, "rooms": [known.some("room")], "include_leave": chance.random() < 0.5}} if chance.random() < 0.8 else {}
    )
    if chance.random() < 0.3:
        made["event_fields"] = ["content.body", "type", "sender", "content.m\\.relates_to", "", "."]
    if chance.random() < 0.3:
        made |= {"presence": event_filter(chance, known), "account_data": event_filter(chance, known), "event_format": "federation"}
    return made


def direct(chance: Random, known: Known) -> dict[str, Any]:
    return {known.some("user"): [known.some("room")] for _ in range(2)}


def ignored(chance: Random, known: Known) -> dict[str, Any]:
    return {"ignored_users": {known.some("user"): {} for _ in range(chance.randint(0, 2))}}


def tag(chance: Random, known: Known) -> dict[str, Any]:
    return {"order": chance.choice((0, 0.5, 1, -1, "0.5", 10**20, 2**53))}


def anything(chance: Random, known: Known) -> dict[str, Any]:
    return {values.string(chance): values.value(chance) for _ in range(chance.randint(0, 4))}


EVENTS: dict[str, Make] = {
    "m.room.message": message, "m.reaction": lambda chance, known: {"m.relates_to": relation(chance, known)}, "m.sticker": message,
    "m.room.encrypted": message, "m.room.redaction": one("redacts", "?event"), "m.room.member": member, "m.room.power_levels": power_levels,
    "m.room.join_rules": join_rules, "m.room.canonical_alias": canonical_alias, "m.room.topic": topic, "m.room.name": one("name", "x", "", "?user"),
    "m.room.avatar": one("url", "mxc://test/x"), "m.room.history_visibility": one("history_visibility", "shared", "invited", "joined", "world_readable"),
    "m.room.guest_access": one("guest_access", "can_join", "forbidden"), "m.room.encryption": one("algorithm", "m.megolm.v1.aes-sha2"),
    "m.room.tombstone": tombstone, "m.room.create": create, "m.space.child": space_child, "m.space.parent": space_child, "m.room.server_acl": server_acl,
    "m.room.pinned_events": lambda chance, known: {"pinned": [known.some("event")]}, "m.room.third_party_invite": one("display_name", "x"),
    "m.room.aliases": lambda chance, known: {"aliases": [known.some("alias")]}, "x.anything": anything,
}  # fmt: skip
ACCOUNT_DATA: dict[str, Make] = {
    "m.direct": direct, "m.ignored_user_list": ignored, "m.fully_read": one("event_id", "?event"), "m.push_rules": anything, "m.tag": anything,
    "m.marked_unread": lambda chance, known: {"unread": chance.random() < 0.5}, "x.anything": anything,
}  # fmt: skip
