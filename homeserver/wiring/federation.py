"""Federation: what other servers may ask, built upon the rooms."""

from typing import NamedTuple

from federation.inbound.keys import KeyEndpoints
from federation.inbound.version import VersionEndpoint
from federation.peers import SignedPeers
from federation.room_acls import RoomAcls
from homeserver.wiring.community import Community
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.finding import Finding
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.media import Media
from homeserver.wiring.personal import Personal
from homeserver.wiring.reaching.asking import Asking
from homeserver.wiring.reaching.hosting import build_arrivals, build_hosting
from homeserver.wiring.reaching.reach import Reach
from homeserver.wiring.reaching.remote_devices import RemoteDevices
from homeserver.wiring.reaching.telling import Telling, build_telling
from homeserver.wiring.reaching.traffic import Traffic, build_traffic
from homeserver.wiring.rooms import Rooms


class Federation(NamedTuple):
    """Where the settings know no federation it has no chapters, and asks and answers nobody."""

    enabled: bool
    reach: Reach
    acls: RoomAcls
    peers: SignedPeers
    traffic: Traffic
    telling: Telling
    chapters: Chapters

    async def start(self) -> None:
        await self.reach.own_keys.start()
        if self.enabled:
            await self.reach.outages.start()
            await self.traffic.start()

    async def stop(self) -> None:
        await self.traffic.stop()
        self.reach.transport.close()
        await self.reach.outages.stop()


def build_federation(
    ground: Ground,
    rooms: Rooms,
    reach: Reach,
    asking: Asking,
    personal: Personal,
    finding: Finding,
    community: Community,
    media: Media,
    encryption: Encryption,
    devices: RemoteDevices,
) -> Federation:
    enabled = ground.config.federation.enabled
    acls = RoomAcls(rooms.timeline_store.current_state, ground.streams)
    traffic = build_traffic(ground, rooms, personal, encryption, devices, reach, acls, build_arrivals(rooms, asking.sound, acls))
    telling = build_telling(ground, rooms, acls, personal, finding, community, media)
    chapters = (
        KeyEndpoints(reach.own_keys, reach.keyring, reach.key_store, reach.policy, ground.clock),
        VersionEndpoint(),
        *telling.chapters,
        *traffic.chapters,
        *build_hosting(ground, rooms, asking.sound, telling),
    )
    peers = SignedPeers(ground.identity.server_name, reach.keyring, reach.outages, reach.policy, acls)
    return Federation(enabled, reach, acls, peers, traffic, telling, chapters if enabled else ())
