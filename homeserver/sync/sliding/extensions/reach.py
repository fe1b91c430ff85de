"""For which of the rooms a client looks at it asks for more: `lists` and `rooms` of an extension (MSC3575, "Extensions")."""

from collections.abc import Mapping
from typing import Any

from homeserver.sync.sliding.lists.look import Looked
from homeserver.sync.sliding.request import SlidingQuestion

ALL = "*"


def reach(name: str, question: SlidingQuestion, looked: Looked) -> frozenset[str] | None:
    """None: every room that is looked at."""
    wanted = question.extensions.get(name)
    if wanted is None:
        return frozenset()
    lists, rooms = _names(wanted, "lists"), _names(wanted, "rooms")
    if lists is None and rooms is None:
        return None
    found = set(question.subscriptions) if rooms is None else {room_id for room_id in rooms if room_id in looked.rooms}
    for list_name in looked.windows if lists is None else lists:
        found.update(looked.windows.get(list_name, ()))
    return frozenset(found)


def _names(wanted: Mapping[str, Any], member: str) -> list[str] | None:
    """None: all."""
    names = wanted.get(member)
    return None if names is None or ALL in names else names
