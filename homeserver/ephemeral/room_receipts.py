"""The receipts of one room in memory, and the m.receipt events made of them.

One event holds all, with one exception: content has one place for each event, type and user. An unthreaded receipt takes it before a threaded one
(MSC4102); two threads that meet there are told in two events.
"""

from collections.abc import Collection, Iterable
from typing import Any

import orjson

from homeserver.ephemeral.store import MAIN, READ, READ_PRIVATE, UNTHREADED, Receipt

REMEMBERED_ANSWERS = 16

Key = tuple[str, str, str]  # user, type, thread


def _key(receipt: Receipt) -> Key:
    return (receipt.user_id, receipt.type, receipt.thread)


class RoomReceipts:
    """In the order of the last changes; private ones apart, for their users alone."""

    __slots__ = ("_answers", "_private", "_public", "position")

    def __init__(self, receipts: Iterable[Receipt]) -> None:
        self._public: dict[Key, Receipt] = {}
        self._private: dict[Key, Receipt] = {}
        self._answers: dict[tuple[int, int], list[bytes]] = {}
        self.position = 0  # of the last change
        for receipt in receipts:
            self.apply(receipt)

    @property
    def weight(self) -> int:
        return 10 + len(self._public) + len(self._private)

    def apply(self, receipt: Receipt) -> None:
        """Take up a stored receipt; one known already is ignored."""
        held = self._private if receipt.type == READ_PRIVATE else self._public
        key = _key(receipt)
        before = held.get(key)
        if before is not None:
            if before.position >= receipt.position:
                return
            del held[key]
        held[key] = receipt
        self.position = max(self.position, receipt.position)
        self._answers.clear()

    def is_newer(self, receipt: Receipt) -> bool:
        """Whether it would move forward."""
        held = self._private if receipt.type == READ_PRIVATE else self._public
        before = held.get(_key(receipt))
        return before is None or before.event_position < receipt.event_position

    def read_position(self, user_id: str, thread: str | None) -> int | None:
        """Up to which event's position the user has read the main timeline (None) or the thread of that root; unthreaded receipts count for both.

        None: there is no receipt.
        """
        threads = (UNTHREADED, MAIN if thread is None else thread)
        found = [
            receipt.event_position
            for held, type in ((self._public, READ), (self._private, READ_PRIVATE))
            for name in threads
            if (receipt := held.get((user_id, type, name))) is not None
        ]
        return max(found, default=None)

    def latest(self, user_id: str, type: str, thread: str = UNTHREADED) -> Receipt | None:
        """The user's receipt of that type and thread."""
        held = self._private if type == READ_PRIVATE else self._public
        return held.get((user_id, type, thread))

    def has_read(self, user_id: str, since: int, until: int) -> bool:
        """Whether a receipt of the user's own changed after `since`, up to `until`."""
        if self.position <= since:
            return False
        return any(receipt.user_id == user_id for held in (self._public, self._private) for receipt in _between(held, since, until))

    def events(self, user_id: str, since: int = 0, until: int | None = None) -> list[bytes]:
        """Ready m.receipt events with what the user may see of the changes after `since`, up to `until`; empty when there is none."""
        if self.position <= since:
            return []
        last = self.position if until is None else min(until, self.position)
        own = [receipt for receipt in self._private.values() if receipt.user_id == user_id and since < receipt.position <= last]
        if own:
            return _compose(_between(self._public, since, last) + own)
        span = (since, last)
        answer = self._answers.get(span)
        if answer is None:
            answer = _compose(_between(self._public, since, last))
            if len(self._answers) >= REMEMBERED_ANSWERS:
                self._answers.clear()
            self._answers[span] = answer
        return answer

    def events_at(self, user_id: str, event_ids: Collection[str], since: int, until: int) -> list[bytes]:
        """As `events`, and beside what changed after `since` the receipts at these events and the user's own."""
        public = [
            receipt
            for receipt in self._public.values()
            if (receipt.position > since or receipt.event_id in event_ids or receipt.user_id == user_id) and receipt.position <= until
        ]
        private = [receipt for receipt in self._private.values() if receipt.user_id == user_id and receipt.position <= until]
        return _compose(public + private)


def _between(receipts: dict[Key, Receipt], since: int, until: int) -> list[Receipt]:
    """Costs what changed after `since`."""
    found = []
    for receipt in reversed(receipts.values()):
        if receipt.position <= since:
            break
        if receipt.position <= until:
            found.append(receipt)
    found.reverse()
    return found


def _compose(receipts: Iterable[Receipt]) -> list[bytes]:
    contents: list[dict[str, dict[str, dict[str, Any]]]] = []
    for receipt in sorted(receipts, key=lambda receipt: receipt.thread != UNTHREADED):
        data: dict[str, Any] = {"ts": receipt.ts}
        if receipt.thread != UNTHREADED:
            data["thread_id"] = receipt.thread
        _place(contents, receipt, data)
    return [b'{"type":"m.receipt","content":' + orjson.dumps(content) + b"}" for content in contents]


def _place(contents: list[dict[str, dict[str, dict[str, Any]]]], receipt: Receipt, data: dict[str, Any]) -> None:
    """Into the first event whose place is free; not at all where an unthreaded receipt says more."""
    for content in contents:
        users = content.setdefault(receipt.event_id, {}).setdefault(receipt.type, {})
        held = users.get(receipt.user_id)
        if held is None:
            users[receipt.user_id] = data
            return
        if "thread_id" not in held:
            return
    contents.append({receipt.event_id: {receipt.type: {receipt.user_id: data}}})
