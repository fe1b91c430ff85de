"""What has to be at hand before rooms can be chosen without waiting."""

from collections.abc import Mapping
from typing import NamedTuple

from homeserver.account_data.account_data import UserData
from homeserver.protocol.filters import Filter
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sliding.connections.connection import Connection
from homeserver.sync.sliding.lists.look import Surroundings, direct_rooms
from homeserver.sync.sliding.lists.order import RoomOrder, RoomOrders
from homeserver.sync.sliding.lists.standing import Standing, Standings
from homeserver.sync.sliding.lists.traits import RoomTraits, Traits, of_stripped
from homeserver.sync.sliding.request import SlidingQuestion

ALL = Filter()
NO_ORDER = RoomOrder()


class View(NamedTuple):
    """`is_current`: nothing has to be read again, if the position is still the same."""

    around: Surroundings
    is_current: bool


class Views:
    def __init__(self, *, standings: Standings, orders: RoomOrders, traits: RoomTraits, invites: InviteSection) -> None:
        self._standings = standings
        self._orders = orders
        self._traits = traits
        self._invites = invites

    async def read(self, viewer: Viewer, question: SlidingQuestion, connection: Connection, feed: Feed, data: UserData) -> View:
        scope = SyncScope(viewer, 0, 0, 0, ALL, ignored=data.ignored)
        order = await self._orders.of(feed) if question.lists else NO_ORDER
        standing = await self._standings.read(scope, feed, connection, question)
        traits, children = await self._look_at_rooms(question, feed, standing)
        connection.directs = direct_rooms(data, connection.directs)
        around = Surroundings(standing, order, data, connection.directs[1], traits, children)
        return View(around, self._standings.is_current(feed, connection, question))

    async def _look_at_rooms(
        self, question: SlidingQuestion, feed: Feed, standing: Standing
    ) -> tuple[Mapping[str, Traits], Mapping[frozenset[str], set[str]]]:
        """As far as any list is filtered by what rooms are."""
        filters = [wanted.filters for wanted in question.lists.values() if wanted.filters is not None]
        traits: Mapping[str, Traits] = {}
        if any(wanted.need_traits for wanted in filters):
            traits = await self._traits.load([*standing.joined, *standing.departed])
            if standing.pending:
                stripped = await self._invites.read(list(standing.pending.values()))
                traits = {**traits, **{room_id: of_stripped(events) for room_id, events in stripped.items()}}
        children: dict[frozenset[str], set[str]] = {}
        for spaces in {wanted.spaces for wanted in filters if wanted.spaces is not None}:
            children[spaces] = await self._traits.children([space for space in spaces if space in feed.joined])
        return traits, children
