"""Who is in a room: join, knock, invite, leave, kick, ban, unban, forget. Client-server API, "Room membership"."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from homeserver.errors import BadState, CannotLeaveServerNoticeRoom, Forbidden, UnableToGrantJoin, Unknown
from homeserver.protocol.event import Draft, Event
from homeserver.rooms.append import Appender
from homeserver.rooms.handshakes.shown import ShownState
from homeserver.rooms.handshakes.vouching import VOUCHER, Vouching
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.members.limits import UserLimits
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.remote import RemoteRooms
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import EventCommit, MemberRecord, RoomStore, StoredEvent

KEPT_OF_CLIENT = ("reason", "is_direct")


class MemberProfiles(Protocol):
    """What goes into a member event of the user's own making."""

    async def member_profile(self, user_id: str) -> dict[str, Any]:
        """`displayname` and `avatar_url`, as far as they are set."""


class MemberLookup(Protocol):
    """Reads of memberships (part of `MemberStore`)."""

    async def is_joined(self, room_id: str, user_id: str) -> bool: ...

    async def member(self, room_id: str, user_id: str) -> MemberRecord | None: ...

    async def forget(self, room_id: str, user_id: str) -> None: ...

    async def count_joined(self, user_id: str) -> int: ...


class InvitePermissions(Protocol):
    """Whom a user of this server lets invite them (client-server API, "Invite permission")."""

    async def check(self, user_id: str, inviter: str) -> None:
        """Raises InviteBlocked; users of other servers pass, their own server asks them."""


class OpenToInvites:
    """InvitePermissions where everyone takes every invite."""

    async def check(self, user_id: str, inviter: str) -> None:
        return None


ANYONE: Final = OpenToInvites()


class Membership:
    """Changes memberships of local users, and of others as far as local users have the power to."""

    def __init__(
        self,
        *,
        sender: RoomSender,
        appender: Appender,
        heads: RoomHeads,
        store: RoomStore,
        members: MemberLookup,
        profiles: MemberProfiles,
        remote: RemoteRooms,
        shown: ShownState,
        vouching: Vouching,
        partial: PartialRooms,
        permissions: InvitePermissions = ANYONE,
        notices_sender: str = "",
        limits: UserLimits | None = None,
    ) -> None:
        """Invites from `notices_sender` cannot be rejected (client-server API, "Server Notices")."""
        self._sender = sender
        self._appender = appender
        self._heads = heads
        self._store = store
        self._members = members
        self._profiles = profiles
        self._remote = remote
        self._shown = shown
        self._vouching = vouching
        self._partial = partial
        self._permissions = permissions
        self._notices_sender = notices_sender
        self._limits = limits

    async def join(
        self, room_id: str, user_id: str, extra: Mapping[str, Any] | None = None, servers: Sequence[str] = (), *, ts: int | None = None
    ) -> str:
        """Join, through another server when no one here is in the room; the room ID. Here and below `ts` is the event's time where it is not now."""
        await self._check_blocked(room_id)
        await self.check_limit(user_id, room_id)
        await self._check_ban(room_id, user_id)
        content = {**without_voucher(extra or {}), "membership": "join", **await self._profiles.member_profile(user_id)}
        if not await self._is_in_room(room_id) and await self._remote.join(room_id, user_id, content, servers):
            return room_id
        if await self._is_unknown(room_id, user_id) and await self._is_in_room(room_id):  # he may be banned: a server that knows says
            await self._remote.join(room_id, user_id, content, servers, though_here=True)
            return room_id

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], str]:
            before = await self._current(head, user_id)
            if before is not None and before.content.get("membership") == "join" and _same_profile(before.content, content):
                return [], room_id
            voucher = await self._vouching.voucher(head, user_id, is_ours=True)
            vouched = content if voucher is None else {**content, VOUCHER: voucher}
            return [await self._member(lock, head, user_id, user_id, vouched, ts)], room_id

        try:
            return await self._sender.change(room_id, work)
        except UnableToGrantJoin:
            await self._remote.join(room_id, user_id, content, servers, though_here=True)
            return room_id

    async def check_limit(self, user_id: str, room_id: str = "") -> None:
        """Raises UserLimitExceeded when the user is in as many rooms as the server allows, and this is none of them."""
        limits = self._limits
        if limits is None or not limits.joined_rooms or await self._members.count_joined(user_id) < limits.joined_rooms:
            return
        if not room_id or not await self._members.is_joined(room_id, user_id):
            raise limits.exceeded(f"You are in {limits.joined_rooms} rooms, which is the most an account may have here")

    async def knock(self, room_id: str, user_id: str, reason: str | None, servers: Sequence[str] = (), *, ts: int | None = None) -> str:
        await self._check_blocked(room_id)
        content = {"membership": "knock", **await self._profiles.member_profile(user_id), **_reason(reason)}
        if not await self._is_in_room(room_id):
            await self._remote.knock(room_id, user_id, content, servers)
        else:
            await self._change(room_id, user_id, user_id, content, ts=ts)
        return room_id

    async def invite(self, room_id: str, sender: str, user_id: str, extra: Mapping[str, Any], *, ts: int | None = None) -> None:
        await self._permissions.check(user_id, sender)
        content = {key: extra[key] for key in KEPT_OF_CLIENT if key in extra}
        content["membership"] = "invite"
        if not self._appender.identity.is_local(user_id):
            await self._invite_elsewhere(room_id, Draft("m.room.member", sender, content, user_id, origin_server_ts=ts))
            return
        content.update(await self._profiles.member_profile(user_id))

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            await self._check_invited(head, user_id)
            return [await self._member(lock, head, sender, user_id, content, ts)], None

        await self._sender.change(room_id, work)

    def check_reach(self, user_id: str) -> None:
        """Raises a MatrixError for a user whose server this one does not talk to."""
        if not self._appender.identity.is_local(user_id):
            self._remote.check_reach(user_id)

    async def _check_invited(self, head: RoomHead, user_id: str) -> None:
        before = await self._membership(head, user_id)
        if before == "join":
            raise Forbidden("The user is in the room already")
        if before == "ban":
            raise Forbidden("The user is banned from the room")

    async def _invite_elsewhere(self, room_id: str, draft: Draft) -> None:
        """The user's server is asked first; meanwhile the room is free, and the invite takes its place like the events of others."""

        async def propose(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], tuple[Event, bytes]]:
            await self._check_invited(head, draft.state_key or "")
            return [], (await self._appender.propose(lock, head, draft), head.root)

        event, root = await self._sender.change(room_id, propose)
        await self._remote.invite(event, await self._shown.of(root, draft.sender))

    async def leave(self, room_id: str, user_id: str, reason: str | None = None, *, for_good: bool = False, ts: int | None = None) -> None:
        """Leave, reject an invite, retract a knock. To have left already is no error. `for_good`: the account is closed."""
        content = {"membership": "leave", **_reason(reason)}
        member = await self._members.member(room_id, user_id)
        if member is not None and member.membership == "leave":
            return
        if member is not None and member.membership == "invite" and member.sender == self._notices_sender and not for_good:
            raise CannotLeaveServerNoticeRoom("This invite comes from the server and cannot be rejected")
        if not await self._is_in_room(room_id):
            await self._remote.leave(room_id, user_id, content)
            return
        await self._change(room_id, user_id, user_id, content, unless="leave", ts=ts)

    async def kick(self, room_id: str, sender: str, user_id: str, reason: str | None, *, ts: int | None = None) -> None:
        await self._know(room_id, user_id)

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            if await self._membership(head, user_id) not in ("join", "invite", "knock"):
                raise Forbidden("The user is not in the room")
            return [await self._member(lock, head, sender, user_id, {"membership": "leave", **_reason(reason)}, ts)], None

        await self._sender.change(room_id, work)

    async def ban(self, room_id: str, sender: str, user_id: str, reason: str | None, *, ts: int | None = None) -> None:
        await self._change(room_id, sender, user_id, {"membership": "ban", **_reason(reason)}, ts=ts)

    async def unban(self, room_id: str, sender: str, user_id: str, reason: str | None, *, ts: int | None = None) -> None:
        content = {"membership": "leave", **_reason(reason)}
        await self._know(room_id, user_id)

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            if await self._membership(head, user_id) != "ban":
                raise BadState("The user is not banned")
            return [await self._member(lock, head, sender, user_id, content, ts)], None

        await self._sender.change(room_id, work)

    async def forget(self, room_id: str, user_id: str) -> None:
        """Forget a room that was left; M_UNKNOWN while still in it, invited or knocking."""
        member = await self._members.member(room_id, user_id)
        if member is not None and member.membership not in ("leave", "ban"):
            raise Unknown("You must leave the room before you forget it")
        await self._members.forget(room_id, user_id)

    async def update_profile(self, room_id: str, user_id: str) -> None:
        """Tell a joined room of the user's present name and picture."""
        profile = await self._profiles.member_profile(user_id)

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            before = await self._current(head, user_id)
            if before is None or before.content.get("membership") != "join" or _same_profile(before.content, profile):
                return [], None
            kept = {key: value for key, value in before.content.items() if key not in ("displayname", "avatar_url", "reason")}
            return [await self._member(lock, head, user_id, user_id, {**without_voucher(kept), **profile})], None

        await self._sender.change(room_id, work)

    async def _change(
        self, room_id: str, sender: str, user_id: str, content: dict[str, Any], unless: str = "", ts: int | None = None
    ) -> None:
        """Make the event, unless the user has come to be `unless` already."""

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            before = await self._current(head, user_id)
            if before is not None and before.content.get("membership") == unless:
                return [], None
            return [await self._member(lock, head, sender, user_id, content, ts)], None

        await self._sender.change(room_id, work)

    async def _member(
        self, lock: RoomLock, head: RoomHead, sender: str, user_id: str, content: dict[str, Any], ts: int | None = None
    ) -> EventCommit:
        return await self._appender.append(lock, head, Draft("m.room.member", sender, content, user_id, origin_server_ts=ts))

    async def _current(self, head: RoomHead, user_id: str) -> StoredEvent | None:
        address = ("m.room.member", user_id)
        await self._heads.learn(head, [address])
        return head.get(address)

    async def _membership(self, head: RoomHead, user_id: str) -> str:
        await self._heads.learn(head, [("m.room.member", user_id)])
        return head.membership(user_id)

    async def _is_in_room(self, room_id: str) -> bool:
        """Whether this server can make the room's next event: a user of it is in there, or nobody is and it knows the room's state."""
        room = await self._store.room(room_id)
        if room is None or room.local_joined_count > 0:
            return room is not None
        return room.joined_count == 0 and not self._partial.is_partial(room_id) and await self._store.head(room_id) is not None

    async def _is_unknown(self, room_id: str, user_id: str) -> bool:
        """Whether the room is known in part, and the user's membership is not."""
        return self._partial.is_partial(room_id) and await self._members.member(room_id, user_id) is None

    async def _check_ban(self, room_id: str, user_id: str) -> None:
        """While a room is known in part nobody comes back to it past a ban by way of a server that has not heard of it."""
        if self._partial.is_partial(room_id):
            member = await self._members.member(room_id, user_id)
            if member is not None and member.membership == "ban":
                raise Forbidden("You are banned from the room")

    async def _know(self, room_id: str, user_id: str) -> None:
        if await self._is_unknown(room_id, user_id):
            await self._partial.whole(room_id)

    async def _check_blocked(self, room_id: str) -> None:
        room = await self._store.room(room_id)
        if room is not None and room.blocked:
            raise Forbidden("This room has been blocked on this server")


def without_voucher(content: Mapping[str, Any]) -> dict[str, Any]:
    """Who vouches for a join is this server's to say: the voucher's server has to sign the event."""
    return {key: value for key, value in content.items() if key != VOUCHER}


def _reason(reason: str | None) -> dict[str, Any]:
    return {} if reason is None else {"reason": reason}


def _same_profile(content: Mapping[str, Any], profile: Mapping[str, Any]) -> bool:
    return all(content.get(key) == profile.get(key) for key in ("displayname", "avatar_url"))
