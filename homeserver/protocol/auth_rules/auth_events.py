"""Are the cited auth events fit to be cited? The rule on `auth_events` (2 or 3, by version), and rule 1; no state is looked at."""

from collections.abc import Collection, Container, Iterable

from homeserver.protocol.auth_rules.create import check_create
from homeserver.protocol.auth_rules.needed_state import CREATE, needed_state
from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.errors import MissingEvents
from homeserver.protocol.event import Event, StateKey


def check_auth_events(event: Event, auth_events: Iterable[Event], rejected: Container[str]) -> None:
    """Raises NotAuthorised, naming the rule; MissingEvents if `auth_events` lacks one that the event cites.

    `rejected` knows the IDs of events that were refused for good. Where the room ID names the create event, that the room has one is checked
    by `check_event`; that it was not rejected, here.
    """
    if event.type == "m.room.create":
        check_create(event)
        return
    version = event.version
    if version.room_id_is_create_hash and create_event_id(event.room_id) in rejected:
        raise refusal(version, "room_id", "the create event was rejected")
    given = {auth_event.event_id: auth_event for auth_event in auth_events}
    missing = [event_id for event_id in event.auth_events if event_id not in given]
    if missing:
        raise MissingEvents(missing)
    selected = _selected(event)
    seen: set[StateKey] = set()
    for event_id in event.auth_events:
        seen.add(_check_one(event, given[event_id], seen, selected, rejected))
    if not version.room_id_is_create_hash and CREATE not in seen:
        raise refusal(version, "auth_events.create", "the create event is not cited")


def may_cite_too(event: Event, cited: Collection[StateKey]) -> bool:
    """Whether an event, not the create event, may cite the very events that stand at these addresses, since another of its room rightfully did."""
    selected = _selected(event)
    return all(address in selected for address in cited)


def _selected(event: Event) -> list[StateKey]:
    return needed_state(event.type, event.sender, event.state_key, event.content, event.version)


def _check_one(event: Event, cited: Event, seen: set[StateKey], selected: Collection[StateKey], rejected: Container[str]) -> StateKey:
    version = event.version
    if cited.state_key is None:
        raise refusal(version, "auth_events.unselected", "an auth event is no state event")
    address = (cited.type, cited.state_key)
    if address in seen:
        raise refusal(version, "auth_events.duplicate", "two auth events for one piece of state")
    if address not in selected:
        raise refusal(version, "auth_events.unselected", f"{cited.type} is not among what this event is judged by")
    if cited.event_id in rejected:
        raise refusal(version, "auth_events.rejected", "an auth event was itself rejected")
    if cited.room_id != event.room_id:
        raise refusal(version, "auth_events.room", "an auth event is of another room")
    return address


def create_event_id(room_id: str) -> str:
    """The ID of the create event that such a room ID names."""
    return "$" + room_id[1:]
