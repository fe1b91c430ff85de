"""Rooms: writing them and reading them."""

from typing import NamedTuple

from homeserver.account_data.account_data import PUSH_RULES, AccountData
from homeserver.account_data.push_rules import push_rules_content
from homeserver.push.rules import PushRules
from homeserver.rooms.members.erased import ErasedUsers
from homeserver.rooms.members.limits import UserLimits
from homeserver.rooms.partial.collect import StateCollector
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.reading.aggregations import Aggregations
from homeserver.rooms.reading.history import History, HistoryReads
from homeserver.rooms.reading.serve import EventServing
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.servers.members import ServerMembers
from homeserver.rooms.servers.policy import RoomPolicy
from homeserver.rooms.state_map import AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.wiring.ground import Ground
from homeserver.wiring.reaching.asking import Asking
from homeserver.wiring.reaching.reach import Reach
from homeserver.wiring.reaching.visiting import Visiting, build_visiting
from homeserver.wiring.writing import Writing, build_desk, build_writing
from storage.federation.left_states import StoredLeftStates
from storage.federation.partial_rooms import StoredPartialRooms
from storage.members import Members
from storage.personal.account_data import StoredAccountData
from storage.relations import StoredRelations
from storage.rooms import StoredRooms
from storage.timelines import StoredTimelines


class Rooms(NamedTuple):
    store: StoredRooms
    members: Members
    server_members: ServerMembers
    policy: RoomPolicy
    timeline_store: StoredTimelines
    states: StateReader
    erased: ErasedUsers
    history: History
    timelines: Timelines
    relations: StoredRelations
    aggregations: Aggregations
    account_data: AccountData
    push_rules: PushRules
    writing: Writing
    visiting: Visiting
    partial: PartialRooms
    serving: EventServing
    collector: StateCollector


async def build_rooms(ground: Ground, reach: Reach, asking: Asking) -> Rooms:
    store = StoredRooms(ground.database, ground.names, ground.chance)
    await store.open()
    members = Members(ground.database, ground.names)
    timeline_store = StoredTimelines(ground.database, ground.names)
    partial = await _partial_rooms(ground)
    states = StateReader(store, AddressHash(await store.address_secret()), ground.streams, ground.clock)
    account_data, push_rules = _account_data(ground)
    server_members = ServerMembers(members, ground.streams, ground.identity.server_name, partial)
    policy, desk = RoomPolicy(asking.policy_signers, server_members), build_desk(ground, store, states, push_rules)
    visiting = build_visiting(ground, reach, asking, store, members, states, desk, policy, partial)
    writing = build_writing(ground, store, members, states, account_data, desk, policy, visiting.remote, partial)
    erased = ErasedUsers()
    history = History(HistoryReads(members, timeline_store), states, erased)
    relations = StoredRelations(ground.database, ground.names)
    aggregations = Aggregations(
        store=store, relations=relations, history=history, ignoring=account_data, states=states, transactions=writing.transactions,
        clock=ground.clock,
    )  # fmt: skip
    return Rooms(
        store=store,
        members=members,
        server_members=server_members,
        policy=policy,
        timeline_store=timeline_store,
        states=states,
        erased=erased,
        history=history,
        timelines=Timelines(timeline_store, ground.streams),
        relations=relations,
        aggregations=aggregations,
        account_data=account_data,
        push_rules=push_rules,
        writing=writing,
        visiting=visiting,
        partial=partial,
        serving=EventServing(states=states, transactions=writing.transactions, clock=ground.clock, bundles=aggregations),
        collector=_collector(ground, store, writing),
    )


async def _partial_rooms(ground: Ground) -> PartialRooms:
    partial = PartialRooms(StoredPartialRooms(ground.database, ground.names), ground.streams, ground.clock)
    await partial.load()
    return partial


def _collector(ground: Ground, store: StoredRooms, writing: Writing) -> StateCollector:
    left = StoredLeftStates(ground.database)
    return StateCollector(left=left, store=store, heads=writing.heads, locks=writing.locks, streams=ground.streams, clock=ground.clock)


def _account_data(ground: Ground) -> tuple[AccountData, PushRules]:
    store = StoredAccountData(ground.database)
    limits = UserLimits(ground.config.user_limits, ground.config.server)
    account_data = AccountData(store, ground.streams, {PUSH_RULES: push_rules_content}, limits)
    return account_data, PushRules(account_data, store)
