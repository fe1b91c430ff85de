"""Who is notified of an event, and how: what pushers ask (client-server API, "Receiving notifications").

The rules are those in force when it is asked, for a pusher reads on right behind the stream; the room is as it was when the event came.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from homeserver.account_data.invite_permission import InvitePermission
from homeserver.protocol.auth_rules import PowerLevels, power_levels
from homeserver.protocol.push.conditions import Occasion
from homeserver.protocol.push.default_rules import default_rules
from homeserver.protocol.push.rules import Rule, Rules, compile_rules, decide, names_reader
from homeserver.push.audience import Audiences
from homeserver.push.occasion import occasion_of
from homeserver.push.rules import PushRules
from homeserver.rooms.append import Identity
from homeserver.rooms.head import CREATE, POWER_LEVELS
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REDACTED, StoredEvent

NOBODY = "@"  # whom no event can name


class Notified(NamedTuple):
    """A local user and the actions of the rule that decided. `highlight` and `sound` are two of the tweaks among them."""

    user_id: str
    actions: tuple[Any, ...]

    @property
    def highlight(self) -> bool:
        return bool(self.tweaks.get("highlight"))

    @property
    def sound(self) -> str | None:
        sound = self.tweaks.get("sound")
        return sound if isinstance(sound, str) else None

    @property
    def tweaks(self) -> dict[str, Any]:
        """As a push gateway is told them."""
        named = [action for action in self.actions if isinstance(action, dict)]
        return {action["set_tweak"]: action.get("value", action["set_tweak"] == "highlight") for action in named}


class Verdicts:
    def __init__(
        self,
        *,
        identity: Identity,
        rules: PushRules,
        audiences: Audiences,
        members: MemberStore,
        timelines: TimelineStore,
        states: StateReader,
        invites: InvitePermission,
    ) -> None:
        self._identity = identity
        self._rules = rules
        self._audiences = audiences
        self._members = members
        self._timelines = timelines
        self._states = states
        self._invites = invites
        self._default = compile_rules(default_rules(NOBODY))

    async def notified(self, event: StoredEvent, among: Collection[str] | None = None) -> list[Notified]:
        """The local users whom the event notifies, never its sender. `among`: only these are asked about; they need not be in the room."""
        if not event.is_shown or event.flags & REDACTED:
            return []
        users = await self._audience(event, among)
        if not users:
            return []
        named = _named_by(event)
        own = {user_id for user_id in users if user_id in named or await self._rules.has_own(user_id)}
        if not own and not event.notifies and b'"m.mentions"' not in event.body:
            return []  # nothing that the default rules tell anyone
        occasion = await self.occasion(event)
        usual = decide(self._default, occasion, None)
        found = []
        for user_id in users:
            rule = await self._own_rule(user_id, event, occasion) if user_id in own else usual
            if rule is not None and rule.verdict.notify:
                found.append(Notified(user_id, rule.actions))
        return found

    async def actions(self, user_id: str, event: StoredEvent) -> tuple[Any, ...]:
        """What the user's present rules say of the event."""
        rule = await self._own_rule(user_id, event, await self.occasion(event))
        return () if rule is None else rule.actions

    async def occasion(self, event: StoredEvent) -> Occasion:
        joined, _ = (await self._timelines.counts([event.room_id])).get(event.room_id, (0, 0))
        return occasion_of(event, joined, await self._levels(event))

    async def _audience(self, event: StoredEvent, among: Collection[str] | None) -> list[str]:
        """Who is joined, and who is invited by just this event and takes the invite."""
        invited = event.state_key if event.type == "m.room.member" and event.content.get("membership") == "invite" else None
        shown = invited is not None and self._identity.is_local(invited) and await self._invites.shows(invited, event.sender)
        joined = await self._audiences.of(event.room_id)
        if among is not None:
            few, many = (among, joined) if len(among) < len(joined) else (joined, among)
            joined = {user for user in few if user in many}
        if invited is not None and shown and (among is None or invited in among):
            joined = {*joined, invited}
        return sorted(user for user in joined if user != event.sender)

    async def _own_rule(self, user_id: str, event: StoredEvent, occasion: Occasion) -> Rule | None:
        rules = (await self._rules.compiled(user_id)).rules
        return decide(rules, occasion, await self._display_name(rules, event.room_id, user_id))

    async def _display_name(self, rules: Rules, room_id: str, user_id: str) -> str | None:
        if not names_reader(rules):
            return None
        member = await self._members.member(room_id, user_id)
        return None if member is None else member.displayname

    async def _levels(self, event: StoredEvent) -> PowerLevels | None:
        if event.state_before is None:
            return None
        state = await self._states.at(event.state_before, [CREATE, POWER_LEVELS])
        create, levels = state.get(CREATE), state.get(POWER_LEVELS)
        return None if create is None else power_levels.of(None if levels is None else levels.event, create.event)


def _named_by(event: StoredEvent) -> set[str]:
    """Whom the default rules treat apart."""
    invited = {event.state_key} if event.state_key is not None else set()
    mentions = event.content.get("m.mentions") if b'"m.mentions"' in event.body else None
    users = mentions.get("user_ids") if isinstance(mentions, dict) else None
    return invited | {user for user in users if isinstance(user, str)} if isinstance(users, list) else invited
