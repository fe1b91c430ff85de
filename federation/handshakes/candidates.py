"""Whom to ask to be let into a room, or out of it: one after the other, until one helps; and what to tell the user when none did."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

import orjson
from twisted.logger import Logger

from federation.errors import FederationError, RemoteRefused, Unreachable
from federation.server_policy import ServerPolicy
from homeserver.errors import Forbidden, IncompatibleRoomVersion, MatrixError, NotFound, Unavailable
from homeserver.protocol.errors import InvalidIdentifier, ProtocolError
from homeserver.protocol.ids import server_name_of
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.store import MemberRecord

MOST_ASKED: Final = 10
T = TypeVar("T")


class MemberReads(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def member(self, room_id: str, user_id: str) -> MemberRecord | None: ...

    async def joined_users(self, room_id: str) -> list[str]: ...


class Candidates:
    _log = Logger()

    def __init__(self, own_name: str, members: MemberReads, policy: ServerPolicy, partial: PartialRooms) -> None:
        self._own_name = own_name
        self._members = members
        self._policy = policy
        self._partial = partial

    async def in_room(self, room_id: str) -> list[str]:
        """The other servers in a room as far as it is known here, those with the most members first."""
        counts = Counter(user_id.partition(":")[2] for user_id in await self._members.joined_users(room_id))
        names = dict.fromkeys((*(name for name, _ in counts.most_common()), *self._partial.servers(room_id)))
        return [name for name in names if name != self._own_name]

    async def of(self, room_id: str, user_id: str, named: Sequence[str] = ()) -> list[str]:
        """Those named, and whoever invited the user; where none is named also those known to be there, or who made the room if nobody is known."""
        member = await self._members.member(room_id, user_id)
        names = list(named)
        if member is not None:
            names += _told_by(member)
        if not self._others(named):
            names += (await self.in_room(room_id))[:MOST_ASKED]
            names += [] if names else [room_id.partition(":")[2]]
        return self._others(names)[:MOST_ASKED]

    def _others(self, names: Sequence[str]) -> list[str]:
        return [name for name in dict.fromkeys(names) if name not in ("", self._own_name) and self._policy.allows(name)]

    async def first(self, servers: Sequence[str], ask: Callable[[str], Awaitable[T]]) -> T:
        """What the first server gave that helped. Raises what says most about why none did."""
        failures: list[MatrixError] = []
        for server in servers:
            try:
                return await ask(server)
            except RemoteRefused as error:
                failure = error.as_local()
            except (IncompatibleRoomVersion, Unavailable):
                raise
            except MatrixError as error:
                failure = error
            except (ProtocolError, InvalidIdentifier) as error:
                failure = Forbidden(f"{server} does not say rightly how to go on: {error}")
            self._log.info("{server} did not help: {error}", server=server, error=failure.message)
            if isinstance(failure, IncompatibleRoomVersion):
                raise failure
            failures.append(failure)
        raise _most_telling(failures)


def _told_by(member: MemberRecord) -> list[str]:
    """The servers of whoever invited, and of those who shaped the room as far as it was shown."""
    senders = [member.sender] if member.membership == "invite" else []
    senders += [event["sender"] for event in orjson.loads(member.stripped or b"[]")]
    return [server_name_of(sender) for sender in senders]


def _most_telling(failures: Sequence[MatrixError]) -> MatrixError:
    """A refusal says more than silence; the last one was by whoever was left."""
    if not failures:
        return NotFound("No known servers are in this room")
    refusals = [failure for failure in failures if not isinstance(failure, Unreachable)]
    plain = [failure for failure in refusals if not isinstance(failure, FederationError)]
    return (plain or refusals or failures)[-1]
