"""All other servers to which there is something to tell, by name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from federation.outages import Outages
from federation.outbound.destination import Destination, Means
from federation.outbound.servers import Servers
from federation.outbound.store import Behind
from federation.server_policy import ServerPolicy

MOST_IDLE: Final = 20_000


class Destinations:
    """`generation` counts how often one of them fell behind or caught up."""

    def __init__(self, means: Means, policy: ServerPolicy, outages: Outages) -> None:
        self._means = means
        self._policy = policy
        self._by_name: dict[str, Destination] = {}
        self.generation = 0
        self.unsaved: dict[str, Destination] = {}  # not written down as they are now
        self._told: Callable[[], None] = lambda: None
        outages.tell_recovery(self._recovered)

    def tell_unsaved(self, listener: Callable[[], None]) -> None:
        """`listener` is called when there is something to be written down."""
        self._told = listener

    def __iter__(self) -> Iterator[Destination]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def behind(self) -> int:
        return sum(destination.owed is not None for destination in self._by_name.values())

    @property
    def waiting(self) -> int:
        return sum(len(destination.queue) for destination in self._by_name.values())

    def get(self, name: str) -> Destination | None:
        """None: the settings bar it."""
        found = self._by_name.get(name)
        if found is None and self._policy.allows(name):
            if len(self._by_name) >= MOST_IDLE:
                self._forget()
            found = self._by_name[name] = Destination(name, self._means, self)
        return found

    def moved(self, destination: Destination) -> None:
        self.generation += 1
        self.note(destination)

    def note(self, destination: Destination) -> None:
        self.unsaved[destination.name] = destination
        self._told()

    def live(self, room_id: str, room: Servers, position: int) -> Sequence[Destination]:
        """Those in the room that are told at once; the others are owed what happens there from that position on."""
        if room.generation == self.generation:
            return room.live
        found = []
        for name in room.names:
            destination = self.get(name)
            if destination is None:
                continue
            if destination.owed is None:
                found.append(destination)
            else:
                destination.owe(room_id, position - 1)
        room.live = tuple(found)
        room.generation = self.generation
        return room.live

    def take_up(self, behind: Iterable[Behind], with_letters: Iterable[str]) -> None:
        """What an earlier run left."""
        for each in behind:
            destination = self.get(each.destination)
            if destination is not None:
                destination.owed, destination.since = dict(each.rooms), each.position
        for name in with_letters:
            destination = self.get(name)
            if destination is not None:
                destination.has_letters = True
        for destination in self:
            destination.wake()

    async def stop(self) -> None:
        for destination in self:
            await destination.stop()

    def take_unsaved(self) -> tuple[list[Behind], list[str]]:
        """(behind, caught up), as they are now."""
        unsaved, self.unsaved = self.unsaved, {}
        behind, caught_up = [], []
        for destination in unsaved.values():
            if destination.owed is None:
                caught_up.append(destination.name)
                continue
            rooms = {room_id: destination.owed[room_id] for room_id in destination.unsaved if room_id in destination.owed}
            behind.append(Behind(destination.name, destination.since, rooms))
            destination.unsaved.clear()
        return behind, caught_up

    def not_saved(self, names: Iterable[str], behind: Iterable[Behind]) -> None:
        """What was taken could not be written down."""
        self.unsaved.update((name, self._by_name[name]) for name in names if name in self._by_name)
        for each in behind:
            destination = self._by_name.get(each.destination)
            if destination is not None:
                destination.unsaved.update(dict.fromkeys(each.rooms))

    def _recovered(self, name: str) -> None:
        destination = self._by_name.get(name)
        if destination is not None:
            destination.is_proven = True
            destination.wake()

    def _forget(self) -> None:
        idle = [name for name, destination in self._by_name.items() if destination.is_at_rest]
        for name in idle:
            del self._by_name[name]
        self.generation += 1
