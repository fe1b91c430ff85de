"""A client that believes what /sync tells it, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

Address = tuple[str, str]
JSON = dict[str, Any]


@dataclass
class RoomModel:
    state: dict[Address, JSON] = field(default_factory=dict)
    timeline: list[str] = field(default_factory=list)
    events: dict[str, JSON] = field(default_factory=dict)
    account_data: dict[str, JSON] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    typing: list[str] = field(default_factory=list)
    unread: JSON = field(default_factory=dict)
    threads: JSON = field(default_factory=dict)
    summary: JSON = field(default_factory=dict)


class ClientModel:
    """Applies answers in order. `state_after`: the client asked for that kind of state."""

    def __init__(self, *, state_after: bool = False) -> None:
        self.state_after = state_after
        self.joined: dict[str, RoomModel] = {}
        self.invited: dict[str, list[JSON]] = {}
        self.knocked: dict[str, list[JSON]] = {}
        self.left: dict[str, RoomModel] = {}
        self.account_data: dict[str, JSON] = {}
        self.token: str | None = None

    def apply(self, answer: JSON) -> None:
        for event in answer.get("account_data", {}).get("events", ()):
            self.account_data[event["type"]] = event["content"]
        rooms = answer.get("rooms", {})
        for room_id, body in rooms.get("invite", {}).items():
            self._move(room_id)
            self.invited[room_id] = body["invite_state"]["events"]
        for room_id, body in rooms.get("knock", {}).items():
            self._move(room_id)
            self.knocked[room_id] = body["knock_state"]["events"]
        for room_id, body in rooms.get("join", {}).items():
            room = self.joined.get(room_id) or RoomModel()
            self._move(room_id)
            self.joined[room_id] = room
            self._apply_room(room, body)
        for room_id, body in rooms.get("leave", {}).items():
            room = self.joined.get(room_id) or RoomModel()
            self._move(room_id)
            self.left[room_id] = room
            self._apply_room(room, body)
        self.token = answer["next_batch"]

    def _move(self, room_id: str) -> None:
        for group in (self.joined, self.invited, self.knocked, self.left):
            group.pop(room_id, None)

    def _apply_room(self, room: RoomModel, body: JSON) -> None:
        timeline = body["timeline"]
        if timeline["limited"]:
            room.timeline.clear()
        for event in body["state_after" if self.state_after else "state"]["events"]:
            room.state[event["type"], event["state_key"]] = event
        for event in timeline["events"]:
            assert event["event_id"] not in room.timeline, "told twice"
            room.timeline.append(event["event_id"])
            room.events[event["event_id"]] = event
            if "state_key" in event and not self.state_after:
                room.state[event["type"], event["state_key"]] = event
        for event in body["account_data"]["events"]:
            room.account_data[event["type"]] = event["content"]
        for event in body.get("ephemeral", {}).get("events", ()):
            if event["type"] == "m.receipt":
                self._apply_receipts(room, event["content"])
            elif event["type"] == "m.typing":
                room.typing = event["content"]["user_ids"]
        room.unread = body.get("unread_notifications", room.unread)
        room.threads = body.get("unread_thread_notifications", {}) if "unread_notifications" in body else room.threads
        room.summary = {**room.summary, **body.get("summary", {})}

    def _apply_receipts(self, room: RoomModel, content: JSON) -> None:
        for event_id, kinds in content.items():
            for kind, users in kinds.items():
                for user, data in users.items():
                    room.receipts[kind, user, data.get("thread_id", "")] = event_id
