"""Application services: who they are and what they may do; laid before the rooms."""

from collections.abc import Callable
from typing import Any, NamedTuple

from appservices.appservice import Appservice, Appservices
from appservices.asking.keys import AppserviceKeys
from appservices.asking.networks import BridgedNetworks
from appservices.asking.ping import AppservicePings
from appservices.asking.queries import Queries
from appservices.client import AppserviceClient
from appservices.errors import BadRegistration
from appservices.inbound.aliases import RegisteredAliases
from appservices.inbound.names import RegisteredNames
from appservices.inbound.tokens import RegisteredTokens
from appservices.registration import read_registrations
from appservices.transport import LaterTransport, NoTransport, Transport
from homeserver.clock import Clock
from homeserver.start_up import CannotStart
from homeserver.wiring.ground import Ground
from storage.people.accounts import StoredAccounts
from storage.people.devices import StoredDevices


class Enlisted(NamedTuple):
    """The services and what they may do here."""

    services: Appservices
    client: AppserviceClient
    queries: Queries
    tokens: RegisteredTokens
    names: RegisteredNames
    aliases: RegisteredAliases
    networks: BridgedNetworks
    pings: AppservicePings
    keys: AppserviceKeys
    signs_of_life: "SignsOfLife"
    transport: Transport


class SignsOfLife:
    """From the parts that hear of a service to the one that sends to it, which is built last."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Appservice], None]] = []

    def listen(self, listener: Callable[[Appservice], None]) -> None:
        self._listeners.append(listener)

    def __call__(self, service: Appservice) -> None:
        for listener in self._listeners:
            listener(service)


def appservice_transport(loop: Any, clock: Clock) -> Transport:
    """The real one; `loop` runs under the reactor."""

    def make() -> Transport:
        from appservices.http import PoolTransport
        from homeserver.web.outgoing.https_pool import HttpsPool

        return PoolTransport(HttpsPool(loop, clock, permits=lambda _: True, authorities=None), clock)

    return LaterTransport(make)


def _own(ground: Ground) -> tuple[str, ...]:
    if not ground.config.assistant.enabled:
        return ()
    from homeserver.wiring.reaching.assistant import own_registration

    return (own_registration(ground.config.assistant, ground.chance),)


def enlist(ground: Ground, transport: Transport | None) -> Enlisted:
    """Raises CannotStart."""
    settings = ground.config.appservices
    try:
        registrations = read_registrations((*settings.registrations, *_own(ground)))
    except BadRegistration as error:
        raise CannotStart(f"appservices.registrations: {error}") from error
    services = Appservices([Appservice(registration, ground.config.server.name) for registration in registrations])
    way = transport or NoTransport()
    client, heard = AppserviceClient(way), SignsOfLife()
    queries = Queries(services, client)
    accounts, devices = StoredAccounts(ground.database), StoredDevices(ground.database)
    return Enlisted(
        services=services,
        client=client,
        queries=queries,
        tokens=RegisteredTokens(services, accounts, devices, ground.streams, heard),
        names=RegisteredNames(services),
        aliases=RegisteredAliases(services, queries),
        networks=BridgedNetworks(services, client, ground.clock),
        keys=AppserviceKeys(services, client, ground.clock),
        pings=AppservicePings(services, client, ground.clock, heard),
        signs_of_life=heard,
        transport=way,
    )
