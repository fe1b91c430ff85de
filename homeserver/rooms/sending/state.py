"""Writing state as clients may (client-server API, "PUT …/state"): memberships go the way of `Membership`, canonical aliases and power levels are
checked."""

from collections.abc import Mapping
from typing import Any, Protocol

from homeserver.errors import BadJson, Forbidden, GuestAccessForbidden, InvalidParam, MissingParam, NotFound
from homeserver.protocol.auth_rules.power_levels import creators_of
from homeserver.protocol.auth_rules.user_id_shape import owner_of
from homeserver.protocol.event import Draft
from homeserver.protocol.ids import EventId, UserId
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.membership import Membership, without_voucher
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import RoomStore

CREATE = ("m.room.create", "")
GUEST_ACCESS = ("m.room.guest_access", "")


class AliasCheck(Protocol):
    """What of `Aliases` is asked here."""

    async def check_canonical(self, room_id: str, content: Mapping[str, Any]) -> None: ...


class StateSending:
    """Writes state events for clients."""

    def __init__(
        self,
        *,
        sender: RoomSender,
        store: RoomStore,
        membership: Membership,
        members: MemberStore,
        timelines: TimelineStore,
        aliases: AliasCheck,
    ) -> None:
        self._sender = sender
        self._store = store
        self._membership = membership
        self._members = members
        self._timelines = timelines
        self._aliases = aliases

    async def is_joined(self, room_id: str, user_id: str) -> bool:
        return await self._members.is_joined(room_id, user_id)

    async def write(self, room_id: str, draft: Draft, *, guest: bool = False) -> str:
        """The event ID."""
        if draft.type == "m.room.member":
            return await self._write_member(room_id, draft, guest)
        if draft.type == "m.room.create":
            raise BadJson("m.room.create is a room's first event and cannot be sent later")
        if draft.type == "m.room.canonical_alias" and draft.state_key == "":
            await self._aliases.check_canonical(room_id, draft.content)
        if draft.type == "m.room.power_levels" and draft.state_key == "":
            await self._check_levels(room_id, draft)
        if draft.type == "m.room.redaction":
            draft = redaction(draft)
        if draft.state_key is not None and draft.state_key.startswith("@") and draft.state_key != draft.sender:
            await self._check_owner(room_id, draft.state_key)
        return await self._append(room_id, draft)

    async def _append(self, room_id: str, draft: Draft) -> str:
        try:
            return (await self._sender.write_state(room_id, draft)).event_id
        except NotFound as error:
            if draft.redacts is not None and await self.is_joined(room_id, draft.sender):
                raise  # what is to be redacted is not there
            raise Forbidden("You are not in this room") from error

    async def _check_levels(self, room_id: str, draft: Draft) -> None:
        """A level for a creator who has all power anyway is a mistake in the content; the auth rule would call it a lack of permission."""
        users = draft.content.get("users")
        if not isinstance(users, Mapping) or not await self._members.is_joined(room_id, draft.sender):
            return
        create = (await self._timelines.current_state(room_id, [CREATE])).get(CREATE)
        if create is not None and not creators_of(create.event).isdisjoint(users):
            raise BadJson("In this room version the creators stand above the power levels and cannot be named in them")

    async def _check_owner(self, room_id: str, state_key: str) -> None:
        room = await self._store.room(room_id)
        if room is not None and room.version.owned_state and owner_of(state_key) is None:
            raise BadJson("The state key begins with @, yet with no user ID")

    async def _write_member(self, room_id: str, draft: Draft, guest: bool) -> str:
        user_id = UserId.parse(draft.state_key)
        before = await self._members.member(room_id, user_id)
        current = "leave" if before is None else before.membership
        membership = draft.content.get("membership")
        if user_id == draft.sender and membership == current == "join":
            return await self._append(room_id, draft._replace(content=without_voucher(draft.content)))  # a name or picture for this room
        if user_id == draft.sender:
            await self._change_own(room_id, draft, guest)
        else:
            await self._change_other(room_id, user_id, draft, current)
        after = await self._members.member(room_id, user_id)
        if after is None:
            raise NotFound("The membership is not known here")
        return (await self._store.events_by_num([after.num]))[after.num].event_id

    async def _change_own(self, room_id: str, draft: Draft, guest: bool) -> None:
        user_id, ts, membership, reason = draft.sender, draft.origin_server_ts, draft.content.get("membership"), _reason(draft.content)
        if membership == "join":
            if guest:
                await self._check_guest_access(room_id)
            await self._membership.join(room_id, user_id, draft.content, ts=ts)
        elif membership == "leave":
            await self._membership.leave(room_id, user_id, reason, ts=ts)
        elif membership == "knock":
            await self._membership.knock(room_id, user_id, reason, ts=ts)
        elif membership in ("invite", "ban"):
            raise Forbidden("You cannot do this to yourself")
        else:
            raise BadJson("membership is missing or unknown")

    async def _change_other(self, room_id: str, user_id: str, draft: Draft, current: str) -> None:
        sender, ts, membership, reason = draft.sender, draft.origin_server_ts, draft.content.get("membership"), _reason(draft.content)
        if membership == "invite":
            await self._membership.invite(room_id, sender, user_id, draft.content, ts=ts)
        elif membership == "ban":
            await self._membership.ban(room_id, sender, user_id, reason, ts=ts)
        elif membership == "leave" and current == "ban":
            await self._membership.unban(room_id, sender, user_id, reason, ts=ts)
        elif membership == "leave":
            await self._membership.kick(room_id, sender, user_id, reason, ts=ts)
        elif membership in ("join", "knock"):
            raise Forbidden("Nobody can do this for another user")
        else:
            raise BadJson("membership is missing or unknown")

    async def _check_guest_access(self, room_id: str) -> None:
        found = (await self._timelines.current_state(room_id, [GUEST_ACCESS])).get(GUEST_ACCESS)
        if found is None or found.content.get("guest_access") != "can_join":
            raise GuestAccessForbidden("Guests may not join this room")


def redaction(draft: Draft) -> Draft:
    """Of what a client sends as one: what it redacts is named in the content, and stands in the event where the room's version wants it."""
    target = draft.content.get("redacts")
    if target is None:
        raise MissingParam("A redaction needs the event that it redacts")
    kept = {key: value for key, value in draft.content.items() if key != "redacts"}
    return draft._replace(content=kept, redacts=EventId.parse(target))


def _reason(content: Mapping[str, Any]) -> str | None:
    reason = content.get("reason")
    if not (reason is None or isinstance(reason, str)):
        raise InvalidParam("reason must be a string")
    return reason
