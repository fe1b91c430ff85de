"""Server notices (client-server API, "Server Notices").

Each user who is told something has one room with the sender of notices, marked by a tag and made at the first notice. The invite to it can only be
accepted; the room may be left afterwards, and the next notice invites again.
"""

from typing import Any

from twisted.logger import Logger

from config.accounts import ServerNotices as Settings
from homeserver.account_data.tags import Tags
from homeserver.accounts.accounts import Accounts
from homeserver.errors import BadState, MatrixError
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Draft
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.creation.create import RoomCreator
from homeserver.rooms.creation.room_options import RoomOptions
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.membership import Membership
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import Transaction
from homeserver.server_notices.store import NoticeStore

ACCOUNT_TYPE = "notices"  # what sets the sender's account apart from everybody's
TAG = "m.server_notice"
LISTENER_LEVEL = -10  # one does not answer a notice: nobody reads there
PAGE = 500


class _Taken(Exception):
    """Somebody else made the room meanwhile."""


class ServerNotices:
    _log = Logger()

    def __init__(
        self,
        settings: Settings,
        *,
        sender_id: str,
        version: RoomVersion,
        store: NoticeStore,
        accounts: Accounts,
        creator: RoomCreator,
        membership: Membership,
        members: MemberStore,
        sender: RoomSender,
        tags: Tags,
    ) -> None:
        self._settings = settings
        self._sender_id = sender_id
        self._version = version
        self._store = store
        self._accounts = accounts
        self._creator = creator
        self._membership = membership
        self._members = members
        self._sender = sender
        self._tags = tags

    async def send(self, user_id: str, text: str) -> str:
        """The event's ID. Raises NotFound for an unknown user, BadState when the sender's name is somebody's."""
        return await self.deliver(user_id, {"msgtype": "m.text", "body": text})

    async def deliver(self, user_id: str, content: dict[str, Any], transaction: Transaction | None = None) -> str:
        """A message of any content; as `send`. The same transaction again gives the same event."""
        await self._accounts.require(user_id)
        await self._ensure_sender()
        return await self._send(user_id, content, transaction)

    async def send_to_all(self, text: str) -> tuple[int, int]:
        """How many were told, and how many could not be."""
        await self._ensure_sender()
        told = missed = 0
        page = await self._store.people("", PAGE)
        while page:
            for user_id in page:
                try:
                    await self._send(user_id, {"msgtype": "m.text", "body": text})
                    told += 1
                except (MatrixError, ProtocolError) as error:
                    missed += 1
                    self._log.warn("{user} could not be told a server notice: {error}", user=user_id, error=error)
            page = await self._store.people(page[-1], PAGE)
        return told, missed

    async def _send(self, user_id: str, content: dict[str, Any], transaction: Transaction | None = None) -> str:
        room_id = await self._open_room(user_id)
        return await self._sender.send(room_id, Draft("m.room.message", self._sender_id, content), transaction)

    async def _ensure_sender(self) -> None:
        account = await self._accounts.find(self._sender_id)
        if account is None:
            await self._accounts.create(
                self._settings.localpart, None, displayname=self._settings.name or self._settings.localpart, user_type=ACCOUNT_TYPE
            )
        elif account.user_type != ACCOUNT_TYPE or account.deactivated:
            raise BadState(f"{self._sender_id} is somebody's account: name another sender of notices in the settings")

    async def _open_room(self, user_id: str) -> str:
        """The user's room, with the user in it or invited."""
        room_id = await self._store.room(user_id)
        if room_id is None or not await self._members.is_joined(room_id, self._sender_id):
            try:
                return await self._make_room(user_id, instead_of=room_id)
            except _Taken:
                return await self._open_room(user_id)
        member = await self._members.member(room_id, user_id)
        if member is None or member.membership not in ("join", "invite"):
            await self._tags.put_managed(user_id, room_id, TAG)
            await self._membership.invite(room_id, self._sender_id, user_id, {})
        return room_id

    async def _make_room(self, user_id: str, instead_of: str | None) -> str:
        async def claim(room_id: str) -> None:
            if not await self._store.claim(user_id, room_id, instead_of):
                raise _Taken
            await self._tags.put_managed(user_id, room_id, TAG)

        picture = self._settings.avatar_url
        options = RoomOptions(
            version=self._version,
            preset="private_chat",
            name=self._settings.name or None,
            invite=(user_id,),
            initial_state=({"type": "m.room.avatar", "content": {"url": picture}},) if picture else (),
            power_levels={"users_default": LISTENER_LEVEL},
        )
        return await self._creator.create(self._sender_id, options, before_commit=claim)
