"""E-mail addresses of accounts, and letters to them."""

from typing import NamedTuple

from homeserver.accounts.names import Names
from homeserver.accounts.threepids.identifiers import Identifiers
from homeserver.accounts.threepids.proofs import Proofs
from homeserver.accounts.threepids.threepids import Threepids
from homeserver.client_api.people.address_proofs import AddressProofs
from homeserver.client_api.people.fallback import Pages
from homeserver.mail.texts import Texts
from homeserver.upkeep.upkeep import Task
from homeserver.web.rate_limit import LetterLimit
from homeserver.wiring.ground import Ground
from storage.people.threepids import StoredProofs, StoredThreepids


class Addresses(NamedTuple):
    identifiers: Identifiers
    proofs: Proofs
    threepids: Threepids
    tasks: tuple[Task, ...]


def build_addresses(ground: Ground, names: Names) -> Addresses:
    config = ground.config
    store, proof_store = StoredThreepids(ground.database), StoredProofs(ground.database)
    proofs = Proofs(
        settings=config.addresses,
        store=proof_store,
        threepids=store,
        postman=ground.postman,
        texts=Texts(config.server.name),
        limit=LetterLimit(config.rate_limits, ground.clock),
        clock=ground.clock,
        chance=ground.chance,
        public_base_url=config.server.public_base_url,
        seconds=config.mail.link_seconds,
    )
    threepids = Threepids(config.addresses, store, proofs, ground.clock)
    task = Task("address_proofs", proof_store.forget, 2 * config.mail.link_seconds * 1000)
    return Addresses(Identifiers(names, store), proofs, threepids, (task,))


def proof_chapter(ground: Ground, addresses: Addresses, pages: Pages) -> AddressProofs:
    config, threepids = ground.config, addresses.threepids
    registers = config.registration.enabled and config.registration.email != "none"
    return AddressProofs(addresses.proofs, pages, config.server.name, registers=lambda: registers, may_change=lambda: threepids.may_change)
