"""Federation: what it stands on, laid before the rooms, and what other servers may ask, built upon them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Config
from federation.client import FederationClient
from federation.discovery.later import LaterTransport
from federation.inbound.keys import KeyEndpoints
from federation.inbound.version import VersionEndpoint
from federation.keyring import Keyring
from federation.keys.documents import LEAKED
from federation.keys.fetch import KeyFetch
from federation.keys.own import OwnKeys
from federation.outages import Outages
from federation.peers import SignedPeers
from federation.room_acls import RoomAcls
from federation.server_policy import ServerPolicy
from federation.transport import NoTransport, Transport
from homeserver.clock import Chance, Clock
from homeserver.protocol.signing import decode_base64
from homeserver.start_up import CannotStart, replace_signing_key
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
    transport: Transport


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


def build_transport(config: Config, reactor: Any, loop: Any, clock: Clock, chance: Chance) -> Transport:
    """The real one; `loop` runs under the reactor. Raises CannotStart."""
    settings = config.federation
    if settings.trusted_authorities and not os.access(settings.trusted_authorities, os.R_OK):
        raise CannotStart(f"federation.trusted_authorities: {settings.trusted_authorities} cannot be read")

    def make() -> Transport:
        from federation.discovery.address_policy import AddressPolicy
        from federation.discovery.srv import SrvRecords
        from federation.discovery.tls_transport import TlsTransport
        from homeserver.web.outgoing.https_pool import HttpsPool

        authorities = Path(settings.trusted_authorities) if settings.trusted_authorities else None
        pool = HttpsPool(loop, clock, permits=AddressPolicy(settings).permits, authorities=authorities)
        return TlsTransport(pool, SrvRecords(reactor, clock).look_up, clock, chance)

    return LaterTransport(make)


def reach_out(ground: Ground, transport: Transport) -> Reach:
    settings, path, chance = ground.config.federation, ground.config.server.signing_key, ground.chance
    key_store = StoredServerKeys(ground.database)
    own_keys = OwnKeys(ground.identity, ground.former_keys, lambda: replace_signing_key(path, chance), key_store, ground.clock)
    policy = ServerPolicy(settings)
    outages = Outages(StoredOutages(ground.database), ground.clock, ground.chance)
    client = FederationClient(ground.identity, transport if settings.enabled else NoTransport(), outages, policy, ground.clock)
    denied = LEAKED | frozenset(map(decode_base64, settings.denied_keys))
    keyring = Keyring(own_keys, key_store, KeyFetch(client, settings.notaries), ground.clock, denied)
    return Reach(policy, outages, client, key_store, keyring, own_keys, transport)


def build_federation(ground: Ground, rooms: Rooms, reach: Reach) -> Federation:
    enabled = ground.config.federation.enabled
    acls = RoomAcls(rooms.timeline_store.current_state, ground.streams)
    chapters = (
        KeyEndpoints(reach.own_keys, reach.keyring, reach.key_store, reach.policy, ground.clock),
        VersionEndpoint(),
    )
    peers = SignedPeers(ground.identity.server_name, reach.keyring, reach.outages, reach.policy, acls)
    return Federation(enabled, reach, acls, peers, chapters if enabled else ())
