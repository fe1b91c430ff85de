"""The HTTP edge over all endpoints: one dispatch for each set of endpoints, one listener for each address."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from config.listeners import Listener as ListenerSettings
from homeserver.client_api.people.callers import note_seen
from homeserver.logs import AccessLog
from homeserver.start_up import cannot_listen
from homeserver.version import VERSION
from homeserver.web.access import Entry, Peers
from homeserver.web.body import BodyLimits
from homeserver.web.dispatch import Dispatch
from homeserver.web.listen import Address, Listener
from homeserver.web.metrics import Metrics, MetricsPage
from homeserver.web.pages import Pages
from homeserver.web.rate_limit import RateLimiter, TrustedProxies
from homeserver.web.router import Router
from homeserver.web.validation import Validation
from homeserver.web.wire.edge import Edge
from homeserver.web.wire.limits import WireLimits
from homeserver.wiring.federation import Federation
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.people import People

STOP_SECONDS = 20.0  # for requests that run when the server is told to stop


class Door(NamedTuple):
    """A listener to be opened."""

    settings: ListenerSettings
    dispatch: Dispatch
    edge: Edge


def build_dispatch(
    ground: Ground, people: People, chapters: Chapters, metrics: Metrics, access_log: AccessLog | None, peers: Peers | None
) -> Dispatch:
    return Dispatch(
        Router(chapters),
        Entry(people.tokens, peers),
        RateLimiter(ground.config.rate_limits, ground.clock),
        Validation(),
        metrics,
        ground.clock,
        ground.chance,
        limits=BodyLimits(media=ground.config.media.max_upload_bytes),
        access_log=access_log,
        seen=note_seen(people.last_seen),
    )


def build_doors(ground: Ground, people: People, client: Chapters, federation: Federation, access_log: AccessLog | None) -> list[Door]:
    """One for each listener that is switched on."""
    config, metrics = ground.config, Metrics(ground.registry)
    proxies = TrustedProxies(config.server.trusted_proxies)
    address = config.server.public_base_url or config.server.name
    open_to_all = config.registration.enabled and not config.registration.requires_token
    pages = Pages(config.server.name, address, VERSION, registration_open=open_to_all)
    groups: dict[str, Chapters] = {
        "client": (pages, *client),
        "federation": federation.chapters,
        "metrics": (MetricsPage(ground.registry),),
    }
    doors = []
    for settings in (config.listeners.client, config.listeners.federation, config.listeners.metrics):
        if not settings.enabled:
            continue
        chapters = tuple(chapter for api in settings.serves for chapter in groups[api])
        dispatch = build_dispatch(ground, people, chapters, metrics, access_log, federation.peers)
        doors.append(Door(settings, dispatch, Edge(dispatch.begin, WireLimits(), ground.clock, metrics, proxies)))
    return doors


def own_door(doors: list[Door]) -> Door:
    """For a part of this process that is a client of it: plain, on loopback, at any free port."""
    found = next(door for door in doors if "client" in door.settings.serves)
    return Door(ListenerSettings(True, ("127.0.0.1",), 0, ("client",)), found.dispatch, found.edge)


async def open_listener(door: Door, host: str, loop: asyncio.AbstractEventLoop) -> Listener:
    """Raises CannotStart, in one line."""
    settings = door.settings
    listener = Listener(door.edge, loop)
    certificate = Path(settings.certificate) if settings.certificate else None
    try:
        await listener.open(Address(host, settings.port, certificate=certificate, key=Path(settings.key) if settings.key else None))
    except OSError as error:
        raise cannot_listen(host, settings.port, (settings.certificate, settings.key) if certificate else (), error) from error
    return listener
