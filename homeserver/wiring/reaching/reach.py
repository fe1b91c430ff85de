"""How this server reaches others and knows them: laid before the rooms, and used by every floor that asks other servers."""

from pathlib import Path
from typing import Any, NamedTuple

from config.settings import Config
from federation.client import FederationClient
from federation.discovery.later import LaterTransport
from federation.keyring import Keyring
from federation.keys.documents import LEAKED
from federation.keys.fetch import KeyFetch
from federation.keys.own import OwnKeys
from federation.outages import Outages
from federation.server_policy import ServerPolicy
from federation.transport import NoTransport, Transport
from homeserver.clock import Chance, Clock
from homeserver.protocol.signing import decode_base64
from homeserver.start_up import check_authority, replace_signing_key
from homeserver.wiring.ground import Ground
from storage.federation.keys import StoredServerKeys
from storage.federation.outages import StoredOutages


class Reach(NamedTuple):
    """How this server reaches others and knows them."""

    policy: ServerPolicy
    outages: Outages
    client: FederationClient
    key_store: StoredServerKeys
    keyring: Keyring
    own_keys: OwnKeys
    transport: Transport


def build_transport(config: Config, reactor: Any, loop: Any, clock: Clock, chance: Chance) -> Transport:
    """The real one; `loop` runs under the reactor. Raises CannotStart."""
    settings = config.federation
    if settings.trusted_authorities:
        check_authority("federation.trusted_authorities", settings.trusted_authorities)

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
