"""Rooms: writing them and reading them."""

from dataclasses import dataclass

from homeserver.account_data.account_data import PUSH_RULES, AccountData
from homeserver.account_data.invite_permission import InvitePermission
from homeserver.account_data.push_rules import default_content
from homeserver.profiles.in_rooms import RoomProfiles
from homeserver.rooms.append import Appender
from homeserver.rooms.collect import StateCollector
from homeserver.rooms.creation.create import RoomCreator
from homeserver.rooms.head import RoomHeads
from homeserver.rooms.membership import Membership
from homeserver.rooms.reading.aggregations import Aggregations
from homeserver.rooms.reading.history import History, HistoryReads
from homeserver.rooms.reading.serve import EventServing
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.remote import Unfederated
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import RoomSender
from homeserver.rooms.state_map import AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.transactions import Transactions
from homeserver.wiring.base import Base
from storage.members import Members
from storage.personal.account_data import StoredAccountData
from storage.personal.profiles import StoredProfiles
from storage.relations import StoredRelations
from storage.room_commits import CommitWriter
from storage.rooms import StoredRooms
from storage.state_collection import StoredCollection
from storage.timelines import StoredTimelines


@dataclass(frozen=True, slots=True)
class Rooms:
    store: StoredRooms
    members: Members
    timeline_store: StoredTimelines
    states: StateReader
    heads: RoomHeads
    locks: RoomLocks
    appender: Appender
    transactions: Transactions
    sender: RoomSender
    membership: Membership
    creator: RoomCreator
    history: History
    timelines: Timelines
    relations: StoredRelations
    account_data: AccountData
    invites: InvitePermission
    serving: EventServing
    collector: StateCollector


async def build_rooms(base: Base) -> Rooms:
    writer = CommitWriter()
    store = StoredRooms(base.database, base.names, writer, base.chance)
    await store.open()
    members = Members(base.database, base.names)
    timeline_store = StoredTimelines(base.database, base.names)
    states = StateReader(store, AddressHash(await store.address_secret()), base.streams)
    heads = RoomHeads(store, states)
    locks = RoomLocks()
    appender = Appender(identity=base.identity, store=store, heads=heads, states=states, clock=base.clock)
    transactions = Transactions(store, base.streams)
    sender = RoomSender(store=store, heads=heads, locks=locks, appender=appender, transactions=transactions)
    profiles = RoomProfiles(StoredProfiles(base.database))
    account_data = AccountData(StoredAccountData(base.database), base.streams, {PUSH_RULES: default_content})
    invites = InvitePermission(account_data, base.config.server.name)
    membership = Membership(
        sender=sender,
        appender=appender,
        heads=heads,
        store=store,
        members=members,
        profiles=profiles,
        remote=Unfederated(),
        permissions=invites,
    )
    creator = RoomCreator(
        appender=appender,
        heads=heads,
        locks=locks,
        states=states,
        store=store,
        profiles=profiles,
        clock=base.clock,
        chance=base.chance,
    )
    history = History(HistoryReads(members, timeline_store), states)
    relations = StoredRelations(base.database, base.names)
    aggregations = Aggregations(
        store=store,
        relations=relations,
        history=history,
        ignoring=account_data,
        states=states,
        transactions=transactions,
        clock=base.clock,
    )
    return Rooms(
        store=store,
        members=members,
        timeline_store=timeline_store,
        states=states,
        heads=heads,
        locks=locks,
        appender=appender,
        transactions=transactions,
        sender=sender,
        membership=membership,
        creator=creator,
        history=history,
        timelines=Timelines(timeline_store, base.streams),
        relations=relations,
        account_data=account_data,
        invites=invites,
        serving=EventServing(states=states, transactions=transactions, clock=base.clock, bundles=aggregations),
        collector=StateCollector(StoredCollection(base.database, base.names, writer), base.clock),
    )
