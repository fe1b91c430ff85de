"""Events in an order in which each comes after those it cites; no depth that anyone claims is believed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from homeserver.protocol.event import Event

LEAP: Final = 1_000_000  # how far an event stands from those before it, where some are missing between: they come to lie there


def cited_first(events: Iterable[Event], cites: Callable[[Event], Sequence[str]]) -> list[Event]:
    """All of the events, once. Rings, which only a liar could claim and no hash allows, are cut somewhere."""
    left = {event.event_id: event for event in events}
    ordered: list[Event] = []
    begun: set[str] = set()
    for start in list(left.values()):
        stack = [start]
        while stack:
            event = stack[-1]
            if event.event_id in begun:
                stack.pop()
                if left.pop(event.event_id, None) is not None:
                    ordered.append(event)
                continue
            begun.add(event.event_id)
            stack.extend(left[other] for other in cites(event) if other in left and other not in begun)
    return ordered


def by_time(event: Event) -> Sequence[str]:
    return event.prev_events
