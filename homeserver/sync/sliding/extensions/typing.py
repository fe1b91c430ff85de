"""Who types in the rooms that are looked at (MSC3961)."""

from collections.abc import Collection, Iterable

import orjson

from homeserver.ephemeral.sequence import FRESH
from homeserver.ephemeral.typing import Typing
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncScope
from homeserver.sync.sliding.choice import Turn

NAME = "typing"


class TypingExtension:
    def __init__(self, typing: Typing) -> None:
        self._typing = typing

    def read(self, scope: SyncScope, feed: Feed, wanted: Collection[str], turns: Iterable[Turn]) -> bytes:
        """The JSON object, empty bytes for nothing. `wanted`: the rooms of which the client is to hear."""
        since = scope.ephemeral_since
        rooms = {turn.room.room_id for turn in turns if turn.is_initial and self._typing.changed(turn.room.room_id, FRESH)}
        if since != FRESH:
            rooms.update(feed.typing_rooms(since) if since >= feed.typing_since else self._typing.changed_since(since))
        told = [room_id for room_id in rooms if room_id in wanted and room_id in feed.joined]
        if not told:
            return b""
        return b'{"rooms":{%b}}' % b",".join(b"%b:%b" % (orjson.dumps(room_id), self._typing.event(room_id)) for room_id in told)
