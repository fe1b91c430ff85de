"""Sending what is no state: transactions, and relations that may not be.

Client-server API: "Transaction identifiers", "Avoiding duplicate annotations", "Validation of m.thread relationships".
"""

from collections.abc import Mapping
from typing import Any

from homeserver.clock import Clock
from homeserver.errors import DuplicateAnnotation, Forbidden, Unknown
from homeserver.protocol.event import Draft
from homeserver.rooms.reading.relation_store import RelationStore
from homeserver.rooms.relations import relation_of
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import Relation, RoomStore, Transaction
from homeserver.rooms.transactions import Transactions

MAX_NUMBERS = 20_000  # rooms whose number is remembered


class MessageSending:
    """Puts message events into rooms for clients."""

    def __init__(self, *, sender: RoomSender, store: RoomStore, relations: RelationStore, transactions: Transactions, clock: Clock) -> None:
        self._sender = sender
        self._store = store
        self._relations = relations
        self._transactions = transactions
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self._annotating: set[tuple[str, str, str, str | None]] = set()

    async def send(self, room_id: str, draft: Draft, device_id: str, what: str, txn_id: str) -> str:
        """The event ID. `what` and the room are the transaction ID's scope: the rest of the path."""
        number = self._numbers.get(room_id) or await self._number(room_id)
        transaction = Transaction(draft.sender, device_id, f"{number}/{what}", txn_id, self._clock.now_ms())
        if "m.relates_to" not in draft.content:
            return await self._sender.send(room_id, draft, transaction)
        device = await self._transactions.of(draft.sender, device_id)
        relation = None if await device.is_known(transaction.scope, txn_id) else relation_of(draft.content)
        if relation is not None and relation.rel_type == "m.annotation":
            return await self._annotate(number, room_id, draft, transaction, relation)
        if relation is not None and relation.rel_type == "m.thread":
            await self._check_thread(relation.parent_id)
        return await self._sender.send(room_id, draft, transaction)

    async def _annotate(self, number: int, room_id: str, draft: Draft, transaction: Transaction, relation: Relation) -> str:
        annotation = (relation.parent_id, draft.type, draft.sender, relation.key)
        if annotation in self._annotating:
            raise DuplicateAnnotation
        self._annotating.add(annotation)
        try:
            if await self._relations.has_annotation(number, *annotation):
                raise DuplicateAnnotation
            return await self._sender.send(room_id, draft, transaction)
        finally:
            self._annotating.discard(annotation)

    async def _check_thread(self, root_id: str) -> None:
        root = (await self._store.events([root_id])).get(root_id)
        if root is not None and _has_relation(root.content):
            raise Unknown("A thread cannot begin at an event that relates to another itself")

    async def _number(self, room_id: str) -> int:
        room = await self._store.room(room_id)
        if room is None:
            raise Forbidden("You are not in this room")
        if len(self._numbers) >= MAX_NUMBERS:
            self._numbers.clear()
        self._numbers[room_id] = room.room_num
        return room.room_num


def _has_relation(content: Mapping[str, Any]) -> bool:
    relates_to = content.get("m.relates_to")
    return isinstance(relates_to, dict) and "rel_type" in relates_to
