"""A client that believes what sliding sync tells it, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]
MEMBER = "m.room.member"


@dataclass
class RoomModel:
    shown: JSON = field(default_factory=dict)  # name, avatar, counts and their like
    state: dict[tuple[str, str], str] = field(default_factory=dict)
    timeline: list[str] = field(default_factory=list)
    events: dict[str, JSON] = field(default_factory=dict)
    invite_state: list[JSON] | None = None


class SlidingModel:
    """Applies answers in order."""

    def __init__(self) -> None:
        self.rooms: dict[str, RoomModel] = {}
        self.counts: dict[str, int] = {}
        self.account_data: dict[str, JSON] = {}
        self.room_account_data: dict[str, dict[str, JSON]] = {}
        self.receipts: dict[str, dict[tuple[str, str, str], str]] = {}
        self.typing: dict[str, list[str]] = {}
        self.letters: list[JSON] = []
        self.letters_since: str | None = None
        self.pos: str | None = None

    def apply(self, answer: JSON) -> None:
        for room_id, told in answer["rooms"].items():
            if told.get("initial"):
                self.rooms[room_id] = RoomModel()
            self._apply_room(self.rooms[room_id], told)
        self.counts = {name: told["count"] for name, told in answer["lists"].items()}
        self._apply_extensions(answer["extensions"])
        self.pos = answer["pos"]

    def _apply_room(self, room: RoomModel, told: JSON) -> None:
        for name in (
            "name", "avatar", "is_dm", "joined_count", "invited_count", "notification_count", "highlight_count", "bump_stamp", "heroes", "membership",
        ):  # fmt: skip
            if name in told:
                room.shown[name] = told[name]
        if room.shown.get("name") is not None:
            room.shown.pop("heroes", None)
        if "invite_state" in told:
            room.invite_state = told["invite_state"]
        if "timeline" in told:
            self._apply_timeline(room, told)
        for event in told.get("required_state", ()):
            room.state[event["type"], event["state_key"]] = event["event_id"]

    def _apply_timeline(self, room: RoomModel, told: JSON) -> None:
        expanded = told.get("unstable_expanded_timeline")
        if told["limited"] or expanded:
            room.timeline.clear()
        for event in told["timeline"]:
            assert event["event_id"] not in room.timeline, "told twice"
            room.timeline.append(event["event_id"])
            room.events[event["event_id"]] = event
        assert told["num_live"] <= len(told["timeline"])

    def _apply_extensions(self, told: JSON) -> None:
        for event in told.get("account_data", {}).get("global", ()):
            self.account_data[event["type"]] = event["content"]
        for room_id, events in told.get("account_data", {}).get("rooms", {}).items():
            assert room_id in self.rooms, "of a room the client does not know"
            for event in events:
                self.room_account_data.setdefault(room_id, {})[event["type"]] = event["content"]
        for room_id, event in told.get("receipts", {}).get("rooms", {}).items():
            assert event["type"] == "m.receipt"
            held = self.receipts.setdefault(room_id, {})
            for event_id, kinds in event["content"].items():
                for kind, users in kinds.items():
                    for user, data in users.items():
                        held[kind, user, data.get("thread_id", "")] = event_id
        for room_id, event in told.get("typing", {}).get("rooms", {}).items():
            self.typing[room_id] = event["content"]["user_ids"]
        if "to_device" in told:
            self.letters += told["to_device"].get("events", ())
            self.letters_since = told["to_device"]["next_batch"]
