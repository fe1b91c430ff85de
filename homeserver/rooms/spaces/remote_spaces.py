"""Rooms as other servers tell of them: their answers, cleaned and kept for a while. Server-server API, "GET /hierarchy/{roomId}".

That none tells of a room is not kept: it may change with the next join, and servers that do not answer are known elsewhere.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from homeserver.clock import Clock
from homeserver.rooms.directory.ports import RemoteDirectory, RemoteSpace
from homeserver.rooms.directory.summary import MAX_ALLOWED_ROOMS, Child, children_of

KEPT_SECONDS = 300.0
MAX_KEPT = 1_000
MAX_KEPT_BYTES = 8 * 2**20
MAX_CHILDREN = 1_000  # of one remote space

_OVERHEAD = 100  # of a text
_TYPES: Mapping[str, type] = {
    "avatar_url": str,
    "canonical_alias": str,
    "encryption": str,
    "guest_can_join": bool,
    "join_rule": str,
    "name": str,
    "num_joined_members": int,
    "room_type": str,
    "room_version": str,
    "topic": str,
    "world_readable": bool,
}


class RemoteRoom(NamedTuple):
    """`chunk` holds what the spec names and nothing else; `children` are those of its m.space.child events that are valid."""

    chunk: Mapping[str, Any]
    children: tuple[Child, ...] = ()

    @property
    def is_space(self) -> bool:
        return self.chunk.get("room_type") == "m.space"

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        texts = sum(len(value) for value in self.chunk.values() if isinstance(value, str))
        texts += sum(len(room) + _OVERHEAD for room in self.chunk.get("allowed_room_ids", ()))
        return 10 * _OVERHEAD + texts + sum(2 * len(child.stripped) + 3 * _OVERHEAD for child in self.children)


class RemoteAnswer(NamedTuple):
    """A room, what was told of its children, and the children nobody may see."""

    room: RemoteRoom
    described: Mapping[str, RemoteRoom]
    inaccessible: frozenset[str]

    @property
    def size(self) -> int:
        """As a room's."""
        rooms = self.room.size + sum(room.size for room in self.described.values())
        return rooms + sum(len(room) + _OVERHEAD for room in self.inaccessible)


class _Kept(NamedTuple):
    until: float
    answer: RemoteAnswer
    size: int


class _Stripped(NamedTuple):
    state_key: str
    content: Mapping[str, Any]
    sender: str
    ts: int


class RemoteSpaces:
    """Asks and remembers, bounded in number, bytes and time."""

    def __init__(self, remote: RemoteDirectory, clock: Clock) -> None:
        self._remote = remote
        self._clock = clock
        self._kept: OrderedDict[tuple[str, bool], _Kept] = OrderedDict()
        self._size = 0

    async def get(self, room_id: str, servers: Sequence[str], suggested_only: bool) -> RemoteAnswer | None:
        """None when no server tells of the room."""
        key = (room_id, suggested_only)
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() < kept.until:
            return kept.answer
        space = await self._remote.space(room_id, servers, suggested_only) if servers else None
        answer = None if space is None else read_answer(room_id, space)
        if answer is not None:
            self._keep(key, answer)
        return answer

    def _keep(self, key: tuple[str, bool], answer: RemoteAnswer) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._size -= before.size
        kept = self._kept[key] = _Kept(self._clock.monotonic() + KEPT_SECONDS, answer, answer.size)
        self._size += kept.size
        while len(self._kept) > MAX_KEPT or self._size > MAX_KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size


def read_answer(room_id: str, space: RemoteSpace) -> RemoteAnswer | None:
    """What an answer says, as far as it is well-formed."""
    room = _room(space.room)
    if room is None or room.chunk["room_id"] != room_id:
        return None
    described = [child for chunk in space.children[:MAX_CHILDREN] if (child := _room(chunk)) is not None]
    return RemoteAnswer(room, {child.chunk["room_id"]: child for child in described}, space.inaccessible)


def _room(told: Mapping[str, Any]) -> RemoteRoom | None:
    room_id = told.get("room_id")
    if not isinstance(room_id, str) or not room_id.startswith("!"):
        return None
    chunk: dict[str, Any] = {"room_id": room_id, "num_joined_members": 0, "world_readable": False, "guest_can_join": False}
    chunk.update({key: told[key] for key, kind in _TYPES.items() if type(told.get(key)) is kind})
    allowed = told.get("allowed_room_ids")
    if isinstance(allowed, list):
        chunk["allowed_room_ids"] = [room for room in allowed if isinstance(room, str)][:MAX_ALLOWED_ROOMS]
    events = told.get("children_state")
    stripped = [event for entry in events[:MAX_CHILDREN] if (event := _child(entry)) is not None] if isinstance(events, list) else []
    return RemoteRoom(chunk, children_of(stripped))


def _child(entry: Any) -> _Stripped | None:
    if not isinstance(entry, dict) or entry.get("type") != "m.space.child":
        return None
    state_key, content, sender, ts = (entry.get(key) for key in ("state_key", "content", "sender", "origin_server_ts"))
    if not isinstance(state_key, str) or not isinstance(content, dict) or not isinstance(sender, str) or type(ts) is not int:
        return None
    return _Stripped(state_key, content, sender, ts)
