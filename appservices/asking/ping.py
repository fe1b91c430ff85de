"""Whether an application service can be reached (application-service API, "Pinging"). Fills `homeserver.integrations.networks.Pings`."""

from collections.abc import Callable

from appservices.appservice import Appservice, Appservices
from appservices.client import V1, AppserviceClient
from appservices.errors import CannotReach, TooSlow
from homeserver.clock import Clock
from homeserver.errors import AppserviceBadStatus, AppserviceTooSlow, AppserviceUnreachable, Forbidden, UrlNotSet

PING_SECONDS = 15.0
MOST_SHOWN = 2_000  # characters of what was answered


class AppservicePings:
    """`reached` is told when there is an answer."""

    def __init__(self, services: Appservices, client: AppserviceClient, clock: Clock, reached: Callable[[Appservice], None]) -> None:
        self._services = services
        self._client = client
        self._clock = clock
        self._reached = reached

    async def ping(self, appservice: str, transaction_id: str | None) -> int:
        service = self._services.get(appservice)
        if service is None:
            raise Forbidden("There is no such application service")
        if not service.registration.url:
            raise UrlNotSet
        body = {} if transaction_id is None else {"transaction_id": transaction_id}
        begun = self._clock.monotonic()
        try:
            answer = await self._client.post(service, f"{V1}/ping", body, seconds=PING_SECONDS)
        except TooSlow as error:
            raise AppserviceTooSlow from error
        except CannotReach as error:
            raise AppserviceUnreachable from error
        if not answer.is_good:
            raise AppserviceBadStatus(
                f"The application service answered with status {answer.status}",
                status=answer.status,
                body=answer.body.decode("utf-8", "replace")[:MOST_SHOWN],
            )
        self._reached(service)
        return round((self._clock.monotonic() - begun) * 1000)
