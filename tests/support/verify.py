"""Is what the database says of its rooms true? Everything derived is made again from the events alone and compared.

`database.scan(verify_rooms)` runs it, on any driver; it raises AssertionError. With the server's public keys signatures are checked, too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from homeserver.protocol import signing
from homeserver.protocol.auth_rules import check_auth_events, check_event
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.redaction import redact
from homeserver.protocol.signing import VerifyKey
from homeserver.protocol.state_resolution import resolve
from homeserver.rooms import state_map
from homeserver.rooms.notice import notice_of
from homeserver.rooms.relations import relation_of, thread_root
from homeserver.rooms.state_map import EMPTY, AddressHash
from homeserver.rooms.store import HAS_CHILDREN, HIDDEN, OUTLIER, REDACTED, REJECTED, StoredEvent
from storage.database import Cursor
from storage.event_rows import SELECT, RoomNames

MEMBER = "m.room.member"
Keys = Mapping[tuple[str, str], bytes]  # (server, key ID) → public key
State = dict[StateKey, StoredEvent]


def verify_rooms(cursor: Cursor, keys: Keys | None = None) -> int:
    """How many events there are; all rooms are looked at."""
    names, total = RoomNames(), 0
    for (room_num,) in cursor.all("SELECT room_num FROM rooms ORDER BY room_num"):
        total += Verification(cursor, names, room_num, keys).check()
    stray = cursor.value("SELECT count(*) FROM events WHERE room_num NOT IN (SELECT room_num FROM rooms)")
    assert stray == 0, f"{stray} events are of no room"
    lost = cursor.all("SELECT event_id FROM transactions WHERE event_id NOT IN (SELECT event_id FROM events)")
    assert lost == [], f"transactions that name events which are not here: {lost}"
    return total


class Verification:
    """One room."""

    def __init__(self, cursor: Cursor, names: RoomNames, room_num: int, keys: Keys | None) -> None:
        self._cursor = cursor
        self._room_num = room_num
        self._keys = keys
        self.room_id, self._version = names.name(cursor, room_num)
        rows = cursor.all(SELECT + "WHERE room_num = ? ORDER BY position, num", room_num)
        self._events = {event.event_id: event for event in names.events(cursor, rows)}
        self._by_num = {event.num: event for event in self._events.values()}
        self._parsed = {event_id: event.event for event_id, event in self._events.items()}
        self._hash = AddressHash(cursor.value("SELECT value FROM secrets WHERE name = 'state_address'"))
        nodes = cursor.all("SELECT node_id, body FROM state_nodes WHERE room_num = ?", room_num)
        self._nodes: dict[bytes, bytes] = {row[0]: row[1] for row in nodes}
        self._after: dict[str, State] = {}

    def check(self) -> int:
        for event in self._in_order():
            self._check_row(event)
            self._check_alone(self._parsed[event.event_id])
            self._check_place(event)
        self._check_ends()
        self._check_members()
        self._check_relations()
        self._check_redactions()
        return len(self._events)

    def _in_order(self) -> Iterator[StoredEvent]:
        """Parents first."""
        waiting = [event for event in self._events.values() if not event.flags & OUTLIER]
        done: set[str] = set()
        while waiting:
            ready = [event for event in waiting if done.issuperset(self._parents(event))]
            assert ready, f"{self.room_id}: the graph has a circle or lacks events"
            yield from ready
            done.update(event.event_id for event in ready)
            waiting = [event for event in waiting if event.event_id not in done]

    def _parents(self, event: StoredEvent) -> tuple[str, ...]:
        return self._parsed[event.event_id].prev_events

    def _check_row(self, event: StoredEvent) -> None:
        """The columns say what the event says."""
        parsed = self._parsed[event.event_id]
        assert parsed.room_id == self.room_id
        told = (event.ts, event.type, event.sender, event.state_key)
        assert told == (parsed.origin_server_ts, parsed.type, parsed.sender, parsed.state_key), event
        notice = notice_of(event.type, event.state_key, event.content)
        if not event.flags & REDACTED:
            assert event.notifies == notice.notifies, event
            relation = relation_of(event.content) if event.state_key is None else None
            thread = thread_root(relation)
            if relation is not None and thread is None and relation.parent_id in self._events:
                thread = self._events[relation.parent_id].thread
            assert event.thread == thread, event

    def _check_alone(self, event: Event) -> None:
        """Hash, ID and signatures; the content hash of what was redacted cannot be made again."""
        version, pdu = self._version, event.pdu
        came_emptied = pdu == redact(pdu, version)  # from a server that had its redaction already
        if not self._events[event.event_id].flags & REDACTED and not came_emptied:
            assert pdu["hashes"]["sha256"] == signing.encode_base64(signing.content_hash(pdu, version)), event
        if version.event_id != "server_chosen":
            assert event.event_id == signing.event_id_of(signing.reference_hash(pdu, version), version), event
        if self._keys is None:
            return
        message = signing.signed_bytes(pdu, version)
        for server in signing.required_signers(event):
            key_id = next(iter(pdu["signatures"][server]))
            signing.verify_bytes(message, pdu["signatures"], server, key_id, VerifyKey(self._keys[server, key_id]))

    def _check_place(self, event: StoredEvent) -> None:
        """Depth, auth events, permission, and the states before and after."""
        parsed = self._parsed[event.event_id]
        parents = [self._events[event_id] for event_id in parsed.prev_events]
        assert event.topo == max((parent.topo or 0 for parent in parents), default=0) + 1, event
        assert parsed.depth == max((self._parsed[parent.event_id].depth for parent in parents), default=0) + 1, event
        assert len(set(parsed.prev_events)) == len(parsed.prev_events), event
        before = self._resolved([self._after[parent.event_id] for parent in parents])
        rejected = [known.event_id for known in self._events.values() if known.flags & REJECTED]
        if event.flags & REJECTED:
            self._after[event.event_id] = before
        else:
            check_auth_events(parsed, [self._parsed[event_id] for event_id in parsed.auth_events], rejected)
            if not (event.flags & REDACTED and parsed.type == "m.room.redaction"):  # which may have lost what it redacts
                check_event(parsed, {address: held.event for address, held in before.items()})
            self._after[event.event_id] = {**before, parsed.address: event} if parsed.is_state else before
        self._check_root(event.state_before, before)
        self._check_root(event.root_after, self._after[event.event_id])
        assert (event.state_after is not None) == (parsed.is_state and not event.flags & REJECTED), event

    def _resolved(self, states: list[State]) -> State:
        different = list({tuple(sorted((address, event.num) for address, event in state.items())): state for state in states}.values())
        if len(different) < 2:
            return different[0] if different else {}
        sets = [{address: event.event_id for address, event in state.items()} for state in different]
        rejected = {event.event_id for event in self._events.values() if event.flags & REJECTED}
        found = resolve(self._version, sets, self._parsed, rejected=rejected)
        return {address: self._events[event_id] for address, event_id in found.items()}

    def _check_root(self, root: bytes | None, state: State) -> None:
        entries = {self._hash(*address): event.num for address, event in state.items()}
        expected, _ = state_map.update(EMPTY, entries, {})
        assert root == expected, f"{self.room_id}: a state's root differs from that of its content"
        assert state_map.items(root, self._nodes) == entries, "the nodes of a state say something else"

    def _check_ends(self) -> None:
        """Forward extremities, and the current state in its two tables."""
        standing = [event for event in self._events.values() if not event.flags & HIDDEN]
        cited = {parent for event in standing for parent in self._parents(event)}
        ends = {event.num for event in standing if event.event_id not in cited}
        assert ends == self._numbers("SELECT num FROM forward_extremities WHERE room_num = ?"), f"{self.room_id}: extremities"
        state = self._resolved([self._after[self._by_num[num].event_id] for num in sorted(ends)])
        self._check_root(self._cursor.value("SELECT root FROM room_roots WHERE room_num = ?", self._room_num), state)
        rows = self._cursor.all("SELECT type, state_key, num FROM current_state WHERE room_num = ?", self._room_num)
        expected = {(*address, event.num) for address, event in state.items() if address[0] != MEMBER}
        assert set(rows) == expected, f"{self.room_id}: current state"
        self._state = state

    def _numbers(self, sql: str) -> set[int]:
        return {row[0] for row in self._cursor.all(sql, self._room_num)}

    def _check_members(self) -> None:
        """Memberships as the current state has them, and the counts."""
        rows = self._cursor.all(
            "SELECT user_id, num, position, membership, sender, displayname, avatar_url, joined_position, previous "
            "FROM memberships WHERE room_num = ?", self._room_num,
        )  # fmt: skip
        expected = {}
        for (type_, user_id), event in self._state.items():
            if type_ == MEMBER:
                content = event.content
                names = (_text(content.get("displayname")), _text(content.get("avatar_url")))
                expected[user_id] = (event.num, event.position, content["membership"], event.sender, *names, *self._past(user_id))
        found = {row[0]: tuple(row[1:]) for row in rows}
        assert found == expected, f"{self.room_id}: memberships {found}, not {expected}"
        counted = Counter(row[2] for row in expected.values())
        row = self._cursor.one("SELECT joined_count, invited_count FROM rooms WHERE room_num = ?", self._room_num)
        assert row == (counted["join"], counted["invite"]), f"{self.room_id}: counts are {row}, not {counted}"
        local = "SELECT count(*) FROM memberships WHERE room_num = ? AND is_local = 1 AND membership = 'join'"
        known = self._cursor.value("SELECT local_joined_count FROM rooms WHERE room_num = ?", self._room_num)
        assert known == self._cursor.value(local, self._room_num), f"{self.room_id}: local count"

    def _past(self, user_id: str) -> tuple[int | None, str | None]:
        """(where the user last came in, the membership before the present one), where the graph is a line."""
        joined: int | None = None
        previous: str | None = None
        membership: str | None = None
        for event in sorted(self._events.values(), key=lambda event: event.position or 0):
            if event.type == MEMBER and event.state_key == user_id and not event.flags & HIDDEN:
                previous, membership = membership, event.content["membership"]
                if membership == "join" != previous:
                    joined = event.position
        return joined, previous

    def _check_relations(self) -> None:
        """The table of relations, the mark on parents, the threads' newest events. A redacted child counts for nothing."""
        sql = "SELECT parent_id, rel_type, topo, position, num, ts, type, sender, aggregation_key FROM relations WHERE room_num = ?"
        expected = set()
        latest: dict[str, tuple[int, int, int]] = {}
        for event in self._events.values():
            relation = relation_of(event.content) if event.state_key is None and not event.flags & REDACTED else None
            if relation is None:
                continue
            parent, kind, key = relation
            place = (event.topo or 0, event.position or 0, event.num)
            expected.add((parent, kind, *place, event.ts, event.type, event.sender, key))
            if parent in self._events:
                assert self._events[parent].flags & HAS_CHILDREN, f"{parent} has a child"
            if kind == "m.thread":
                latest[parent] = max(latest.get(parent, place), place)
        assert set(self._cursor.all(sql, self._room_num)) == expected, f"{self.room_id}: relations"
        threads = self._cursor.all("SELECT root_id, latest_position, latest_num FROM threads WHERE room_num = ?", self._room_num)
        assert {row[0]: row[1:] for row in threads} == {root: place[1:] for root, place in latest.items()}, f"{self.room_id}: threads"

    def _check_redactions(self) -> None:
        """A redacted event holds nothing that redaction takes away, and names its redaction."""
        for event in self._events.values():
            assert bool(event.flags & REDACTED) == (event.redacted_by is not None), event
            if event.redacted_by is not None:
                pdu = self._parsed[event.event_id].pdu
                assert pdu == redact(pdu, self._version), f"{event} is not empty"
                redaction = self._by_num[event.redacted_by]
                assert redaction.flags & REDACTED or self._parsed[redaction.event_id].redacts == event.event_id
        rows = self._cursor.all(
            "SELECT r.target_id, e.event_id FROM redactions r JOIN events e ON e.num = r.num WHERE e.room_num = ?", self._room_num
        )
        expected = {
            (parsed.redacts, event_id)
            for event_id, parsed in self._parsed.items()
            if parsed.redacts is not None and not self._events[event_id].flags & (HIDDEN | REDACTED)
        }
        assert expected <= set(rows), f"{self.room_id}: redactions"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def public_keys(server_name: str, keys: Iterable[signing.SigningKey]) -> dict[tuple[str, str], bytes]:
    """What `verify_rooms` wants to know of one server."""
    return {(server_name, key.key_id): key.public_key for key in keys}
