"""Networks to which application services lead (application-service API, "Third-party networks"). Fills `homeserver.integrations.networks`."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from appservices.appservice import Appservice, Appservices
from appservices.client import AppserviceClient, as_object
from appservices.errors import CannotReach
from appservices.transport import Answer
from homeserver.clock import Clock
from homeserver.integrations.networks import Found

KNOWN_FOR_S = 3600.0  # what a service says of its protocols
TRIED_AGAIN_S = 30.0  # where it said nothing
NEEDED: Mapping[str, Any] = {"user_fields": [], "location_fields": [], "icon": "", "field_types": {}}


class BridgedNetworks:
    _log = Logger()

    def __init__(self, services: Appservices, client: AppserviceClient, clock: Clock) -> None:
        self._services = services
        self._client = client
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Mapping[str, Any] | None]] = {}

    async def protocols(self) -> Mapping[str, Mapping[str, Any]]:
        names = dict.fromkeys(name for service in self._services for name in service.registration.protocols)
        found = {name: await self.protocol(name) for name in names}
        return {name: described for name, described in found.items() if described is not None}

    async def protocol(self, name: str) -> Mapping[str, Any] | None:
        """What several services say of it is one: the instances of all, the rest from the first."""
        services = [service for service in self._services if name in service.registration.protocols]
        described = [found for found in [await self._described(service, name) for service in services] if found is not None]
        if not described:
            return None
        return {**described[0], "instances": [instance for found in described for instance in found["instances"]]}

    async def locations(self, protocol: str, fields: Mapping[str, str]) -> Found:
        return await self._all(f"location/{quote(protocol, safe='')}", fields, protocol)

    async def users(self, protocol: str, fields: Mapping[str, str]) -> Found:
        return await self._all(f"user/{quote(protocol, safe='')}", fields, protocol)

    async def locations_of(self, room_alias: str) -> Found:
        return await self._all("location", {"alias": room_alias})

    async def users_of(self, user_id: str) -> Found:
        return await self._all("user", {"userid": user_id})

    async def _described(self, service: Appservice, name: str) -> Mapping[str, Any] | None:
        known = self._known.get((service.id, name))
        if known is not None and known[0] > self._clock.monotonic():
            return known[1]
        answer = await self._ask(service, f"protocol/{quote(name, safe='')}", {})
        described = None if answer is None else _description(as_object(answer), service)
        lasting = TRIED_AGAIN_S if described is None else KNOWN_FOR_S
        self._known[service.id, name] = (self._clock.monotonic() + lasting, described)
        return described

    async def _all(self, path: str, fields: Mapping[str, str], protocol: str | None = None) -> Found:
        concerned = [
            service for service in self._services if service.registration.protocols and protocol in (None, *service.registration.protocols)
        ]
        asking = [Deferred.fromCoroutine(self._ask(service, path, fields)) for service in concerned]
        outcomes: Sequence[tuple[bool, Answer | None]] = await DeferredList(asking, consumeErrors=True)
        return [found for is_done, answer in outcomes if is_done and answer is not None for found in _list(answer)]

    async def _ask(self, service: Appservice, path: str, fields: Mapping[str, str]) -> Answer | None:
        try:
            answer = await self._client.third_party(service, path, fields)
        except CannotReach as error:
            self._log.info("application service {id} tells nothing of its network: {error}", id=service.id, error=str(error))
            return None
        return answer if answer.is_good else None


def _description(found: dict[str, Any] | None, service: Appservice) -> Mapping[str, Any] | None:
    """With the name by which `/publicRooms` knows each instance here; None for what is no description."""
    if found is None or not isinstance(found.get("instances"), list):
        return None
    instances = [
        {**instance, "instance_id": f"{service.id}|{instance['network_id']}"}
        for instance in found["instances"]
        if isinstance(instance, dict) and isinstance(instance.get("network_id"), str)
    ]
    return {**NEEDED, **found, "instances": instances}


def _list(answer: Answer) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
