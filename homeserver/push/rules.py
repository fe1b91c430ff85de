"""Reading and changing one's push rules (client-server API, "Push Rules: API"). They are account data, m.push_rules, and announced as such."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from homeserver.account_data.account_data import IGNORED_USERS, PUSH_RULES, AccountData, UserData
from homeserver.account_data.store import GLOBAL, AccountDataStore
from homeserver.errors import NotFound, Unknown
from homeserver.protocol.push.changes import Changes, Ruleset, find_own, place, remove, set_default, tidy
from homeserver.protocol.push.rules import Rules, compile_rules
from homeserver.push.shapes import actions_of, check_kind, check_room_for, own_rule

MAX_COMPILED = 5_000


class UserRules:
    """A user's rules, compiled. `own` is False while they are the default ones and nobody is ignored."""

    __slots__ = ("own", "rules", "version")

    def __init__(self, rules: Rules, version: int, *, own: bool) -> None:
        self.rules = rules
        self.version = version  # rises with every change
        self.own = own


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
            held = UserRules(compile_rules(ruleset, data.ignored), version, own=version > 0)
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


def ruleset_of(data: UserData) -> Ruleset:
    """The user's whole rules; the result is the caller's own."""
    ruleset: Ruleset = orjson.loads(data.content(GLOBAL, PUSH_RULES) or b"{}")["global"]
    return ruleset


def _no_such_rule() -> NotFound:
    return NotFound("You have no push rule of this kind and name")
