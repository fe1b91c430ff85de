"""What a client builds from a first answer and increments is what a fresh client is told, whoever looks."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from homeserver.ephemeral.room_receipts import RoomReceipts
from homeserver.ephemeral.store import MAIN, READ, READ_PRIVATE, UNTHREADED, Receipt

USERS = ("@a:test", "@b:test")
Known = dict[tuple[str, str, str], tuple[str, int]]  # (user, type, thread) → (event, ts)

receipts = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from((READ, READ_PRIVATE)), st.sampled_from((UNTHREADED, MAIN, "$0")), st.integers(0, 4)),
    max_size=25,
)


def take(known: Known, events: list[bytes]) -> None:
    """As a client does: a receipt replaces the one of the same user, type and thread."""
    for event in events:
        for event_id, types in orjson.loads(event)["content"].items():
            for type, users in types.items():
                for user, data in users.items():
                    known[user, type, data.get("thread_id", UNTHREADED)] = (event_id, data["ts"])


def visible(known: Known) -> dict[Any, Any]:
    """Without threaded receipts that say no more than an unthreaded one of the same user and type: MSC4102 leaves some of them out."""
    unthreaded = {(user, type): event for (user, type, thread), (event, _) in known.items() if thread == UNTHREADED}
    return {key: held for key, held in known.items() if key[2] == UNTHREADED or held[0] > unthreaded.get(key[:2], "")}


@given(receipts, st.sets(st.integers(0, 25)))
def test_increments_add_up(moves: list[tuple[str, str, str, int]], syncs: set[int]) -> None:
    room = RoomReceipts(())
    known: dict[str, Known] = {user: {} for user in USERS}
    read_to: dict[str, int] = dict.fromkeys(USERS, 0)

    def sync() -> None:
        for user in USERS:
            take(known[user], room.events(user, read_to[user]))
            read_to[user] = room.position

    for position, (user, type, thread, event) in enumerate(moves, 1):
        receipt = Receipt("!r", user, type, thread, f"${event}", event, position, position)
        if room.is_newer(receipt):
            room.apply(receipt)
        if position in syncs:
            sync()
    sync()
    for user in USERS:
        fresh: Known = {}
        take(fresh, room.events(user))
        assert visible(known[user]) == visible(fresh)
        assert not any(type == READ_PRIVATE and owner != user for owner, type, _ in fresh)
