"""Reading one's push rules (client-server API, "Push Rules: API"). Every client begins with it."""

from typing import Any

import orjson

from homeserver.account_data.account_data import PUSH_RULES, AccountData
from homeserver.account_data.store import GLOBAL
from homeserver.errors import NotFound
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_RULES = "/_matrix/client/v3/pushrules/"
_RULE = _RULES + "global/{kind}/{rule_id}"


class PushRuleEndpoints:
    def __init__(self, account_data: AccountData) -> None:
        self._account_data = account_data

    @endpoint("GET", _RULES, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        return await self._account_data.content(request.user.user_id, GLOBAL, PUSH_RULES)

    @endpoint("GET", _RULES + "global/", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def list_global(self, request: Request) -> Answer:
        return await self._global(request)

    @endpoint("GET", _RULE, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, kind: str, rule_id: str) -> Answer:
        return await self._rule(request, kind, rule_id)

    @endpoint("GET", _RULE + "/enabled", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def enabled(self, request: Request, kind: str, rule_id: str) -> Answer:
        return {"enabled": (await self._rule(request, kind, rule_id))["enabled"]}

    @endpoint("GET", _RULE + "/actions", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def actions(self, request: Request, kind: str, rule_id: str) -> Answer:
        return {"actions": (await self._rule(request, kind, rule_id))["actions"]}

    async def _global(self, request: Request) -> dict[str, Any]:
        rules = orjson.loads(await self._account_data.content(request.user.user_id, GLOBAL, PUSH_RULES))
        ruleset: dict[str, Any] = rules["global"]
        return ruleset

    async def _rule(self, request: Request, kind: str, rule_id: str) -> dict[str, Any]:
        for rule in (await self._global(request)).get(kind, ()):
            if rule["rule_id"] == rule_id:
                found: dict[str, Any] = rule
                return found
        raise NotFound("You have no push rule of this kind and name")
