"""Federation: what other servers may ask, built upon the rooms."""

from dataclasses import dataclass

from federation.inbound.keys import KeyEndpoints
from federation.inbound.version import VersionEndpoint
from federation.peers import SignedPeers
from federation.room_acls import RoomAcls
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.reaching.reach import Reach
from homeserver.wiring.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Federation:
    """Where the settings know no federation it has no chapters, and asks and answers nobody."""

    enabled: bool
    reach: Reach
    acls: RoomAcls
    peers: SignedPeers
    chapters: Chapters

    async def start(self) -> None:
        await self.reach.own_keys.start()
        if self.enabled:
            await self.reach.outages.start()

    async def stop(self) -> None:
        self.reach.transport.close()
        await self.reach.outages.stop()


def build_federation(ground: Ground, rooms: Rooms, reach: Reach) -> Federation:
    enabled = ground.config.federation.enabled
    acls = RoomAcls(rooms.timeline_store.current_state, ground.streams)
    chapters = (
        KeyEndpoints(reach.own_keys, reach.keyring, reach.key_store, reach.policy, ground.clock),
        VersionEndpoint(),
    )
    peers = SignedPeers(ground.identity.server_name, reach.keyring, reach.outages, reach.policy, acls)
    return Federation(enabled, reach, acls, peers, chapters if enabled else ())
