"""Federation: what it stands on, laid before the rooms, and what other servers may ask, built upon them."""

from dataclasses import dataclass

from federation.client import FederationClient
from federation.inbound.keys import KeyEndpoints
from federation.inbound.version import VersionEndpoint
from federation.key_documents import LEAKED
from federation.key_fetch import KeyFetch
from federation.keyring import Keyring
from federation.outages import Outages
from federation.own_keys import OwnKeys
from federation.peers import SignedPeers
from federation.room_acls import RoomAcls
from federation.server_policy import ServerPolicy
from federation.transport import NoTransport, Transport
from homeserver.protocol.signing import decode_base64
from homeserver.start_up import replace_signing_key
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.rooms import Rooms
from storage.federation.keys import StoredServerKeys
from storage.federation.outages import StoredOutages


@dataclass(frozen=True, slots=True)
class Reach:
    """How this server reaches others and knows them."""

    policy: ServerPolicy
    outages: Outages
    client: FederationClient
    key_store: StoredServerKeys
    keyring: Keyring
    own_keys: OwnKeys


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
        await self.reach.outages.stop()


def reach_out(ground: Ground, transport: Transport) -> Reach:
    settings, path, chance = ground.config.federation, ground.config.server.signing_key, ground.chance
    key_store = StoredServerKeys(ground.database)
    own_keys = OwnKeys(ground.identity, ground.former_keys, lambda: replace_signing_key(path, chance), key_store, ground.clock)
    policy = ServerPolicy(settings)
    outages = Outages(StoredOutages(ground.database), ground.clock, ground.chance)
    client = FederationClient(ground.identity, transport if settings.enabled else NoTransport(), outages, policy, ground.clock)
    denied = LEAKED | frozenset(map(decode_base64, settings.denied_keys))
    keyring = Keyring(own_keys, key_store, KeyFetch(client, settings.notaries), ground.clock, denied)
    return Reach(policy, outages, client, key_store, keyring, own_keys)


def build_federation(ground: Ground, rooms: Rooms, reach: Reach) -> Federation:
    enabled = ground.config.federation.enabled
    acls = RoomAcls(rooms.timeline_store.current_state, ground.streams)
    chapters = (
        KeyEndpoints(reach.own_keys, reach.keyring, reach.key_store, reach.policy, ground.clock),
        VersionEndpoint(),
    )
    peers = SignedPeers(ground.identity.server_name, reach.keyring, reach.outages, reach.policy, acls)
    return Federation(enabled, reach, acls, peers, chapters if enabled else ())
