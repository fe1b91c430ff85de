"""What a stretch of the stream holds for one application service, and the body of the transaction that tells it.

Application-service API, "Pushing events", "Pushing ephemeral data"; messages to devices (MSC4203), device lists and key counts (MSC3202).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from appservices.registration import Registration
from appservices.store import Fetched, Letter
from homeserver.ephemeral.room_receipts import RoomReceipts
from homeserver.ephemeral.store import READ_PRIVATE, Receipt
from homeserver.rooms.store import StoredEvent

COUNTS = "org.matrix.msc3202.device_one_time_keys_count"
COUNTS_TOO = "org.matrix.msc3202.device_one_time_key_counts"  # as other servers call it
FALLBACK = "org.matrix.msc3202.device_unused_fallback_key_types"
DEVICE_LISTS = "org.matrix.msc3202.device_lists"
TO_DEVICE = "de.sorunome.msc2409.to_device"
EARLY_EPHEMERAL = "de.sorunome.msc2409.ephemeral"


@dataclass(eq=False, slots=True)
class News:
    """`until`: the reader has passed everything up to there."""

    until: int
    events: list[StoredEvent] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)  # users whose keys are no longer as they were
    left: dict[str, None] = field(default_factory=dict)  # users who share no room of interest any more
    counts: dict[tuple[str, str], None] = field(default_factory=dict)  # devices whose keys were given out or came
    typing: list[bytes] = field(default_factory=list)  # ready events
    presence: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.must_arrive or bool(self.receipts or self.typing or self.presence)

    @property
    def must_arrive(self) -> bool:
        """Beside what passes by itself: it is told after a crash, too."""
        return bool(self.events or self.letters or self.changed or self.left or self.counts)

    @property
    def fetched(self) -> tuple[Fetched, ...]:
        last = {(letter.user_id, letter.device_id): letter.position for letter in self.letters}
        return tuple(Fetched(*device, position) for device, position in last.items())


class DeviceCounts(NamedTuple):
    """Of one device: how many keys of each algorithm, and the algorithms of the fallback keys that are not used."""

    user_id: str
    device_id: str
    one_time: dict[str, int]
    fallback: tuple[str, ...]


def compose(news: News, events: Sequence[bytes], counts: Iterable[DeviceCounts], registration: Registration) -> bytes:
    """`events` are those of the news, as clients get them."""
    parts = [b'"events":[%b]' % b",".join(events)]
    ephemeral = b",".join([*news.typing, *receipts_of(news.receipts), *news.presence])
    if ephemeral:
        parts.append(b'"ephemeral":[%b]' % ephemeral)
        if registration.early_ephemeral:
            parts.append(b'"%b":[%b]' % (EARLY_EPHEMERAL.encode(), ephemeral))
    if news.letters:
        parts.append(b'"%b":[%b]' % (TO_DEVICE.encode(), b",".join(map(_letter, news.letters))))
    if news.changed or news.left:
        parts.append(_member(DEVICE_LISTS, {"changed": list(news.changed), "left": list(news.left)}))
    one_time: dict[str, dict[str, dict[str, int]]] = {}
    fallback: dict[str, dict[str, tuple[str, ...]]] = {}
    for device in counts:
        one_time.setdefault(device.user_id, {})[device.device_id] = device.one_time
        fallback.setdefault(device.user_id, {})[device.device_id] = device.fallback
    if one_time:
        parts += [_member(COUNTS, one_time), _member(COUNTS_TOO, one_time), _member(FALLBACK, fallback)]
    return b"{%b}" % b",".join(parts)


def _member(name: str, value: object) -> bytes:
    return orjson.dumps(name) + b":" + orjson.dumps(value)


def _letter(letter: Letter) -> bytes:
    address = orjson.dumps({"to_user_id": letter.user_id, "to_device_id": letter.device_id})
    return b"%b,%b" % (address[:-1], letter.event[1:])


def receipts_of(receipts: Sequence[Receipt]) -> list[bytes]:
    """Ready m.receipt events with their rooms; a private receipt is told alone."""
    rooms: dict[str, list[Receipt]] = {}
    found = []
    for receipt in receipts:
        if receipt.type == READ_PRIVATE:
            found += [in_room(event, receipt.room_id) for event in RoomReceipts([receipt]).events(receipt.user_id)]
        else:
            rooms.setdefault(receipt.room_id, []).append(receipt)
    for room_id, some in rooms.items():
        found += [in_room(event, room_id) for event in RoomReceipts(some).events("")]
    return found


def in_room(event: bytes, room_id: str) -> bytes:
    """A ready ephemeral event with the ID of its room."""
    return b'{"room_id":%b,%b' % (orjson.dumps(room_id), event[1:])
