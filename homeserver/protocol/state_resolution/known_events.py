"""The events at hand during one resolution, with what is asked of each of them again and again."""

from collections.abc import Container, Iterable, Iterator, Mapping

from homeserver.protocol import auth_rules
from homeserver.protocol.auth_rules import Level, PowerLevels, create_event_id, power_levels
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event, StateKey

_CREATE: StateKey = ("m.room.create", "")
_POWER_LEVELS: StateKey = ("m.room.power_levels", "")


def cited_by(event: Event) -> tuple[str, ...]:
    """The events this one is authorised by, the create event among them also where the room ID alone names it."""
    if event.version.room_id_is_create_hash and event.type != "m.room.create":
        return (*event.auth_events, create_event_id(event.room_id))
    return event.auth_events


class KnownEvents(Mapping[str, tuple[str, ...]]):
    """Events by ID; as a mapping it gives the auth edges (`auth_chain.Edges`)."""

    def __init__(self, events: Mapping[str, Event], rejected: Container[str]) -> None:
        self._events = events
        self._rejected = rejected
        self._levels: dict[str, PowerLevels] = {}  # by power levels event, for one resolution

    def __getitem__(self, event_id: str) -> tuple[str, ...]:
        return cited_by(self._events[event_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def event(self, event_id: str) -> Event:
        event = self._events.get(event_id)
        if event is None:
            raise MissingEvents((event_id,))
        return event

    def is_rejected(self, event_id: str) -> bool:
        return event_id in self._rejected

    def require(self, event_ids: Iterable[str]) -> None:
        """Raises MissingEvents for all that are not there at once."""
        events = self._events
        missing = [event_id for event_id in event_ids if event_id not in events]
        if missing:
            raise MissingEvents(missing)

    def power_levels_of(self, event: Event) -> Event | None:
        """The power levels event among those that authorise this one."""
        for event_id in event.auth_events:
            cited = self._events.get(event_id)
            if cited is None:
                self.require(event.auth_events)  # raises, for all of them
            elif cited.type == "m.room.power_levels" and cited.state_key == "":
                return cited
        return None

    def levels(self, state: Mapping[StateKey, Event]) -> PowerLevels | None:
        """The levels in force in this state, parsed once; None if they cannot be told."""
        create, power = state.get(_CREATE), state.get(_POWER_LEVELS)
        if create is None or power is None:
            return None
        levels = self._levels.get(power.event_id)
        if levels is None:
            try:
                levels = self._levels[power.event_id] = power_levels.of(power, create)
            except NotAuthorised:
                return None
        return levels

    def sender_level(self, event: Event) -> Level:
        """The power the sender has by the event's own auth events; 0 if they do not tell."""
        cited = {(other.type, other.state_key): other for other in map(self.event, cited_by(event))}
        create, power = cited.get(_CREATE), cited.get(_POWER_LEVELS)
        if create is None:
            return 0
        try:
            return power_levels.of(power, create).user(event.sender)
        except NotAuthorised:
            return 0

    def is_allowed(self, event: Event, state: Mapping[StateKey, Event]) -> bool:
        """The verdict of the authorisation rules in this state."""
        try:
            auth_rules.check_event(event, state, power_levels=self.levels(state))
        except NotAuthorised:
            return False
        return True
