"""Sending into a room this server takes part in: messages, state, redactions.

The path of a message: hold the room's lock, build on its head (`append`), hand the commit to the store, let go of the lock, wait until it is on disk.
So the next event may be built before this one is stored, and many share one sync of the disk.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from homeserver.errors import Forbidden, InvalidParam, NotFound, Unavailable
from homeserver.protocol import canonical_json, event_bytes
from homeserver.protocol.event import Draft
from homeserver.protocol.redaction import redact_event
from homeserver.rooms.append import Appender
from homeserver.rooms.head import POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.room_lock import RoomLock, RoomLocks
from homeserver.rooms.store import REDACTED, CommitLost, EventCommit, Redaction, RoomStore, StoredEvent, Transaction
from homeserver.rooms.transactions import DeviceTransactions, Transactions
from homeserver.waiting import shielded

MAX_TRANSACTION_ID_BYTES = 255  # what is much longer is refused by a database's index, in the middle of what others wrote
KEPT_TYPES = frozenset({"m.room.create", "m.room.server_acl"})  # empty, the one is no beginning and the other bars every server

Made = TypeVar("Made")
Work = Callable[[RoomLock, RoomHead], Awaitable[tuple[Sequence[EventCommit], Made]]]


class RoomSender:
    """Appends to rooms; each call returns when what it wrote is on disk."""

    def __init__(self, *, store: RoomStore, heads: RoomHeads, locks: RoomLocks, appender: Appender, transactions: Transactions) -> None:
        self._store = store
        self._heads = heads
        self._locks = locks
        self._appender = appender
        self._transactions = transactions

    async def send(self, room_id: str, draft: Draft, transaction: Transaction | None = None) -> str:
        """The event ID; the same one again for a transaction seen before. InvalidParam for a transaction ID that is too long."""
        if transaction is None:
            return (await self._append(room_id, draft)).event_id
        if len(transaction.txn_id.encode()) > MAX_TRANSACTION_ID_BYTES:
            raise InvalidParam(f"A transaction ID has at most {MAX_TRANSACTION_ID_BYTES} bytes")
        device = await self._transactions.of(transaction.user_id, transaction.device_id)
        known = await device.begin(transaction.scope, transaction.txn_id)
        if known is not None:
            return known
        queued = False

        def enqueued(commit: EventCommit, pending: Deferred[None]) -> None:
            nonlocal queued
            queued = True
            _follow_outcome(device, transaction, commit.event.event_id, pending)

        try:
            return (await self._append(room_id, draft, transaction, enqueued)).event_id
        finally:
            if not queued:
                device.fail(transaction.scope, transaction.txn_id)

    async def write_state(self, room_id: str, draft: Draft) -> StoredEvent:
        """As `send`, for state; an equal event by the same sender that is current already is returned as it is."""
        return await self._append(room_id, draft)

    async def change(self, room_id: str, work: Work[Made]) -> Made:
        """Hold the room, let `work` append events with its head, commit them as one, and return what it made once they are on disk."""
        async with self._locks.hold(room_id) as lock:
            head = await self._heads.get(room_id)
            mark = head.mark()
            try:
                commits, made = await work(lock, head)
            except BaseException:
                head.return_to(mark)
                raise
            pending = self._store.commit(commits) if commits else self._flush(head)
        await on_disk(pending)
        return made

    async def flushed(self, head: RoomHead) -> None:
        """Returns when all that the head counts is on disk; Unavailable when some of it was lost."""
        await on_disk(self._flush(head))

    def _flush(self, head: RoomHead) -> Deferred[None]:
        def check(_: None) -> None:
            if head.lineage.broken:
                raise CommitLost

        return self._store.commit([]).addCallback(check)

    async def _append(
        self,
        room_id: str,
        draft: Draft,
        transaction: Transaction | None = None,
        enqueued: Callable[[EventCommit, Deferred[None]], None] | None = None,
    ) -> StoredEvent:
        async with self._locks.hold(room_id) as lock:
            head = await self._heads.get(room_id)
            event = None if draft.state_key is None or draft.redacts is not None else await self._same_state(head, draft)
            if event is None:
                commit = await self._make(lock, head, draft)
                commit.transaction = transaction
                event, pending = commit.event, self._store.commit([commit])
                if enqueued is not None:
                    enqueued(commit, pending)
            else:
                pending = self._flush(head)
        await on_disk(pending)
        return event

    async def _make(self, lock: RoomLock, head: RoomHead, draft: Draft) -> EventCommit:
        applied = await self._redaction(head, draft)
        commit = await self._appender.append(lock, head, draft)
        if applied is not None:
            commit.redaction = applied
            redact_in_head(head, applied)
        return commit

    async def _same_state(self, head: RoomHead, draft: Draft) -> StoredEvent | None:
        """The current event at that address, if the draft would only repeat it; not for who is not in the room, who may not write it."""
        address, member = (draft.type, draft.state_key or ""), ("m.room.member", draft.sender)
        await self._heads.learn(head, [address, member])
        current = head.get(address)
        if head.membership(draft.sender) != "join":
            return None
        if current is None or current.sender != draft.sender or current.flags & REDACTED or not _is_same(current.content, draft.content):
            return None
        return current

    async def _redaction(self, head: RoomHead, draft: Draft) -> Redaction | None:
        """What a redaction empties. A client may redact its own events, or any with the power to; M_NOT_FOUND and M_FORBIDDEN otherwise."""
        target_id = draft.redacts
        if target_id is None:
            return None
        target = (await self._store.events([target_id])).get(target_id)
        if target is None and await self._may_redact_all(head, draft.sender):
            return Redaction(target_id)  # another server may know it: ours empties it when it comes
        if target is None or target.room_num != head.room_num or not target.is_shown:
            raise NotFound("There is no such event in this room")
        if target.state_key is not None and target.type in KEPT_TYPES:
            raise Forbidden(f"{target.type} cannot be redacted: the room depends on it")
        await self._heads.learn(head, [POWER_LEVELS] if target.state_key is None else [POWER_LEVELS, (target.type, target.state_key)])
        if target.sender != draft.sender and head.levels.user(draft.sender) < head.levels.redact:
            raise Forbidden("You may not redact this event")
        body, links = event_bytes.split(redact_event(target.event))
        return Redaction(target.event_id, target.num, body, links)

    async def _may_redact_all(self, head: RoomHead, user_id: str) -> bool:
        """In a room that others have a part in."""
        await self._heads.learn(head, [POWER_LEVELS])
        return head.levels.user(user_id) >= head.levels.redact


def _follow_outcome(device: DeviceTransactions, transaction: Transaction, event_id: str, pending: Deferred[None]) -> None:
    """The transaction is known by its event once that is on disk, whether or not the client still waits."""
    device.assign(event_id, transaction.txn_id)

    def finish(_: None) -> None:
        device.finish(transaction.scope, transaction.txn_id, event_id)

    def fail(failure: Failure) -> Failure:
        device.lose(transaction.scope, transaction.txn_id)
        return failure

    pending.addCallbacks(finish, fail)


async def on_disk(pending: Deferred[None]) -> None:
    """Wait for a commit; it goes on if the waiting client goes."""
    try:
        await shielded(pending)
    except CommitLost as error:
        raise Unavailable("The event could not be stored, try again", retry_after_ms=1000) from error


def _is_same(content: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """As JSON, where 1 is neither true nor 1.0."""
    return content == other and canonical_json.encode_tolerant(content) == canonical_json.encode_tolerant(other)


def redact_in_head(head: RoomHead, applied: Redaction) -> None:
    """The head judges by the emptied event from now on."""
    for address, event in head.known.items():
        if event is not None and event.num == applied.target_num:
            head.learn(address, redacted_copy(event, applied))
            return


def redacted_copy(event: StoredEvent, applied: Redaction) -> StoredEvent:
    """The event with its emptied bytes."""
    return StoredEvent(
        event.num, event.room_num, event.position, event.topo, event.flags | REDACTED, event.notifies, event.ts, event.type, event.sender,
        event.state_key, event.event_id, event.thread, event.redacted_by, event.state_before, event.state_after, applied.body,
        applied.links, event.room_id, event.version,
    )  # fmt: skip
