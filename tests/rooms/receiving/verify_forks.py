"""What `tests.support.verify` does, for rooms that several servers wrote in: every derived table made again from the graph and compared."""

from collections import Counter

from homeserver.protocol.auth_rules import check_event
from homeserver.protocol.errors import NotAuthorised
from homeserver.rooms import state_map
from homeserver.rooms.store import HIDDEN, OUTLIER, REDACTED, REJECTED, StoredEvent
from storage.database import Cursor
from storage.event_rows import RoomNames
from tests.support.verify import MEMBER, Verification


class ForkedVerification(Verification):
    """The whole history is at hand."""

    def check(self) -> int:
        for event in self._in_order():
            if event.is_shown:
                self._check_row(event)
            self._check_alone(self._parsed[event.event_id])
            self._check_place(event)
        self._check_ends()
        self._check_members()
        self._check_redactions()
        return len(self._events)

    def _check_place(self, event: StoredEvent) -> None:
        """Permission, and the states before and after."""
        parsed = self._parsed[event.event_id]
        before = self._resolved([self._after[parent] for parent in parsed.prev_events])
        self._check_root(event.state_before, before)
        if event.flags & REJECTED:
            self._after[event.event_id] = before
        else:
            if not (event.flags & REDACTED and parsed.type == "m.room.redaction"):
                check_event(parsed, {address: held.event for address, held in before.items()})
            self._after[event.event_id] = {**before, parsed.address: event} if parsed.is_state else before
        self._check_root(event.root_after, self._after[event.event_id])
        if not event.flags & HIDDEN:
            self._check_root(event.current_after, self._at(event.current_after))

    def _at(self, root: bytes | None) -> dict[tuple[str, str], StoredEvent]:
        """What the nodes say; their being there is what is looked at."""
        numbers = state_map.items(root or state_map.EMPTY, self._nodes).values()
        return {self._by_num[num].event.address: self._by_num[num] for num in numbers}

    def _check_members(self) -> None:
        sql = "SELECT user_id, num, membership, sender, displayname, avatar_url FROM memberships WHERE room_num = ?"
        found = {row[0]: tuple(row[1:]) for row in self._cursor.all(sql, self._room_num)}
        expected = {}
        for (type_, user_id), event in self._state.items():
            if type_ == MEMBER:
                content = event.content
                expected[user_id] = (
                    event.num, content["membership"], event.sender, content.get("displayname"), content.get("avatar_url"),
                )  # fmt: skip
        gone = {user_id: row for user_id, row in found.items() if user_id not in expected}
        assert all(row[1] == "leave" for row in gone.values()), f"{self.room_id}: {gone} are in no state"
        left = {user_id: row for user_id, row in found.items() if user_id in expected}
        assert left == expected, f"{self.room_id}: memberships {left.items() ^ expected.items()}"
        counted = Counter(row[1] for row in expected.values())
        row = self._cursor.one("SELECT joined_count, invited_count FROM rooms WHERE room_num = ?", self._room_num)
        assert row == (counted["join"], counted["invite"]), f"{self.room_id}: counts are {row}, not {counted}"
        local = "SELECT count(*) FROM memberships WHERE room_num = ? AND is_local = 1 AND membership = 'join'"
        known = self._cursor.value("SELECT local_joined_count FROM rooms WHERE room_num = ?", self._room_num)
        assert known == self._cursor.value(local, self._room_num), f"{self.room_id}: local count"

    def check_refusals(self) -> None:
        """What was rejected is refused by the state before it."""
        for event in self._events.values():
            if event.flags & REJECTED and not event.flags & OUTLIER:
                parsed = self._parsed[event.event_id]
                before = self._resolved([self._after[parent] for parent in parsed.prev_events])
                try:
                    check_event(parsed, {address: held.event for address, held in before.items()})
                except NotAuthorised:
                    continue
                raise AssertionError(f"{event} was rejected without need")


def verify_forked(cursor: Cursor, room_id: str) -> int:
    """How many events the room has; AssertionError when something derived is not what follows from them."""
    room_num = cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", room_id)
    verification = ForkedVerification(cursor, RoomNames(), room_num, None)
    count = verification.check()
    verification.check_refusals()
    return count
