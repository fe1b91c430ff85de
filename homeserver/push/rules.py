"""Reading and changing one's push rules (client-server API, "Push Rules: API"). They are account data, m.push_rules, and announced as such."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from homeserver.account_data.account_data import IGNORED_USERS, PUSH_RULES, AccountData, UserData, ignored_in
from homeserver.account_data.store import GLOBAL, AccountDataStore
from homeserver.errors import NotFound, Unknown
from homeserver.protocol.push.changes import Changes, Ruleset, find_own, place, remove, set_default, tidy, whole
from homeserver.protocol.push.rules import Rules, compile_rules, of_room, rooms_named
from homeserver.push.shapes import actions_of, check_kind, check_room_for, own_rule
from homeserver.push.store import OwnRules
from homeserver.streams import Change

MAX_COMPILED = 1_000
MAX_ROOMS = 2_000  # whose levels are remembered


class UserRules:
    """A user's rules, compiled."""

    __slots__ = ("_elsewhere", "_in_rooms", "_named", "_user_id", "rules", "version")

    def __init__(self, user_id: str, rules: Rules, version: int) -> None:
        self._user_id = user_id
        self.rules = rules
        self.version = version  # rises with every change
        self._named = rooms_named(rules)
        self._in_rooms: dict[str, bool] = {}
        self._elsewhere: bool | None = None

    def is_quiet(self, room_id: str) -> bool:
        """Whether plain messages of the room do not count as unread."""
        if self._named is None or room_id.lower() in self._named:
            quiet = self._in_rooms.get(room_id)
            if quiet is None:
                if len(self._in_rooms) >= MAX_ROOMS:
                    self._in_rooms.clear()
                quiet = self._in_rooms[room_id] = of_room(self.rules, room_id, self._user_id).quiet
            return quiet
        if self._elsewhere is None:
            self._elsewhere = of_room(self.rules, room_id, self._user_id).quiet
        return self._elsewhere


class PushRules:
    def __init__(self, account_data: AccountData, store: AccountDataStore) -> None:
        self._account_data = account_data
        self._store = store
        self._compiled: OrderedDict[str, UserRules] = OrderedDict()

    async def all(self, user_id: str) -> bytes:
        """The content of m.push_rules."""
        return await self._account_data.content(user_id, GLOBAL, PUSH_RULES)

    async def ruleset(self, user_id: str) -> Ruleset:
        return ruleset_of(await self._account_data.of(user_id))

    async def rule(self, user_id: str, kind: str, rule_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        for rule in (await self.ruleset(user_id)).get(kind, ()):
            if rule["rule_id"] == rule_id:
                return rule
        raise _no_such_rule()

    async def put(
        self, user_id: str, kind: str, rule_id: str, body: Mapping[str, Any], *, before: str | None = None, after: str | None = None
    ) -> None:
        """Add or replace a rule of the user's own; enabled when it is new. Raises InvalidParam, TooLarge, Unknown."""
        rule = own_rule(kind, rule_id, body)

        def change(changes: Changes) -> None:
            held = find_own(changes, kind, rule_id)
            if held is not None:
                rule["enabled"] = held["enabled"]
            if not place(changes, kind, rule, before, after):
                raise Unknown(f"before/after rule not found: {before or after}")

        await self._edit(user_id, change)

    async def remove(self, user_id: str, kind: str, rule_id: str) -> None:
        """Raises NotFound; default rules cannot be removed."""

        def change(changes: Changes) -> None:
            if not remove(changes, kind, rule_id):
                raise _no_such_rule()

        await self._edit(user_id, change)

    async def set_enabled(self, user_id: str, kind: str, rule_id: str, enabled: bool) -> None:
        await self._set(user_id, kind, rule_id, "enabled", enabled)

    async def set_actions(self, user_id: str, kind: str, rule_id: str, actions: Any) -> None:
        await self._set(user_id, kind, rule_id, "actions", actions_of(actions))

    async def compiled(self, user_id: str) -> UserRules:
        """Kept until they change."""
        data = await self._account_data.of(user_id)
        version = max(data.last_change(PUSH_RULES), data.last_change(IGNORED_USERS))
        held = self._compiled.get(user_id)
        if held is None or held.version != version:
            ruleset = ruleset_of(data)
            held = UserRules(user_id, compile_rules(ruleset, data.ignored), version)
            self._compiled[user_id] = held
            while len(self._compiled) > MAX_COMPILED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(user_id)
        return held

    async def has_own(self, user_id: str) -> bool:
        """Whether `compiled` may say anything but what is said by default."""
        data = await self._account_data.of(user_id)
        return data.last_change(PUSH_RULES) > 0 or bool(data.ignored)

    async def carry(self, user_id: str, old_room: str, new_room: str) -> None:
        """A rule about a room holds for its successor, too (client-server API, "Room upgrades"). A `rooms.upgrade` PersonalSettings."""

        def change(changes: Changes) -> None:
            held = find_own(changes, "room", old_room)
            if held is not None and find_own(changes, "room", new_room) is None:
                place(changes, "room", {**held, "rule_id": new_room}, None, None)

        if any(rule["rule_id"] == old_room for rule in (await self.ruleset(user_id))["room"]):
            await self._edit(user_id, change)

    async def _set(self, user_id: str, kind: str, rule_id: str, name: str, value: Any) -> None:
        check_kind(kind)

        def change(changes: Changes) -> None:
            held = find_own(changes, kind, rule_id)
            if held is not None:
                held[name] = value
            elif not set_default(user_id, changes, kind, rule_id, name, value):
                raise _no_such_rule()

        await self._edit(user_id, change)

    async def _edit(self, user_id: str, change: Callable[[Changes], None]) -> None:
        def edit(before: bytes | None) -> bytes | None:
            changes: Changes = orjson.loads(before) if before else {}
            change(changes)
            after = orjson.dumps(tidy(changes))
            check_room_for(changes, after)
            return None if after == (before or b"{}") else after

        await self._store.edit(user_id, GLOBAL, PUSH_RULES, edit)


def compile_stored(user: OwnRules) -> Rules:
    changes = orjson.loads(user.push_rules) if user.push_rules else {}
    return compile_rules(whole(user.user_id, changes), ignored_in(user.ignored, user.user_id))


def is_about_rules(change: Change) -> bool:
    """Whether what the user is notified of may be another now."""
    return change.kind == "account_data" and (change.subject is None or change.subject.type in (PUSH_RULES, IGNORED_USERS))


def ruleset_of(data: UserData) -> Ruleset:
    """The user's whole rules; the result is the caller's own."""
    ruleset: Ruleset = orjson.loads(data.content(GLOBAL, PUSH_RULES) or b"{}")["global"]
    return ruleset


def _no_such_rule() -> NotFound:
    return NotFound("You have no push rule of this kind and name")
