"""What servers tell each other of their own accord: transactions out and in."""

from typing import NamedTuple

from federation.edus.devices import DeviceEdus
from federation.edus.people import PresenceEdu
from federation.edus.rooms import RoomEdus
from federation.edus.table import EduTable, kinds_of_edus
from federation.inbound.devices import DeviceEndpoints
from federation.inbound.transactions import Arrivals, TransactionEndpoint
from federation.outbound.catch_up import CatchUp
from federation.outbound.destination import Mark, Means
from federation.outbound.destinations import Destinations
from federation.outbound.ephemeral import EphemeralNews
from federation.outbound.key_news import KeyNews
from federation.outbound.reader import OutboundReader, Sources
from federation.outbound.servers import RoomServers
from federation.outbound.transaction import Transactions
from federation.room_acls import RoomAcls
from federation.slots import Slots
from homeserver.rooms.partial.resync import Resync
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.personal import Personal
from homeserver.wiring.reaching.reach import Reach
from homeserver.wiring.reaching.remote_devices import RemoteDevices
from homeserver.wiring.rooms import Rooms
from storage.federation.outbound import StoredOutbound
from storage.people.devices import StoredDevices

MOST_PROVEN, MOST_DOUBTFUL = 30, 20  # transactions under way


class Traffic(NamedTuple):
    ground: Ground
    rooms: RoomServers
    destinations: Destinations
    transactions: Transactions
    reader: OutboundReader
    ephemeral: EphemeralNews
    devices: RemoteDevices
    resync: Resync
    edus: EduTable
    chapters: Chapters

    async def start(self) -> None:
        await self.devices.follower.start(self.ground.streams)
        await self.reader.start()
        self.resync.start()
        self.ephemeral.start(self.ground.ephemera)

    async def stop(self) -> None:
        self.resync.stop()
        await self.reader.stop()
        self.devices.follower.stop()


def build_traffic(
    ground: Ground,
    rooms: Rooms,
    personal: Personal,
    encryption: Encryption,
    devices: RemoteDevices,
    reach: Reach,
    acls: RoomAcls,
    arrivals: Arrivals,
) -> Traffic:
    name, mark = ground.identity.server_name, Mark()
    store = StoredOutbound(ground.database, ground.names, name)
    servers = _room_servers(store, rooms, name)
    news = KeyNews(encryption.keys, StoredDevices(ground.database), rooms.members, servers)
    transactions = Transactions(name, reach.client, reach.outages, ground.clock, ground.chance)
    catch_up = CatchUp(store, servers, news, ground.streams, mark, is_local=ground.identity.is_local, suffix=f":{name}")
    destinations = _destinations(ground, reach, devices, transactions, catch_up, mark)
    ephemeral = EphemeralNews(personal.presence, rooms.members, servers, destinations, mark, ground.identity.is_local)
    sources = Sources(store, devices.letters, rooms.members, servers, news, ephemeral.meet)
    room_edus = RoomEdus(personal.typing, personal.receipts, rooms.members, acls, rooms.partial)
    device_edus = DeviceEdus(devices.follower, encryption.to_device)
    presence_edu = PresenceEdu(personal.presence, devices.store, rooms.partial, ground.streams, ground.clock)
    edus = EduTable(kinds_of_edus(room_edus, presence_edu, device_edus))
    return Traffic(
        ground=ground,
        rooms=servers,
        destinations=destinations,
        transactions=transactions,
        reader=OutboundReader(sources, destinations, mark, ground.streams, ground.clock, name),
        ephemeral=ephemeral,
        devices=devices,
        resync=rooms.visiting.resync,
        edus=edus,
        chapters=(
            TransactionEndpoint(arrivals, edus, ground.clock),
            DeviceEndpoints(encryption.keys, encryption.query, encryption.claims, devices.store, ground.identity),
        ),
    )


def _room_servers(store: StoredOutbound, rooms: Rooms, name: str) -> RoomServers:
    """With those that are said to be in a room whose members are not known yet."""

    async def servers_in(room_id: str) -> set[str]:
        return await store.servers_in(room_id) | set(rooms.partial.servers(room_id))

    return RoomServers(servers_in, name)


def _destinations(
    ground: Ground, reach: Reach, devices: RemoteDevices, transactions: Transactions, catch_up: CatchUp, mark: Mark
) -> Destinations:
    means = Means(
        transactions=transactions,
        outages=reach.outages,
        letters=devices.letters,
        clock=ground.clock,
        mark=mark,
        catch_up=catch_up,
        proven=Slots(MOST_PROVEN),
        doubtful=Slots(MOST_DOUBTFUL),
    )
    return Destinations(means, reach.policy, reach.outages)
