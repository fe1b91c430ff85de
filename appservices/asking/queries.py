"""Users and rooms that an application service makes when somebody looks for them (application-service API, "Querying").

Who looks for one waits; those who look for the same one wait together.
"""

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from appservices.appservice import Appservice, Appservices
from appservices.client import AppserviceClient
from appservices.errors import CannotReach
from homeserver.waiting import shielded

USERS, ROOMS = "users", "rooms"


class Queries:
    _log = Logger()

    def __init__(self, services: Appservices, client: AppserviceClient) -> None:
        self._services = services
        self._client = client
        self._asking: dict[tuple[str, str], Deferred[bool]] = {}

    async def user_exists(self, user_id: str) -> bool:
        """Whether a service now has that user of ours, who was not known here."""
        return await self._ask(USERS, user_id, (service for service in self._services if service.owns_user(user_id)))

    async def room_exists(self, alias: str) -> bool:
        """Whether a service has now made a room of that alias of ours."""
        return await self._ask(ROOMS, alias, (one for one in self._services if one.aliases.has(alias) and one.is_local(alias)))

    async def _ask(self, kind: str, name: str, services: Iterable[Appservice]) -> bool:
        concerned = [service for service in services if service.registration.url]
        if not concerned:
            return False
        asking = self._asking.get((kind, name))
        if asking is None:
            asking = self._asking[kind, name] = Deferred.fromCoroutine(self._ask_all(kind, name, concerned))
            asking.addBoth(self._forget, kind, name)
        return await shielded(asking)

    def _forget(self, outcome: bool, kind: str, name: str) -> bool:
        self._asking.pop((kind, name), None)
        return outcome

    async def _ask_all(self, kind: str, name: str, services: Iterable[Appservice]) -> bool:
        for service in services:
            try:
                answer = await self._client.ask_for(service, kind, name)
            except CannotReach as error:
                self._log.info("application service {id} cannot be asked for {name}: {error}", id=service.id, name=name, error=str(error))
                continue
            if answer.is_good:
                return True
        return False
