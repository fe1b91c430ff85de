"""Writes events and all that they change: many rooms' commits in one call, each table once.

An item is what one `RoomStore.commit` call was given. Items whose lineage broke are answered with CommitLost and leave no trace; nothing else may fail
for one item alone, so there are no savepoints here.
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from homeserver.protocol.limits import MAX_IDENTIFIER_BYTES
from homeserver.rooms.directory.store import LISTING
from homeserver.rooms.partial.store import PARTIAL_ROOM
from homeserver.rooms.store import HAS_CHILDREN, PARTIAL, REDACTED, CommitLost, EventCommit, MemberChange, Relation, StoredEvent
from homeserver.search.store import SEARCHED
from homeserver.streams import Change
from storage.database import WriteCursor
from storage.finding.upgrades import write_succession

Item = Sequence[EventCommit]

INSERT_EVENT = (
    "INSERT INTO events (num, room_num, position, topo, flags, notifies, ts, type, sender, state_key, event_id, thread, redacted_by, "
    "state_before, state_after, body, links, shown_before, shown_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PLACE_EVENT = (
    "UPDATE events SET position = ?, topo = ?, flags = ?, notifies = ?, thread = ?, redacted_by = ?, state_before = ?, state_after = ?, "
    "body = ?, links = ?, shown_before = ?, shown_after = ? WHERE num = ?"
)
PUT_NODE = (
    "INSERT INTO state_nodes (node_id, room_num, body) VALUES (?, ?, ?) "
    "ON CONFLICT (node_id) DO UPDATE SET left_ts = 0 WHERE state_nodes.left_ts > 0"
)
UPSERT_MEMBER = (
    "INSERT INTO memberships (room_num, user_id, membership, previous, num, position, joined_position, sender, is_local, forgotten, "
    "displayname, avatar_url, stripped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) "
    "ON CONFLICT (room_num, user_id) DO UPDATE SET membership = excluded.membership, previous = excluded.previous, num = excluded.num, "
    "position = excluded.position, joined_position = coalesce(excluded.joined_position, memberships.joined_position), "
    "sender = excluded.sender, "
    "forgotten = CASE WHEN excluded.membership IN ('leave', 'ban') THEN memberships.forgotten ELSE 0 END, "
    "displayname = excluded.displayname, avatar_url = excluded.avatar_url, stripped = excluded.stripped"
)

PUT_THREAD = (
    "INSERT INTO threads (room_num, root_id, latest_num, latest_position) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (room_num, root_id) DO UPDATE SET latest_num = excluded.latest_num, latest_position = excluded.latest_position"
)
WITHHOLD = "INSERT INTO withheld_events (num, room_num, body, links, until_ts) VALUES (?, ?, ?, ?, 0) ON CONFLICT (num) DO NOTHING"
WITHHOLD_STORED = (
    "INSERT INTO withheld_events (num, room_num, body, links, until_ts) SELECT num, room_num, body, links, 0 FROM events "
    "WHERE num = ? AND flags & ? = 0 ON CONFLICT (num) DO NOTHING"
)


def write_commits(cursor: WriteCursor, items: Sequence[Item]) -> list[CommitLost | None]:
    outcome: list[CommitLost | None] = []
    commits: list[EventCommit] = []
    for item in items:
        if any(commit.lineage.broken for commit in item):
            outcome.append(CommitLost())
            continue
        outcome.append(None)
        commits.extend(item)
    if commits:
        _write(cursor, commits)
    return outcome


def _write(cursor: WriteCursor, commits: list[EventCommit]) -> None:
    write_rooms(cursor, commits)
    write_events(cursor, commits)
    write_states(cursor, commits)
    write_extremities(cursor, commits)
    write_members(cursor, commits)
    write_relations(cursor, commits)
    write_transactions(cursor, commits)
    for commit in commits:
        if commit.event.flags & PARTIAL:
            write_partial(cursor, commit)
        if commit.withheld is not None:
            cursor.run(WITHHOLD, commit.event.num, commit.event.room_num, *commit.withheld)
        if commit.redaction is not None:
            write_redaction(cursor, commit)
        if commit.event.verdicts or commit.highlight_members or commit.highlights:
            write_verdicts(cursor, commit)
        if (commit.event.is_shown or commit.member is not None) and not commit.is_history:
            announce(cursor, commit)
        if commit.succession is not None:
            write_succession(cursor, commit.succession, commit.event.position or 0)


def write_states(cursor: WriteCursor, commits: list[EventCommit]) -> None:
    nodes: dict[bytes, tuple[int, bytes]] = {}
    roots: dict[int, bytes] = {}
    current: dict[tuple[int, str, str], int | None] = {}
    for commit in commits:
        if commit.nodes:
            nodes.update((node_id, (commit.event.room_num, body)) for node_id, body in commit.nodes.items())
        if commit.root is None:
            continue
        roots[commit.event.room_num] = commit.root
        for (type_, state_key), num in commit.current_state.items():
            current[commit.event.room_num, type_, state_key] = num
    if not roots and not nodes:
        return
    write_nodes(cursor, nodes)
    cursor.many(
        "INSERT INTO room_roots (room_num, root) VALUES (?, ?) ON CONFLICT (room_num) DO UPDATE SET root = excluded.root",
        list(roots.items()),
    )
    cursor.many(
        "INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (room_num, type, state_key) DO UPDATE SET num = excluded.num",
        [(*address, num) for address, num in current.items() if num is not None],
    )
    cursor.many(
        "DELETE FROM current_state WHERE room_num = ? AND type = ? AND state_key = ?",
        [address for address, num in current.items() if num is None],
    )


def write_nodes(cursor: WriteCursor, nodes: Mapping[bytes, tuple[int, bytes]]) -> None:
    """By their IDs: room and body. One that was found to be part of no state is one no longer (`homeserver.rooms.partial.collect`)."""
    cursor.many(PUT_NODE, [(node_id, room_num, body) for node_id, (room_num, body) in nodes.items()])


def write_rooms(cursor: WriteCursor, commits: list[EventCommit]) -> None:
    new = [commit.new_room for commit in commits if commit.new_room is not None]
    if new:
        cursor.many(
            "INSERT INTO rooms (room_num, room_id, version, created_ts, published) VALUES (?, ?, ?, ?, ?)",
            [(room.room_num, room.room_id, room.version.identifier, room.created_ts, int(room.published)) for room in new],
        )
    counts: dict[int, list[int]] = {}
    for commit in commits:
        if commit.joined_delta or commit.invited_delta or commit.local_joined_delta:
            count = counts.setdefault(commit.event.room_num, [0, 0, 0])
            count[0] += commit.joined_delta
            count[1] += commit.invited_delta
            count[2] += commit.local_joined_delta
    cursor.many(
        "UPDATE rooms SET joined_count = joined_count + ?, invited_count = invited_count + ?, "
        "local_joined_count = local_joined_count + ? WHERE room_num = ?",
        [(*count, room_num) for room_num, count in counts.items()],
    )


def write_events(cursor: WriteCursor, commits: Sequence[EventCommit]) -> None:
    """Each event that is shown takes its position here, in the order of the commits; history counts down from 0."""
    rows, placed = [], []
    for commit in commits:
        event = commit.event
        if event.is_shown or commit.member is not None:  # an invite to a room that is not known here is no part of a timeline
            event.position = _history_position(cursor) if commit.is_history else cursor.position()
        if commit.is_known:
            placed.append(
                (
                    event.position, event.topo, event.flags, event.notifies, event.thread, event.redacted_by, event.state_before,
                    event.state_after, event.body, event.links, event.shown_before, event.shown_after, event.num,
                )
            )  # fmt: skip
            continue
        rows.append(
            (
                event.num, event.room_num, event.position, event.topo, event.flags, event.notifies, event.ts, event.type, event.sender,
                event.state_key, event.event_id, event.thread, event.redacted_by, event.state_before, event.state_after, event.body, event.links,
                event.shown_before, event.shown_after,
            )
        )  # fmt: skip
    cursor.many(INSERT_EVENT, rows)
    cursor.many(PLACE_EVENT, placed)


def _history_position(cursor: WriteCursor) -> int:
    taken: int = cursor.value("UPDATE counters SET value = value + 1 WHERE name = 'history' RETURNING value")
    return -taken


def announce(cursor: WriteCursor, commit: EventCommit) -> None:
    event, member = commit.event, commit.member
    position = event.position or 0
    user_id = None if member is None else member.user_id
    weight = len(event.body) + len(event.links)
    subject = event if event.is_shown else None  # of what comes without its room the store knows more
    cursor.announce(Change(position, "event", event.room_id, user_id, subject, weight))
    if commit.new_room is not None and commit.new_room.published:
        cursor.announce(Change(position, LISTING, event.room_id))
    for _, other in commit.others:
        if other.is_local or not commit.enters:
            cursor.announce(Change(position, "event", event.room_id, other.user_id))


def write_partial(cursor: WriteCursor, commit: EventCommit) -> None:
    """The state before the event is known in part; with `servers` the room is entered so."""
    event = commit.event
    cursor.many(
        "INSERT INTO partial_events (room_num, num) VALUES (?, ?) ON CONFLICT (room_num, num) DO NOTHING", [(event.room_num, event.num)]
    )
    if commit.servers is not None:
        cursor.many(
            "INSERT INTO partial_rooms (room_num, servers, whole_position) VALUES (?, ?, 0) ON CONFLICT (room_num) "
            "DO UPDATE SET servers = excluded.servers, whole_position = 0",
            [(event.room_num, orjson.dumps(list(commit.servers)).decode())],
        )
        cursor.announce(Change(event.position or 0, PARTIAL_ROOM, event.room_id, None, tuple(commit.servers)))


def write_extremities(cursor: WriteCursor, commits: list[EventCommit]) -> None:
    """Only the ends that outlast the batch are written."""
    added: dict[int, int] = {}
    gone: list[tuple[int, int]] = []
    for commit in commits:
        room_num = commit.event.room_num
        for num in commit.extremities_gone:
            if added.pop(num, None) is None:
                gone.append((room_num, num))
        if commit.becomes_extremity:
            added[commit.event.num] = room_num
        write_gaps(cursor, commit)
    cursor.many("DELETE FROM forward_extremities WHERE room_num = ? AND num = ?", gone)
    cursor.many("INSERT INTO forward_extremities (room_num, num) VALUES (?, ?)", [(room_num, num) for num, room_num in added.items()])


def write_gaps(cursor: WriteCursor, commit: EventCommit) -> None:
    """What is missing behind an event, and what no longer is."""
    event = commit.event
    if commit.is_history or commit.fills_gap:
        cursor.run("DELETE FROM backward_extremities WHERE room_num = ? AND missing_id = ?", event.room_num, event.event_id)
    if commit.gaps:
        cursor.many(
            "INSERT INTO backward_extremities (room_num, missing_id, successor_num) VALUES (?, ?, ?) "
            "ON CONFLICT (room_num, missing_id, successor_num) DO NOTHING",
            [(event.room_num, missing, event.num) for missing in commit.gaps],
        )


def write_members(cursor: WriteCursor, commits: list[EventCommit]) -> None:
    changes: dict[tuple[int, str], tuple[int, int | None, MemberChange]] = {}
    came_in: dict[tuple[int, str], int | None] = {}
    for commit in commits:
        event = commit.event
        for num, member in _members_of(commit):
            key = (event.room_num, member.user_id)
            changes[key] = (num, event.position, member)
            if member.membership == "join" != member.previous:
                came_in[key] = event.position
    if not changes:
        return
    cursor.many(
        UPSERT_MEMBER,
        [
            (
                room_num, user_id, member.membership, member.previous, num, position,
                came_in.get((room_num, user_id)), member.sender, int(member.is_local), member.displayname, member.avatar_url, member.stripped,
            )
            for (room_num, user_id), (num, position, member) in changes.items()
        ],
    )  # fmt: skip


def _members_of(commit: EventCommit) -> list[tuple[int, MemberChange]]:
    members = [] if commit.member is None else [(commit.event.num, commit.member)]
    return [*((event.num, member) for event, member in commit.others), *members] if commit.others else members


def write_relations(cursor: WriteCursor, commits: Sequence[EventCommit]) -> None:
    related = [(commit.event, commit.relation) for commit in commits if commit.relation is not None and commit.event.is_shown]
    if not related:
        return
    relate(cursor, related)
    latest: dict[tuple[int, str], StoredEvent] = {}
    grown: dict[tuple[int, str], None] = {}  # by what comes from the past, and need not be the latest
    for event, relation in related:
        is_new = (event.position or 0) > 0
        if is_new:
            cursor.announce(Change(event.position or 0, "related", event.room_id, None, relation.parent_id))
        if relation.rel_type == "m.thread":
            thread = (event.room_num, relation.parent_id)
            if is_new:
                latest[thread] = event
            else:
                grown[thread] = None
    cursor.many(PUT_THREAD, [(room_num, root, event.num, event.position) for (room_num, root), event in latest.items()])
    for room_num, root in grown:
        renew_thread(cursor, room_num, root)


def relate(cursor: WriteCursor, related: Sequence[tuple[StoredEvent, Relation]]) -> None:
    cursor.many(
        "INSERT INTO relations (parent_id, rel_type, topo, position, num, room_num, ts, type, sender, aggregation_key) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (parent_id, rel_type, topo, position) DO NOTHING",
        [
            (r.parent_id, r.rel_type, event.topo, event.position, event.num, event.room_num, event.ts, event.type, event.sender, r.key)
            for event, r in related
        ],
    )
    for event, relation in related:
        cursor.run(
            "UPDATE events SET flags = flags | ? WHERE event_id = ? AND room_num = ?", HAS_CHILDREN, relation.parent_id, event.room_num
        )


def write_transactions(cursor: WriteCursor, commits: Iterable[EventCommit]) -> None:
    """Conflict when one is there already: a commit whose connection was lost has come to light after all, and its event must stay the only one."""
    cursor.many(
        "INSERT INTO transactions (user_id, device_id, scope, txn_id, event_id, ts) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (t.user_id, t.device_id, t.scope, t.txn_id, commit.event.event_id, t.ts)
            for commit in commits
            if (t := commit.transaction) is not None
        ],
    )


def write_redaction(cursor: WriteCursor, commit: EventCommit) -> None:
    """Note the redaction and, when its target is here, empty that and all that was derived from it. What may fall leaves behind what it empties."""
    redaction, event = commit.redaction, commit.event
    if redaction is None or len(redaction.target_id) > MAX_IDENTIFIER_BYTES:  # no event is called so, and an index would refuse it
        return
    cursor.run(
        "INSERT INTO redactions (target_id, num) VALUES (?, ?) ON CONFLICT (target_id, num) DO NOTHING", redaction.target_id, event.num
    )
    if redaction.target_num is None:
        return
    if event.flags & PARTIAL:
        cursor.run(WITHHOLD_STORED, redaction.target_num, REDACTED)
    row = cursor.one("SELECT position, thread, type, state_key FROM events WHERE num = ?", redaction.target_num)
    cursor.run(
        "UPDATE events SET body = ?, links = ?, flags = flags | ?, redacted_by = ? WHERE num = ?",
        redaction.body, redaction.links, REDACTED, event.num, redaction.target_num,
    )  # fmt: skip
    cursor.run("DELETE FROM relations WHERE num = ?", redaction.target_num)
    if row is not None:
        clear_derived(cursor, event.room_num, redaction.target_num, *row)
    position = cursor.position() if commit.is_history else event.position or 0
    cursor.announce(Change(position, "redacted", event.room_id, None, redaction.target_num))


def clear_derived(
    cursor: WriteCursor, room_num: int, num: int, position: int | None, thread: str | None, type: str, state_key: str | None
) -> None:
    """What stands elsewhere of an event that was emptied."""
    cursor.run("DELETE FROM verdicts WHERE position = ?", position)
    if thread is not None:
        renew_thread(cursor, room_num, thread)
    if type in SEARCHED and position is not None:
        cursor.many(
            "INSERT INTO search_stale (room_num, position) VALUES (?, ?) ON CONFLICT (room_num, position) DO NOTHING",
            [(room_num, position)],
        )
    if type == "m.room.member":
        cursor.run(
            "UPDATE memberships SET displayname = NULL, avatar_url = NULL WHERE room_num = ? AND user_id = ? AND num = ?",
            room_num, state_key, num,
        )  # fmt: skip


def renew_thread(cursor: WriteCursor, room_num: int, root_id: str) -> None:
    """Find a thread's latest event anew after one of its events was emptied, or is what it was."""
    latest = cursor.one(
        "SELECT num, position FROM relations WHERE parent_id = ? AND rel_type = 'm.thread' AND room_num = ? "
        "ORDER BY topo DESC, position DESC LIMIT 1",
        root_id, room_num,
    )  # fmt: skip
    if latest is None:
        cursor.run("DELETE FROM threads WHERE room_num = ? AND root_id = ?", room_num, root_id)
    else:
        cursor.many(PUT_THREAD, [(room_num, root_id, *latest)])


def write_verdicts(cursor: WriteCursor, commit: EventCommit) -> None:
    """What a user's own rules say stands before what is said for all. What came when its redaction was here already says nothing to anybody."""
    event = commit.event
    if event.flags & REDACTED:
        return
    if event.verdicts:
        cursor.many(
            "INSERT INTO verdicts (user_id, room_num, position, thread, notifies, highlight) VALUES (?, ?, ?, ?, ?, ?)",
            [(user_id, event.room_num, event.position, event.thread, *map(int, said)) for user_id, said in event.verdicts.items()],
        )
    if commit.highlights:
        cursor.many(
            "INSERT INTO verdicts (user_id, room_num, position, thread) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (user_id, room_num, position) DO NOTHING",
            [(user_id, event.room_num, event.position, event.thread) for user_id in commit.highlights],
        )
    if commit.highlight_members:
        cursor.run(
            "INSERT INTO verdicts (user_id, room_num, position, thread) SELECT user_id, room_num, ?, ? FROM memberships "
            "WHERE room_num = ? AND is_local = 1 AND membership = 'join' AND user_id <> ? ON CONFLICT (user_id, room_num, position) DO NOTHING",
            event.position, event.thread, event.room_num, event.sender,
        )  # fmt: skip
