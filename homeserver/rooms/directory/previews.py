"""Who may learn of a room without being in it. Client-server API, "GET /hierarchy", "GET /room_summary"."""

from collections.abc import Container, Mapping
from typing import Any, NamedTuple, Self

from homeserver.rooms.directory.summary import Summary
from homeserver.rooms.member_store import MemberStore


class View(NamedTuple):
    """What a user is to the rooms of this server."""

    memberships: Mapping[str, str]
    joined: frozenset[str]

    @classmethod
    async def of(cls, members: MemberStore, user_id: str) -> Self:
        memberships = await members.membership_by_room(user_id)
        return cls(memberships, frozenset(room_id for room_id, membership in memberships.items() if membership == "join"))


def may_join(summary: Summary, joined_rooms: Container[str]) -> bool:
    """Whether the join rule lets in, or lets knock, somebody who is in these rooms."""
    rule, version = summary.join_rule, summary.version
    if rule == "public" or (rule == "knock" and version.knocking) or (rule == "knock_restricted" and version.knock_restricted):
        return True
    return rule == "restricted" and version.restricted_joins and any(room_id in joined_rooms for room_id in summary.allowed_rooms)


def may_preview(summary: Summary, membership: str | None, joined_rooms: Container[str] = ()) -> bool:
    """`membership` is None for a caller without an account, or one that never was in the room."""
    if membership in ("join", "invite", "knock") or summary.world_readable:
        return True
    return membership != "ban" and may_join(summary, joined_rooms)


def may_preview_remote(chunk: Mapping[str, Any], membership: str | None, joined_rooms: Container[str] = ()) -> bool:
    """The same for a room that another server told of."""
    if membership in ("join", "invite", "knock") or chunk.get("world_readable") is True:
        return True
    if membership == "ban":
        return False
    rule = chunk.get("join_rule", "public")
    if rule in ("public", "knock", "knock_restricted"):
        return True
    allowed = chunk.get("allowed_room_ids")
    return rule == "restricted" and isinstance(allowed, list) and any(isinstance(room, str) and room in joined_rooms for room in allowed)
