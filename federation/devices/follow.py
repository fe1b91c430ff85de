"""Follows the device lists of other servers' users who share a room with somebody here (server-server API, "Device Management").

A list is asked for as a whole when somebody first wants it, and kept current by updates, each of which names the one before; when one is missing, the list is
asked for again. A user who shares no room any more is followed no longer, for updates about him no longer come.
"""

from collections.abc import Collection
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from federation.client import FederationClient, v1
from federation.devices import shapes
from federation.devices.store import CrossSigningUpdate, DeviceUpdate, RemoteDeviceStore, RemoteUser
from federation.errors import BadAnswer, FederationError
from homeserver.clock import Clock
from homeserver.encryption.store import MASTER, SELF_SIGNING
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.store import WHOLE_ROOM, WholeNews
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams

SECONDS: Final = 20.0
STRANGERS_S: Final = 1.0  # who has left is looked at together with others
MOST_ASKING: Final = 1_000  # lists that are asked for of our own accord; beyond, whoever wants one has it asked for


class _Heard:
    """The newest update that came while a list was asked for, by however many."""

    def __init__(self) -> None:
        self.askers = 0
        self.newest = -1


class DeviceFollower:
    _log = Logger()

    def __init__(self, store: RemoteDeviceStore, client: FederationClient, partial: PartialRooms, clock: Clock, own_name: str) -> None:
        self._store = store
        self._client = client
        self._partial = partial
        self._clock = clock
        self._suffix = ":" + own_name
        self._asking: dict[str, Deferred[RemoteUser]] = {}
        self._heard: dict[str, _Heard] = {}  # of users whose lists are being asked for
        self._left_users: set[str] = set()
        self._left_rooms: set[str] = set()  # by somebody of this server
        self._timer: IDelayedCall | None = None

    async def start(self, streams: Streams) -> None:
        strangers = await self._store.all_strangers()
        if strangers:
            await self._store.forget(strangers)
        streams.subscribe(self._follow)

    def stop(self) -> None:
        """Lists that are being asked for are asked for again when somebody wants them."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for asking in list(self._asking.values()):
            asking.cancel()

    async def update(self, content: dict[str, Any]) -> None:
        """An m.device_list_update of the user's own server, of the right shape."""
        user_id = content["user_id"]
        may_be_here = bool(self._partial.rooms_of(user_id.partition(":")[2]))  # in a room whose members are not known yet
        if not may_be_here and not await self._store.sharing([user_id]):
            return
        device = None
        if not content.get("deleted"):
            device = shapes.device(user_id, content["device_id"], content.get("keys"), content.get("device_display_name"))
            if device is None and not may_be_here and not await self._store.users([user_id]):
                return  # a device without keys has nothing to look up
        heard = self._heard.get(user_id)
        if heard is not None:
            heard.newest = max(heard.newest, content["stream_id"])
        update = DeviceUpdate(user_id, content["stream_id"], content.get("prev_id") or [], content["device_id"], device)
        if not await self._store.update(update) and len(self._asking) < MOST_ASKING:
            self._ask_again(user_id)

    async def update_signing(self, content: dict[str, Any]) -> None:
        """An m.signing_key_update of the user's own server, of the right shape."""
        user_id = content["user_id"]
        if await self._may_share(user_id):
            await self._store.update_signing(CrossSigningUpdate(user_id, shapes.signing_keys(user_id, content)))

    async def _may_share(self, user_id: str) -> bool:
        """Whether the user is in a room of ours, or may be in one whose members are not known yet."""
        return bool(self._partial.rooms_of(user_id.partition(":")[2]) or await self._store.sharing([user_id]))

    async def current(self, user_ids: Collection[str]) -> dict[str, RemoteUser]:
        """Those that are followed and lack nothing."""
        return {user_id: user for user_id, user in (await self._store.users(user_ids)).items() if not user.stale}

    async def fetch(self, user_id: str, seconds: float = SECONDS) -> RemoteUser:
        """The user's list as his server has it now; followed from now on. Raises FederationError."""
        heard = self._heard.setdefault(user_id, _Heard())
        heard.askers += 1
        try:
            return await self._fetched(user_id, seconds, heard)
        finally:
            heard.askers -= 1
            if not heard.askers:
                del self._heard[user_id]

    async def _fetched(self, user_id: str, seconds: float, heard: "_Heard") -> RemoteUser:
        server = user_id.partition(":")[2]
        answer = await self._client.get(server, v1("user", "devices", user_id), seconds=seconds)
        stream_id = answer.get("stream_id")
        if answer.get("user_id") != user_id or type(stream_id) is not int or not 0 <= stream_id <= MAX_INTEGER:
            raise BadAnswer
        signing = shapes.signing_keys(user_id, answer)
        devices = shapes.devices(user_id, answer.get("devices"))
        before = (await self._store.users([user_id])).get(user_id)
        is_past = heard.newest > stream_id  # an update overtook the answer: whoever wants the list next asks again
        user = RemoteUser(user_id, stream_id, devices, signing.get(MASTER), signing.get(SELF_SIGNING), is_past)
        if before != user:
            await self._store.put(user, is_news=before is not None)
        return user

    def _ask_again(self, user_id: str) -> None:
        if user_id in self._asking:
            return
        asking = self._asking[user_id] = Deferred.fromCoroutine(self.fetch(user_id))
        asking.addErrback(self._failed, user_id)
        asking.addBoth(lambda _: self._asking.pop(user_id, None))

    def _failed(self, failure: Any, user_id: str) -> None:
        """The list stays stale: it is asked for when somebody wants it, or with the next update."""
        if failure.check(FederationError, CancelledError):
            self._log.debug("the devices of {user} are asked for later: {error}", user=user_id, error=failure.value)
        else:
            self._log.failure("the devices of {user} could not be asked for", failure, user=user_id)

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.kind == WHOLE_ROOM and isinstance(change.subject, WholeNews) and change.subject.gone:
                self._left_users |= change.subject.gone  # they never were there: what is known of them may be out of date
                self._look_soon(0)
            if change.kind != "event" or change.user_id is None or change.room_id is None:
                continue
            if isinstance(change.subject, StoredEvent) and change.subject.content.get("membership") == "join":
                continue
            if change.user_id.endswith(self._suffix):
                self._left_rooms.add(change.room_id)
            else:
                self._left_users.add(change.user_id)
            if self._timer is None:
                self._look_soon(STRANGERS_S)

    def _look_soon(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(seconds, self._look_at_left)

    def _look_at_left(self) -> None:
        self._timer = None
        forgetting = Deferred.fromCoroutine(self._forget_strangers())
        forgetting.addErrback(lambda failure: self._log.failure("strangers could not be forgotten", failure))

    async def _forget_strangers(self) -> None:
        users, self._left_users = self._left_users, set()
        rooms, self._left_rooms = self._left_rooms, set()
        strangers = await self._store.strangers(users, rooms)
        if strangers:
            await self._store.forget(strangers)
