"""The push rules that every user has from the start (client-server API, "Predefined Rules"; of polls: MSC3930, under its unstable names)."""

from typing import Any

KINDS = ("override", "content", "room", "sender", "underride")

_NOTIFY: list[Any] = ["notify"]
_SOUND: list[Any] = ["notify", {"set_tweak": "sound", "value": "default"}]
_HIGHLIGHT: list[Any] = ["notify", {"set_tweak": "highlight"}]
POLL = "org.matrix.msc3381.poll"
_OF_POLLS = ".org.matrix.msc3930.rule."


def default_rules(user_id: str) -> dict[str, list[dict[str, Any]]]:
    """By kind, the most important first. The result is the caller's own."""
    return {"override": _overrides(user_id), "content": [], "room": [], "sender": [], "underride": _underrides()}


def _overrides(user_id: str) -> list[dict[str, Any]]:
    return [
        _rule("master", [], [], enabled=False),
        _rule("suppress_notices", [_matches("content.msgtype", "m.notice")], []),
        _rule(
            "invite_for_me",
            [_matches("type", "m.room.member"), _matches("content.membership", "invite"), _matches("state_key", user_id)],
            _SOUND,
        ),
        _rule("member_event", [_matches("type", "m.room.member")], []),
        _rule(
            "is_user_mention",
            [{"kind": "event_property_contains", "key": r"content.m\.mentions.user_ids", "value": user_id}],
            [*_SOUND, {"set_tweak": "highlight"}],
        ),
        _rule(
            "is_room_mention",
            [
                {"kind": "event_property_is", "key": r"content.m\.mentions.room", "value": True},
                {"kind": "sender_notification_permission", "key": "room"},
            ],
            _HIGHLIGHT,
        ),
        _rule("tombstone", [_matches("type", "m.room.tombstone"), _matches("state_key", "")], _HIGHLIGHT),
        _rule("reaction", [_matches("type", "m.reaction")], []),
        _rule("room.server_acl", [_matches("type", "m.room.server_acl"), _matches("state_key", "")], []),
        _rule("suppress_edits", [{"kind": "event_property_is", "key": r"content.m\.relates_to.rel_type", "value": "m.replace"}], []),
        _rule("poll_response", [_matches("type", f"{POLL}.response")], [], prefix=_OF_POLLS),
    ]


def _underrides() -> list[dict[str, Any]]:
    message, encrypted = _matches("type", "m.room.message"), _matches("type", "m.room.encrypted")
    two = {"kind": "room_member_count", "is": "2"}
    return [
        _rule("call", [_matches("type", "m.call.invite")], ["notify", {"set_tweak": "sound", "value": "ring"}]),
        _rule("encrypted_room_one_to_one", [two, encrypted], _SOUND),
        _rule("room_one_to_one", [two, message], _SOUND),
        _rule("message", [message], _NOTIFY),
        _rule("encrypted", [encrypted], _NOTIFY),
        *(
            _rule(f"poll_{what}_one_to_one", [two, _matches("type", f"{POLL}.{what}")], _SOUND, prefix=_OF_POLLS)
            for what in ("start", "end")
        ),
        *(_rule(f"poll_{what}", [_matches("type", f"{POLL}.{what}")], _NOTIFY, prefix=_OF_POLLS) for what in ("start", "end")),
    ]


def _matches(key: str, pattern: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _rule(
    name: str, conditions: list[dict[str, Any]], actions: list[Any], *, enabled: bool = True, prefix: str = ".m.rule."
) -> dict[str, Any]:
    return {"rule_id": prefix + name, "default": True, "enabled": enabled, "conditions": conditions, "actions": list(actions)}
