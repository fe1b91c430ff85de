"""One's push rules (client-server API, "Push Rules: API"). Every client begins with reading them."""

from homeserver.push.rules import PushRules
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_RULES = "/_matrix/client/v3/pushrules/"
_RULE = _RULES + "global/{kind}/{rule_id}"


class PushRuleEndpoints:
    def __init__(self, rules: PushRules) -> None:
        self._rules = rules

    @endpoint("GET", _RULES, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        return await self._rules.all(request.user.user_id)

    @endpoint("GET", _RULES + "global/", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def list_global(self, request: Request) -> Answer:
        return dict(await self._rules.ruleset(request.user.user_id))

    @endpoint("GET", _RULE, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, kind: str, rule_id: str) -> Answer:
        return await self._rules.rule(request.user.user_id, kind, rule_id)

    @endpoint("PUT", _RULE, access=Access.USER, rate=Rate.WRITE, body=Schema("client/push_rule"))
    async def put(self, request: Request, kind: str, rule_id: str) -> Answer:
        before, after = request.text("before"), request.text("after")
        await self._rules.put(request.user.user_id, kind, rule_id, request.body, before=before, after=after)
        return {}

    @endpoint("DELETE", _RULE, access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def remove(self, request: Request, kind: str, rule_id: str) -> Answer:
        await self._rules.remove(request.user.user_id, kind, rule_id)
        return {}

    @endpoint("GET", _RULE + "/enabled", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def enabled(self, request: Request, kind: str, rule_id: str) -> Answer:
        return {"enabled": (await self._rules.rule(request.user.user_id, kind, rule_id))["enabled"]}

    @endpoint("PUT", _RULE + "/enabled", access=Access.USER, rate=Rate.WRITE, body=Schema("client/push_rule_enabled"))
    async def set_enabled(self, request: Request, kind: str, rule_id: str) -> Answer:
        await self._rules.set_enabled(request.user.user_id, kind, rule_id, request.body["enabled"])
        return {}

    @endpoint("GET", _RULE + "/actions", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def actions(self, request: Request, kind: str, rule_id: str) -> Answer:
        return {"actions": (await self._rules.rule(request.user.user_id, kind, rule_id))["actions"]}

    @endpoint("PUT", _RULE + "/actions", access=Access.USER, rate=Rate.WRITE, body=Schema("client/push_rule_actions"))
    async def set_actions(self, request: Request, kind: str, rule_id: str) -> Answer:
        await self._rules.set_actions(request.user.user_id, kind, rule_id, request.body["actions"])
        return {}
