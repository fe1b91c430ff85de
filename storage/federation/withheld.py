"""What stood in events that were redacted while their room was known in part: given back, or forgotten."""

from collections.abc import Sequence

from homeserver.rooms.store import HAS_CHILDREN, REDACTED, EventCommit, StoredEvent
from homeserver.search.store import SEARCHED
from homeserver.streams import Change
from storage.database import Cursor, WriteCursor
from storage.event_rows import SELECT_E, RoomNames
from storage.room_commits import relate, renew_thread, write_verdicts

KEPT_MS = 7 * 24 * 3_600_000  # from when the upkeep first meets it: a room that nobody here needs any more may stay known in part for ever

_EVENTS = SELECT_E + "JOIN withheld_events w ON w.num = e.num WHERE w.room_num = ?"
_CONTENTS = "SELECT num, body, links FROM withheld_events WHERE room_num = ?"
_RESTORE = "UPDATE events SET flags = (flags & ?) | ?, notifies = ?, thread = ?, redacted_by = ?, body = ?, links = ? WHERE num = ?"
_NAMES = "UPDATE memberships SET displayname = ?, avatar_url = ? WHERE room_num = ? AND user_id = ? AND num = ?"
_MET = "UPDATE withheld_events SET until_ts = ? WHERE until_ts = 0"
_FORGET = "DELETE FROM withheld_events WHERE num IN (SELECT num FROM withheld_events WHERE until_ts < ? ORDER BY until_ts LIMIT ?)"


def withheld(cursor: Cursor, names: RoomNames, room_num: int | None) -> list[StoredEvent]:
    contents = {num: (bytes(body), bytes(links)) for num, body, links in cursor.all(_CONTENTS, room_num)}
    events = names.events(cursor, cursor.all(_EVENTS, room_num)) if contents else []
    for event in events:
        event.body, event.links = contents[event.num]
    return events


def write_restored(cursor: WriteCursor, restored: Sequence[EventCommit], position: int) -> None:
    """After the members and the revived, whom they may concern."""
    for commit in restored:
        event = commit.event
        notifies = event.notifies if event.is_shown else 0
        cursor.run(_RESTORE, HAS_CHILDREN, event.flags, notifies, event.thread, event.redacted_by, event.body, event.links, event.num)
        if event.is_shown and not event.flags & REDACTED:
            _write_derived(cursor, commit)
        cursor.announce(Change(position, "redacted", event.room_id, None, event.num))


def _write_derived(cursor: WriteCursor, commit: EventCommit) -> None:
    """What `clear_derived` took away."""
    event = commit.event
    if commit.relation is not None:
        relate(cursor, [(event, commit.relation)])
    if event.thread is not None:
        renew_thread(cursor, event.room_num, event.thread)
    if event.position is not None:
        cursor.run("DELETE FROM verdicts WHERE position = ?", event.position)
        write_verdicts(cursor, commit)
    if event.type in SEARCHED and event.position is not None:
        cursor.many(
            "INSERT INTO search_stale (room_num, position) VALUES (?, ?) ON CONFLICT (room_num, position) DO NOTHING",
            [(event.room_num, event.position)],
        )
    if event.type == "m.room.member":
        names = (name if isinstance(name := event.content.get(key), str) else None for key in ("displayname", "avatar_url"))
        cursor.run(_NAMES, *names, event.room_num, event.state_key, event.num)


def forget_withheld(cursor: WriteCursor, room_num: int) -> None:
    cursor.run("DELETE FROM withheld_events WHERE room_num = ?", room_num)


def forget_unneeded(cursor: WriteCursor, now_ms: int, most: int) -> int:
    cursor.run(_MET, now_ms + KEPT_MS)
    return cursor.run(_FORGET, now_ms, most)
