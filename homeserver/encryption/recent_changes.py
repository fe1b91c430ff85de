"""The last changes of memberships and of keys, from memory: most syncs find here that there is nothing to tell."""

from collections import deque
from typing import NamedTuple

from homeserver.encryption.store import KEYS_CHANGE, KeysChange, MemberChangeRow
from homeserver.streams import Change, Streams

KEPT = 20_000


class KeysChanged(NamedTuple):
    user_id: str
    observer: str  # "": everybody


class RecentChanges:
    """`position`: of the last change of either kind; up to `floor` the store must be asked."""

    def __init__(self, streams: Streams) -> None:
        self.position = self.floor = streams.position
        self._entries: deque[tuple[int, MemberChangeRow | KeysChanged]] = deque()
        self._streams = streams
        streams.subscribe(self._follow)

    def is_quiet(self, since: int) -> bool:
        """Whether it is certain that nothing changed after `since`."""
        return since >= self.position

    def since(self, position: int) -> list[MemberChangeRow | KeysChanged] | None:
        """What changed after it; None: ask the store."""
        if position < self.floor:
            return None
        found = []
        for at, entry in reversed(self._entries):
            if at <= position:
                break
            found.append(entry)
        return found

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._forget(self._streams.position)
        for change in changes:
            if change.user_id is None:
                continue
            if change.kind == "event" and change.room_id is not None:
                self._add(change.position, MemberChangeRow(change.room_id, change.user_id))
            elif change.kind == KEYS_CHANGE and isinstance(change.subject, KeysChange):
                self._add(change.position, KeysChanged(change.user_id, change.subject.observer))
            elif change.kind == KEYS_CHANGE:
                self._forget(change.position)

    def _add(self, position: int, entry: MemberChangeRow | KeysChanged) -> None:
        self.position = position
        self._entries.append((position, entry))
        if len(self._entries) > KEPT:
            self.floor = self._entries.popleft()[0]

    def _forget(self, position: int) -> None:
        """What happened up to there is not all known here."""
        self._entries.clear()
        self.position = self.floor = position
