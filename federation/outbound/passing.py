"""What is worth telling only now: who types, who has read what, who is here. Of each the last word alone; lost when it cannot be told at once."""

from typing import Any, Final

from federation.outbound.transaction import edu

MOST_KEPT: Final = 1_000  # of each kind, for one server
MOST_TOLD: Final = 200  # people in one m.presence, receipts in one m.receipt


class Passing:
    __slots__ = ("_presence", "_receipts", "_typing")

    def __init__(self) -> None:
        self._typing: dict[tuple[str, str], bool] = {}
        self._receipts: dict[tuple[str, str, str], tuple[str, int]] = {}
        self._presence: dict[str, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._typing or self._receipts or self._presence)

    def clear(self) -> None:
        self._typing.clear()
        self._receipts.clear()
        self._presence.clear()

    def type(self, room_id: str, user_id: str, *, is_typing: bool) -> None:
        _put(self._typing, (room_id, user_id), is_typing)

    def read(self, room_id: str, user_id: str, thread: str, event_id: str, ts: int) -> None:
        _put(self._receipts, (room_id, user_id, thread), (event_id, ts))

    def be(self, user_id: str, content: dict[str, Any]) -> None:
        _put(self._presence, user_id, content)

    def take(self, most: int) -> list[bytes]:
        """At most so many EDUs; they are no longer here then."""
        edus: list[bytes] = []
        while len(edus) < most and self._typing:
            room_id, user_id = next(iter(self._typing))
            content = {"room_id": room_id, "user_id": user_id, "typing": self._typing.pop((room_id, user_id))}
            edus.append(edu("m.typing", content))
        while len(edus) < most and self._receipts:
            edus.append(edu("m.receipt", self._take_receipts()))
        while len(edus) < most and self._presence:
            people = list(self._presence)[:MOST_TOLD]
            edus.append(edu("m.presence", {"push": [self._presence.pop(user_id) for user_id in people]}))
        return edus

    def _take_receipts(self) -> dict[str, Any]:
        """One of each user and room; those of further threads go into further EDUs."""
        content: dict[str, dict[str, dict[str, Any]]] = {}
        taken = []
        for key, (event_id, ts) in self._receipts.items():
            room_id, user_id, thread = key
            users = content.setdefault(room_id, {}).setdefault("m.read", {})
            if user_id in users:
                continue
            data: dict[str, Any] = {"ts": ts, "thread_id": thread} if thread else {"ts": ts}
            users[user_id] = {"event_ids": [event_id], "data": data}
            taken.append(key)
            if len(taken) >= MOST_TOLD:
                break
        for key in taken:
            del self._receipts[key]
        return content


def _put(kept: dict[Any, Any], key: Any, value: Any) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
