"""Does an event count as unread, and whom does it call by name, under the default push rules (client-server API, "Predefined Rules").

Pure. Per-user rules that differ from the defaults are the push package's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from homeserver.rooms.store import StoredEvent

NOTIFYING_TYPES = frozenset({"m.room.message", "m.room.encrypted", "m.call.invite"})
MAX_MENTIONS = 200


class Notice(NamedTuple):
    """`notifies`: unread for every member; `mentions`: users called by name; `room`: the whole room is called, if the sender may."""

    notifies: bool
    mentions: frozenset[str]
    room: bool


QUIET = Notice(False, frozenset(), False)


def notice_of(type: str, state_key: str | None, content: Mapping[str, Any]) -> Notice:
    """What the default rules say of the event, the reader's own events left out."""
    if type == "m.room.tombstone" and state_key == "":
        return Notice(True, frozenset(), True)
    if state_key is not None:
        return QUIET
    mentioned = content.get("m.mentions")
    relates_to = content.get("m.relates_to")
    edit = isinstance(relates_to, dict) and relates_to.get("rel_type") == "m.replace"
    quiet = edit or type not in NOTIFYING_TYPES or content.get("msgtype") == "m.notice"
    if not isinstance(mentioned, dict):
        return QUIET if quiet else _PLAIN
    if content.get("msgtype") == "m.notice":  # .m.rule.suppress_notices stands before the mentions
        return QUIET
    users = mentioned.get("user_ids")
    names = frozenset(user for user in users[:MAX_MENTIONS] if isinstance(user, str)) if isinstance(users, list) else frozenset()
    return Notice(not quiet, names, mentioned.get("room") is True)


def notice_of_stored(event: StoredEvent) -> Notice:
    """As `notice_of`; not parsed where nobody is called by name."""
    if event.state_key is None and b'"m.mentions"' not in event.body:
        return _PLAIN if event.notifies else QUIET
    return notice_of(event.type, event.state_key, event.content)


_PLAIN = Notice(True, frozenset(), False)
