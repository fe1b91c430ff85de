"""Does an event count as unread, and whom does it call by name, under the default push rules (client-server API, "Predefined Rules").

Pure. What users' own rules say is asked of `PersonalRules`, which the push package fills.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from homeserver.protocol.auth_rules import PowerLevels, may_notify
from homeserver.protocol.event import Event
from homeserver.protocol.push.default_rules import POLL
from homeserver.rooms.head import RoomHead
from homeserver.rooms.store import EventCommit, StoredEvent, Verdicts

NOTIFYING_TYPES = frozenset({"m.room.message", "m.room.encrypted", "m.call.invite", f"{POLL}.start", f"{POLL}.end"})
TOMBSTONE = "m.room.tombstone"
MAX_MENTIONS = 200


class Notice(NamedTuple):
    """`notifies`: unread for every member; `mentions`: users called by name; `room`: the whole room is called, if the sender may."""

    notifies: bool
    mentions: frozenset[str]
    room: bool


class PersonalRules(Protocol):
    async def verdicts(self, head: RoomHead, commit: EventCommit, notice: Notice) -> Verdicts:
        """Of the room's local members other than the sender, where what `commit` says for everyone is not what their rules say.

        `head` does not count the commit yet and knows the power levels; the room's lock is held. Every commit of a room must be shown.
        """


QUIET = Notice(False, frozenset(), False)


def notice_of(type: str, state_key: str | None, content: Mapping[str, Any]) -> Notice:
    """What the default rules say of the event, the reader's own events and invites left out."""
    if content.get("msgtype") == "m.notice" or type == "m.room.member":  # these rules stand before the mentions
        return QUIET
    mentioned, relates_to = content.get("m.mentions"), content.get("m.relates_to")
    closes = type == TOMBSTONE and state_key == ""
    edit = isinstance(relates_to, dict) and relates_to.get("rel_type") == "m.replace"
    notifies = closes or (type in NOTIFYING_TYPES and not edit)
    if not isinstance(mentioned, dict):
        return _CLOSING if closes else _PLAIN if notifies else QUIET
    users = mentioned.get("user_ids")
    names = frozenset(user for user in users[:MAX_MENTIONS] if isinstance(user, str)) if isinstance(users, list) else frozenset()
    return Notice(notifies, names, closes or mentioned.get("room") is True)


def notice_of_stored(event: StoredEvent) -> Notice:
    """As `notice_of`; not parsed where nobody is called by name."""
    if event.type != TOMBSTONE and b'"m.mentions"' not in event.body:
        return _PLAIN if event.notifies else QUIET
    return notice_of(event.type, event.state_key, event.content)


def calls_room(notice: Notice, event: Event, levels: PowerLevels) -> bool:
    """Whether everybody is called: a tombstone does so by itself, a mention only if its sender may."""
    return notice.room and ((event.type == TOMBSTONE and event.state_key == "") or may_notify(levels, event.sender))


_PLAIN = Notice(True, frozenset(), False)
_CLOSING = Notice(True, frozenset(), True)
