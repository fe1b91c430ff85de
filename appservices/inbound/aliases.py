"""Which aliases belong to application services, and those that they make when somebody asks. Fills `homeserver.rooms.directory.ports.AliasOwners`."""

from appservices.appservice import Appservices
from appservices.asking.queries import Queries


class RegisteredAliases:
    def __init__(self, services: Appservices, queries: Queries) -> None:
        self._services = services
        self._queries = queries

    def owner(self, alias: str) -> str | None:
        service = self._services.owner_of_alias(alias)
        return None if service is None else service.id

    def owns(self, appservice: str, alias: str) -> bool:
        service = self._services.get(appservice)
        return service is not None and service.aliases.has(alias)

    async def provide(self, alias: str) -> bool:
        return bool(self._services) and await self._queries.room_exists(alias)
