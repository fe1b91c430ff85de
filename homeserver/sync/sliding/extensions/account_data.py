"""Account data, global and of the rooms that are looked at (MSC3959)."""

from dataclasses import replace

import orjson

from homeserver.account_data.account_data import UserData
from homeserver.account_data.store import GLOBAL
from homeserver.sync.scope import RoomScope, SyncScope
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sliding.choice import Choice, Turn
from homeserver.sync.sliding.connections.connection import HAS_ACCOUNT_DATA, Connection
from homeserver.sync.sliding.store import NO_WISH, Told

NAME = "account_data"
ALL_TOLD = Told(0, 0, NO_WISH, 0)


class AccountDataExtension:
    def __init__(self, section: AccountDataSection) -> None:
        self._section = section

    def read(self, scope: SyncScope, data: UserData, connection: Connection, choice: Choice) -> bytes:
        """The JSON object, empty bytes for nothing."""
        parts = []
        told = connection.rooms.get(GLOBAL)
        since = 0 if told is None else told.since or scope.since
        events = self._section.global_events(replace(scope, since=since), data)
        if told is None or told.since:
            choice.delta[GLOBAL] = ALL_TOLD
        if events:
            parts.append(b'"global":[%b]' % b",".join(events))
        rooms = []
        for turn in choice.turns:
            found = self._of_room(scope, data, turn) if turn.flags & HAS_ACCOUNT_DATA else ()
            if found:
                rooms.append(b"%b:[%b]" % (orjson.dumps(turn.room.room_id), b",".join(found)))
        if rooms:
            parts.append(b'"rooms":{%b}' % b",".join(rooms))
        return b"{%b}" % b",".join(parts) if parts else b""

    def pass_over(self, scope: SyncScope, data: UserData, connection: Connection, choice: Choice) -> None:
        """The client does not ask for it now: what it misses is told when it asks again."""
        told = connection.rooms.get(GLOBAL)
        if told is not None and not told.since and self._section.global_events(scope, data):
            choice.delta[GLOBAL] = told._replace(since=scope.since)

    def _of_room(self, scope: SyncScope, data: UserData, turn: Turn) -> list[bytes]:
        room = turn.room
        return self._section.room_events(
            scope, data, RoomScope(room.room_id, room.member, 0, room.until) if turn.lacks_account_data else room
        )
