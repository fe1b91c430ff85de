"""Restricted rooms: who may come in because of another room, and who here may stand for it (client-server API, "Restricted rooms")."""

from typing import Any, Protocol

from homeserver.errors import Forbidden, UnableToAuthoriseJoin, UnableToGrantJoin
from homeserver.protocol.auth_rules import may_invite
from homeserver.rooms.head import JOIN_RULES, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.store import RoomRecord

VOUCHER = "join_authorised_via_users_server"
MAX_ALLOW_RULES = 50  # entries of a restricted join rule that are looked at


class JoinedMembers(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def is_joined(self, room_id: str, user_id: str) -> bool: ...

    async def local_joined(self, room_id: str) -> list[str]: ...


class RoomReads(Protocol):
    """A part of `homeserver.rooms.store.RoomStore`."""

    async def room(self, room_id: str) -> RoomRecord | None: ...


class Vouching:
    def __init__(self, *, heads: RoomHeads, members: JoinedMembers, rooms: RoomReads) -> None:
        self._heads = heads
        self._members = members
        self._rooms = rooms

    async def voucher(self, head: RoomHead, user_id: str, *, is_ours: bool) -> str | None:
        """Who stands for the user's join; None where nobody needs to. The room's lock is held. `is_ours`: a user of this server.

        Raises Forbidden for a user who is in none of the rooms, UnableToAuthoriseJoin where this server cannot know that, and UnableToGrantJoin
        where none of its users may invite.
        """
        member = ("m.room.member", user_id)
        await self._heads.learn(head, [JOIN_RULES, POWER_LEVELS, member])
        rules = head.get(JOIN_RULES)
        rule = rules.content.get("join_rule") if rules is not None else None
        if not head.version.restricted_joins or rule not in ("restricted", "knock_restricted") or rules is None:
            return None
        if head.membership(user_id) in ("invite", "join"):
            return None
        await self._check_allowed(rules.content.get("allow"), user_id, is_ours)
        for local in await self._members.local_joined(head.room_id):
            if may_invite(head.levels, local):
                return local
        raise UnableToGrantJoin("Nobody on this server may vouch for the join")

    async def _check_allowed(self, allow: Any, user_id: str, is_ours: bool) -> None:
        knows_one = is_ours or not allow
        for entry in allow[:MAX_ALLOW_RULES] if isinstance(allow, list) else ():
            room_id = entry.get("room_id") if isinstance(entry, dict) and entry.get("type") == "m.room_membership" else None
            if not isinstance(room_id, str):
                continue
            room = await self._rooms.room(room_id)
            if room is None or room.local_joined_count == 0:
                continue  # who is in a room that this server has left is not known here
            if await self._members.is_joined(room_id, user_id):
                return
            knows_one = True
        if not knows_one:
            raise UnableToAuthoriseJoin("This server is in none of the rooms whose members may join")
        raise Forbidden("You are in none of the rooms whose members may join")
