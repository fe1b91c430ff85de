"""All extensions of one answer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from homeserver.account_data.account_data import UserData
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sliding.choice import Choice, Reach
from homeserver.sync.sliding.connections.connection import Connection
from homeserver.sync.sliding.extensions import account_data, e2ee, receipts, threads, to_device, typing
from homeserver.sync.sliding.extensions.account_data import AccountDataExtension
from homeserver.sync.sliding.extensions.e2ee import EncryptionExtension
from homeserver.sync.sliding.extensions.reach import reach
from homeserver.sync.sliding.extensions.receipts import ReceiptsExtension
from homeserver.sync.sliding.extensions.threads import ThreadUpdates
from homeserver.sync.sliding.extensions.to_device import ToDeviceExtension
from homeserver.sync.sliding.extensions.typing import TypingExtension
from homeserver.sync.sliding.lists.look import Looked
from homeserver.sync.sliding.request import SlidingQuestion


class Asked(NamedTuple):
    """What an answer's extensions are read from; put together while nothing was awaited."""

    scope: SyncScope
    question: SlidingQuestion
    looked: Looked
    connection: Connection
    feed: Feed
    data: UserData
    joined: frozenset[str] | None  # for the device lists


def reach_of(question: SlidingQuestion, looked: Looked) -> Reach:
    return Reach(reach(account_data.NAME, question, looked), reach(receipts.NAME, question, looked))


class Extensions:
    def __init__(
        self,
        *,
        account_data: AccountDataExtension,
        receipts: ReceiptsExtension,
        typing: TypingExtension,
        to_device: ToDeviceExtension,
        encryption: EncryptionExtension,
        threads: ThreadUpdates,
    ) -> None:
        self._account_data = account_data
        self._receipts = receipts
        self._typing = typing
        self._to_device = to_device
        self._encryption = encryption
        self._threads = threads

    async def read(self, asked: Asked, choice: Choice, timelines: Mapping[str, RoomTimeline]) -> tuple[Sequence[bytes], bool]:
        """(members of the JSON object, whether any of them has news)."""
        wanted, scope = asked.question.extensions, asked.scope
        told: list[tuple[str, bytes]] = []
        if account_data.NAME in wanted:
            told.append((account_data.NAME, self._account_data.read(scope, asked.data, asked.connection, choice)))
        else:
            self._account_data.pass_over(scope, asked.data, asked.connection, choice)
        if receipts.NAME in wanted:
            told.append((receipts.NAME, await self._receipts.read(scope, choice.turns, timelines)))
        if typing.NAME in wanted:
            rooms = reach(typing.NAME, asked.question, asked.looked)
            told.append((typing.NAME, self._typing.read(scope, asked.feed, asked.looked.rooms if rooms is None else rooms, choice.turns)))
        if threads.NAME in wanted:
            told.append((threads.NAME, await self._threads.extension(scope, asked.feed, wanted[threads.NAME], timelines)))
        told = [(name, part) for name, part in told if part]
        has_news = bool(told)
        if to_device.NAME in wanted:
            part, is_news = await self._to_device.read(scope, wanted[to_device.NAME])
            told.append((to_device.NAME, part))
            has_news |= is_news
        if e2ee.NAME in wanted:
            part, is_news = await self._encryption.read(scope, asked.joined)
            told.append((e2ee.NAME, part))
            has_news |= is_news
        return [b'"%b":%b' % (name.encode(), part) for name, part in told], has_news
