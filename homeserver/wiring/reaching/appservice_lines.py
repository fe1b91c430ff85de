"""What application services are told, built upon all parts."""

from typing import NamedTuple

from appservices.inbound.senders import make_senders
from appservices.outbound.compose import Composer
from appservices.outbound.gather import Gathering, Readings
from appservices.outbound.interest import Interest
from appservices.outbound.line import Line, Means
from appservices.outbound.outbound import Outbound
from homeserver.sync.sections.invites import InviteSection
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.ground import Ground
from homeserver.wiring.people import People
from homeserver.wiring.personal import Personal
from homeserver.wiring.reaching.appservices import Enlisted
from homeserver.wiring.rooms import Rooms
from storage.appservices.progress import StoredAppservices
from storage.encryption.device_lists import StoredDeviceLists
from storage.finding.directory import Directory
from storage.people.accounts import StoredAccounts


class Appservicing(NamedTuple):
    """Enlisted, and told."""

    enlisted: Enlisted
    outbound: Outbound
    ground: Ground

    async def start(self) -> None:
        await make_senders(self.enlisted.services, StoredAccounts(self.ground.database), self.ground.clock)
        await self.outbound.start()

    async def stop(self) -> None:
        await self.outbound.stop()
        self.enlisted.transport.close()


def build_appservices(
    ground: Ground, enlisted: Enlisted, rooms: Rooms, people: People, personal: Personal, encryption: Encryption
) -> Appservicing:
    store = StoredAppservices(ground.database, ground.names)
    composer = Composer(
        serving=rooms.serving,
        members=rooms.members,
        invites=InviteSection(states=rooms.states, permission=rooms.writing.invites),
        keys=encryption.keys,
        typing=personal.typing,
        presence=personal.presence,
        accounts=people.accounts,
        queries=enlisted.queries,
    )
    means = Means(store, enlisted.client, composer, ground.streams, ground.clock, ground.chance)
    readings = Readings(store, ground.streams, StoredDeviceLists(ground.database, ground.names), rooms.members)
    aliases = Directory(ground.database)
    lines = []
    for service in enlisted.services:
        if service.registration.url:
            interest = Interest(service, store, aliases, rooms.states)
            lines.append(Line(service, interest, Gathering(service, interest, readings), means))
    outbound = Outbound(lines, store, ground.streams, ground.ephemera)
    enlisted.signs_of_life.listen(outbound.heard)
    return Appservicing(enlisted, outbound, ground)
