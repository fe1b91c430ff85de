"""The roof: builds every part by its constructor, in order; starts the server and stops it."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from appservices.transport import Transport as AppserviceTransport
from config.database import DatabaseSettings
from config.settings import Config
from federation.transport import NoTransport, Transport
from homeserver import logs
from homeserver.clock import Chance, Clock
from homeserver.control.door import Door as ControlDoor
from homeserver.control.every_command import EveryCommand
from homeserver.control.key_commands import KeyCommands
from homeserver.control.report_commands import ReportCommands
from homeserver.figures import CommitFigures
from homeserver.loop_watch import LoopWatch
from homeserver.mail.letter import Postman
from homeserver.outside import NoOutside, Outside
from homeserver.start_up import CannotStart, check_authority, check_name
from homeserver.streams import Streams
from homeserver.upkeep.heap import Heap
from homeserver.upkeep.upkeep import Upkeep, tasks
from homeserver.web.listen import Listener
from homeserver.web.outgoing.later import LaterClient
from homeserver.wiring.community import build_community
from homeserver.wiring.edge import STOP_SECONDS, Door, build_doors, open_listener, own_door
from homeserver.wiring.encryption import build_encryption
from homeserver.wiring.federation import build_federation
from homeserver.wiring.finding import build_finding
from homeserver.wiring.ground import lay_ground
from homeserver.wiring.media import build_media
from homeserver.wiring.metrics import register_metrics
from homeserver.wiring.parts import Parts
from homeserver.wiring.people import build_people
from homeserver.wiring.personal import build_personal
from homeserver.wiring.reaching.appservice_lines import build_appservices
from homeserver.wiring.reaching.appservices import appservice_transport, enlist
from homeserver.wiring.reaching.asking import build_asking
from homeserver.wiring.reaching.pushers import build_pushers
from homeserver.wiring.reaching.reach import build_transport, reach_out
from homeserver.wiring.reaching.remote_devices import build_remote_devices
from homeserver.wiring.reading import build_reading
from homeserver.wiring.rooms import build_rooms
from homeserver.wiring.sync.syncing import build_syncing
from storage.control import StoredAccountList
from storage.copying.copy import copy as copy_rows
from storage.database import Database, StorageUnavailable
from storage.drivers.threads import LoopThreads, Threads
from storage.open_storage import open_database
from storage.upkeep import StoredUpkeep

if TYPE_CHECKING:
    from homeserver.wiring.reaching.assistant import Tenant

T = TypeVar("T")


class Server:
    """A whole server, built and not yet listening."""

    _log = Logger()

    def __init__(self, parts: Parts, doors: list[Door], access_log: logs.AccessLog | None) -> None:
        self._parts = parts
        self._access_log = access_log
        self.doors = doors
        reports, keys = ReportCommands(parts.community.reports), KeyCommands(parts.federation.reach.own_keys)
        self.commands = EveryCommand(parts.people.commands, parts.media.commands, reports, keys)
        self.database: Database = parts.ground.database
        self.registry = parts.ground.registry
        self._listeners: list[Listener] = []
        self._tenant: Tenant | None = None
        self.addresses: list[str] = []

    def take_in(self, tenant: "Tenant") -> None:
        """The assistant, as part of this process. Raises CannotStart."""
        tenant.move_in(self.registry)
        self._tenant = tenant

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the doors, then `take_up`. Raises CannotStart."""
        for door in self.doors:
            for host in door.settings.bind:
                listener = await open_listener(door, host, loop)
                self._listeners.append(listener)
                scheme = "https" if door.settings.certificate else "http"
                shown = "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host
                self.addresses.append(f"{scheme}://{shown}:{listener.port}")
        await self.take_up()
        if self._tenant is not None:
            own = own_door(self.doors)
            self._listeners.append(await open_listener(own, own.settings.bind[0], loop))
            self._tenant.begin(self._listeners[-1].port)

    async def take_up(self) -> None:
        """Begin what goes on by itself, and take up what an earlier run left undone."""
        await self._parts.federation.start()
        await self._parts.personal.presence.start()
        await self._parts.personal.spread.start()
        await self._parts.community.directory_reader.start()
        await self._parts.community.search_index.start()
        await self._parts.pushing.reader.start()
        await self._parts.appservices.start()
        await self._parts.people.deactivation.resume()
        await self._parts.media.removal.start()
        self._parts.rooms.collector.start()
        self._parts.upkeep.start()

    async def stop(self) -> None:
        """Let running requests end, write what waits in memory, close the database."""
        if self._tenant is not None:
            await self._tenant.stop()
        for listener in self._listeners:
            listener.close()
        for door in self.doors:
            await door.edge.stop(STOP_SECONDS)
        try:
            for end in (
                self._parts.upkeep.stop,
                self._parts.rooms.collector.stop,
                self._parts.appservices.stop,
                self._parts.pushing.reader.stop,
                self._parts.community.search_index.stop,
                self._parts.community.directory_reader.stop,
                self._parts.personal.spread.stop,
                self._parts.personal.presence.stop,
                self._parts.people.last_seen.flush,
                self._parts.federation.stop,
            ):
                await self._end(end)
        finally:
            await self.database.close()
            if self._access_log is not None:
                self._access_log.flush()

    async def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        """One part; where the database takes nothing any more (a full disk), the others still end."""
        try:
            await end()
        except StorageUnavailable as error:
            self._log.error("something that waited in memory is lost: {reason}", reason=error.reason)


async def build(
    config: Config,
    *,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    database: Database,
    streams: Streams,
    commits: CommitFigures | None = None,
    access_log: logs.AccessLog | None = None,
    outside: Outside | None = None,
    transport: Transport | None = None,
    postman: Postman | None = None,
    services: AppserviceTransport | None = None,
) -> Server:
    """Every part, from the ground up. The database is open, `streams` stands where it left off; `commits` watches the database;
    `outside` is the rest of the web, `transport` takes requests to other servers, `services` those to
    application services, `postman` letters to the mail server."""
    ground = lay_ground(config, clock, chance, threads, database, streams, commits or CommitFigures(), postman)
    reach = reach_out(ground, transport or NoTransport())
    asking = build_asking(ground, reach, outside or NoOutside())
    rooms = await build_rooms(ground, reach, asking)
    devices = build_remote_devices(ground, reach, rooms.partial)
    enlisted = enlist(ground, services)
    people = build_people(ground, rooms, enlisted)
    personal = build_personal(ground, rooms, asking.profiles)
    finding = build_finding(ground, rooms, people, personal, enlisted, asking)
    community = build_community(ground, rooms, enlisted)
    encryption = build_encryption(ground, rooms, people, devices, enlisted)
    sync = build_syncing(ground, rooms, personal, encryption)
    pushing = build_pushers(ground, rooms, personal.push, outside or NoOutside())
    media = build_media(ground, people.accounts, outside or NoOutside(), asking.media)
    federation = build_federation(ground, rooms, reach, asking, personal, finding, community, media, encryption, devices)
    past = tasks(StoredUpkeep(database), session_seconds=config.sessions.interactive_auth_seconds)
    upkeep = Upkeep((*past, *media.tasks, *people.addresses.tasks, *devices.tasks), clock, chance)
    telling = build_appservices(ground, enlisted, rooms, people, personal, encryption)
    parts = Parts(ground, rooms, people, personal, finding, community, media, encryption, sync, pushing, upkeep, federation, telling)
    client = (*parts.chapters, *build_reading(ground, rooms, personal, finding))
    register_metrics(parts)
    return Server(parts, build_doors(ground, people, client, federation, access_log), access_log)


async def open_server(
    config: Config,
    loop: asyncio.AbstractEventLoop,
    chance: Chance,
    clock: Clock,
    outside: Outside | None = None,
    postman: Postman | None = None,
    transport: Transport | None = None,
    services: AppserviceTransport | None = None,
) -> Server:
    """As `build`, with the configured database. Raises CannotOpen and CannotStart."""
    streams, threads, commits = Streams(), LoopThreads(loop.call_soon, loop.call_soon_threadsafe), CommitFigures()
    database = await open_database(
        config.database,
        directory=Path(config.server.data_directory),
        streams=streams,
        clock=clock,
        chance=chance,
        threads=threads,
        observer=commits,
    )
    await check_name(config.server.name, StoredAccountList(database))
    access_log = logs.AccessLog(sys.stderr, clock) if config.logging.requests else None
    return await build(
        config,
        clock=clock,
        chance=chance,
        threads=threads,
        database=database,
        streams=streams,
        commits=commits,
        access_log=access_log,
        outside=outside,
        postman=postman,
        transport=transport,
        services=services,
    )


def run(config: Config, ready: Callable[[Server], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT; raises CannotStart or CannotOpen in one line."""
    from homeserver.runtime import processor_seconds

    async def serve(reactor: Any, loop: asyncio.AbstractEventLoop, clock: Clock, chance: Chance) -> None:
        told: Deferred[None] = Deferred()

        def stop(*_: Any) -> None:
            if not told.called:
                told.callback(None)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        outside = LaterClient(reactor, clock, private_addresses=config.outgoing.private_addresses)
        postman = _postman(config, reactor, clock, chance)
        transport = build_transport(config, reactor, loop, clock, chance)
        services = appservice_transport(loop, clock)
        tenant = _tenant(config, loop, clock, services)
        server = await open_server(config, loop, chance, clock, outside, postman, transport, tenant.transport if tenant else services)
        control = ControlDoor(config.server.data_directory, server.commands)
        watch, heap = LoopWatch(clock, server.registry, processor_seconds, loop.call_later), Heap(clock, processor_seconds)
        try:
            if tenant is not None:
                server.take_in(tenant)
            await server.start(loop)
            control.open(reactor)
            watch.start()
            heap.start()
            await ready(server)
            await told
        finally:
            heap.stop()
            watch.stop()
            await control.close()
            await server.stop()

    _with_reactor(config, serve)


def _tenant(config: Config, loop: asyncio.AbstractEventLoop, clock: Clock, services: AppserviceTransport) -> "Tenant | None":
    if not config.assistant.enabled:
        return None
    from homeserver.wiring.reaching.assistant import Tenant

    return Tenant(config, loop, clock, services)


def _postman(config: Config, reactor: Any, clock: Clock, chance: Chance) -> Postman | None:
    if not config.mail.host:
        return None
    from homeserver.mail.smtp import SmtpPostman

    if config.mail.authority:
        check_authority("mail.authority", config.mail.authority)
    return SmtpPostman(config.mail, reactor, clock, chance)


def offline(config: Config, question: Callable[[Server], Awaitable[T]]) -> T:
    """Ask something of a server that does not listen."""

    async def ask(_: Any, loop: asyncio.AbstractEventLoop, clock: Clock, chance: Chance) -> T:
        server = await open_server(config, loop, chance, clock)
        try:
            return await question(server)
        finally:
            await server.stop()

    return _with_reactor(config, ask)


def copy(config: Config, target: DatabaseSettings) -> int:
    """The rows of the configured database into another one, which is new; how many. Raises CannotStart, CannotOpen and NotEmpty."""

    async def work(_: Any, loop: asyncio.AbstractEventLoop, clock: Clock, chance: Chance) -> int:
        threads, opened = LoopThreads(loop.call_soon, loop.call_soon_threadsafe), list[Database]()
        directory = Path(config.server.data_directory)
        try:
            for settings in (config.database, target):
                database = await open_database(
                    settings, directory=directory, streams=Streams(), clock=clock, chance=chance, threads=threads
                )
                opened.append(database)
            return await copy_rows(*opened)
        finally:
            for database in opened:
                await database.close()

    return _with_reactor(config, work)


def _with_reactor(config: Config, work: Callable[[Any, asyncio.AbstractEventLoop, Clock, Chance], Awaitable[T]]) -> T:
    """Run a coroutine on the real reactor, to its end."""
    from homeserver.runtime import ReactorClock, SystemChance, install_reactor

    reactor, loop = install_reactor()
    clock = ReactorClock(reactor)
    logs.begin(sys.stderr, clock, config.logging.level)
    outcome: list[T | Failure] = []

    async def whole() -> T:
        return await work(reactor, loop, clock, SystemChance())

    def end(result: T | Failure) -> None:
        outcome.append(result)
        reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(whole()).addBoth(end))
    reactor.run(installSignalHandlers=False)
    if not outcome:
        raise CannotStart("the server was stopped before it had started")
    result = outcome[0]
    if isinstance(result, Failure):
        if isinstance(result.value, StorageUnavailable):
            raise CannotStart(f"the database cannot be used: {result.value.reason}") from result.value
        result.raiseException()
    return result
