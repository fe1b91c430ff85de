"""What a user has been notified about, newest first (client-server API, "Listing Notifications").

Nothing is written for it: it is what counts as unread, read or not, in the rooms the user is in, since he came in.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from homeserver.ephemeral.receipts import Receipts
from homeserver.push.rules import PushRules
from homeserver.push.store import Earshot, Heard, NotificationStore
from homeserver.push.verdicts import Verdicts
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.reading.history import Seen


class Notification(NamedTuple):
    seen: Seen
    actions: Sequence[Any]
    read: bool


class Page(NamedTuple):
    """`until`: before which position there may be more; None: there is nothing."""

    notifications: list[Notification]
    until: int | None


class Notifications:
    def __init__(self, *, store: NotificationStore, rules: PushRules, verdicts: Verdicts, receipts: Receipts, members: MemberStore) -> None:
        self._store = store
        self._rules = rules
        self._verdicts = verdicts
        self._receipts = receipts
        self._members = members

    async def page(self, user_id: str, before: int | None, limit: int, *, highlights: bool) -> Page:
        """The newest of those before a position."""
        rules = await self._rules.compiled(user_id)
        joined = await self._members.memberships_of(user_id, ("join",))
        rooms = [Earshot(member.room_id, member.joined_position or 0, rules.is_quiet(member.room_id)) for member in joined]
        heard = await self._store.heard(user_id, rooms, before, limit, highlights=highlights)
        receipts = await self._receipts.rooms({one.event.room_id for one in heard})
        found = []
        for one in heard:
            up_to = receipts[one.event.room_id].read_position(user_id, one.event.thread)
            read = up_to is not None and up_to >= (one.event.position or 0)
            found.append(Notification(Seen(one.event, "join"), await self._actions(user_id, one), read))
        return Page(found, heard[-1].event.position if len(heard) == limit else None)

    async def _actions(self, user_id: str, heard: Heard) -> Sequence[Any]:
        """Those of the rule that holds for it now, unless that would say nothing of what was told."""
        actions = await self._verdicts.actions(user_id, heard.event)
        if "notify" in actions:
            return actions
        return ["notify", {"set_tweak": "highlight"}] if heard.highlight else ["notify"]
