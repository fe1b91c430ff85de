"""Which names belong to application services. Fills `homeserver.accounts.names.AppserviceNames`."""

from appservices.appservice import Appservices


class RegisteredNames:
    def __init__(self, services: Appservices) -> None:
        self._services = services

    def is_exclusive(self, user_id: str) -> bool:
        return self._services.owner_of_user(user_id) is not None

    def owns(self, appservice: str, user_id: str) -> bool:
        service = self._services.get(appservice)
        return service is not None and service.owns_user(user_id)
