"""What the fuzzer knows of the server, gathered from its answers: so requests get past the first check."""

from collections import deque
from collections.abc import Iterable
from random import Random
from typing import Any

REMEMBERED = 150
KINDS = {
    "room_id": "room", "replacement_room": "room", "joined_rooms": "room", "event_id": "event", "next_batch": "token", "prev_batch": "token", "start": "token",
    "end": "token", "filter_id": "filter", "device_id": "device", "session": "session", "refresh_token": "refresh", "login_token": "login",
    "user_id": "user", "alias": "alias", "room_alias": "alias", "nonce": "nonce",
}  # fmt: skip


class Known:
    """Values by what they are: room, event, token, user …"""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._values: dict[str, deque[str]] = {}
        self.lasting: dict[str, list[str]] = {}  # never pushed out
        self._events: dict[str, deque[str]] = {}  # by room

    def add(self, kind: str, value: str) -> None:
        found = self._values.setdefault(kind, deque(maxlen=REMEMBERED))
        if value not in found:
            found.append(value)

    def some(self, kind: str) -> str:
        lasting = self.lasting.get(kind, ())
        found = self._values.get(kind, ())
        if lasting and (not found or self._chance.random() < 0.5):
            return self._chance.choice(lasting)
        return self._chance.choice(found) if found else "nothing"

    def event_of(self, room_id: str) -> str:
        """An event of that room, if one is known."""
        found = self._events.get(room_id)
        return self._chance.choice(found) if found else self.some("event")

    def learn_room(self, room_id: str, answer: Any) -> None:
        """An answer that speaks of one room."""
        events = self._events.setdefault(room_id, deque(maxlen=REMEMBERED))
        if len(self._events) > REMEMBERED:
            self._events.clear()
        if isinstance(answer, dict):
            listed = [answer.get("chunk"), answer.get("events"), [answer]]
            events.extend(
                event["event_id"]
                for events_of in listed
                if isinstance(events_of, list)
                for event in events_of[-10:]
                if isinstance(event, dict) and isinstance(event.get("event_id"), str)
            )

    def learn(self, answer: Any) -> None:
        """Keep what an answer names."""
        waiting = [answer]
        for _ in range(200):
            if not waiting:
                return
            item = waiting.pop()
            if isinstance(item, dict):
                self._learn_object(item)
                waiting += item.values()
            elif isinstance(item, list):
                waiting += item[-10:]

    def _learn_object(self, item: dict[str, Any]) -> None:
        if isinstance(item.get("join"), dict):
            for room_id, room in item["join"].items():
                self.learn_room(room_id, room.get("timeline") if isinstance(room, dict) else None)
        if isinstance(item.get("content_uri"), str):
            self.add("media", item["content_uri"].rpartition("/")[2])
        if isinstance(item.get("version"), str) and len(item) < 6:
            self.add("backup", item["version"])
        for name in KINDS.keys() & item.keys():
            found = item[name]
            texts: Iterable[Any] = found if isinstance(found, list) else (found,)
            for text in texts:
                if isinstance(text, str) and 0 < len(text) < 300:
                    self.add(KINDS[name], text)
