"""Rooms: writing them."""

from typing import NamedTuple

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.invite_permission import InvitePermission
from homeserver.profiles.in_rooms import RoomProfiles
from homeserver.push.listeners import RoomListeners
from homeserver.push.rules import PushRules
from homeserver.rooms.append import Appender
from homeserver.rooms.creation.create import RoomCreator
from homeserver.rooms.handshakes.shown import ShownState
from homeserver.rooms.handshakes.vouching import Vouching
from homeserver.rooms.head import RoomHeads
from homeserver.rooms.members.limits import UserLimits
from homeserver.rooms.membership import Membership
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.remote import RemoteRooms
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import RoomSender
from homeserver.rooms.servers.policy import RoomPolicy
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.told import Telling
from homeserver.rooms.transactions import Transactions
from homeserver.server_notices.sender import sender_of
from homeserver.wiring.ground import Ground
from storage.members import Members
from storage.personal.profiles import StoredProfiles
from storage.push.listeners import StoredListeners
from storage.rooms import StoredRooms


class Desk(NamedTuple):
    heads: RoomHeads
    locks: RoomLocks
    listeners: RoomListeners
    telling: Telling


def build_desk(ground: Ground, store: StoredRooms, states: StateReader, rules: PushRules) -> Desk:
    heads = RoomHeads(store, states)
    listeners = RoomListeners(
        identity=ground.identity,
        rules=rules,
        store=StoredListeners(ground.database),
        heads=heads,
        streams=ground.streams,
        clock=ground.clock,
    )
    telling = Telling(server_name=ground.identity.server_name, store=store, personal=listeners)
    return Desk(heads, RoomLocks(), listeners, telling)


class Writing(NamedTuple):
    heads: RoomHeads
    locks: RoomLocks
    listeners: RoomListeners
    telling: Telling
    appender: Appender
    transactions: Transactions
    sender: RoomSender
    membership: Membership
    creator: RoomCreator
    invites: InvitePermission
    notices_sender: str
    shown: ShownState
    vouching: Vouching


def build_writing(
    ground: Ground,
    store: StoredRooms,
    members: Members,
    states: StateReader,
    account_data: AccountData,
    desk: Desk,
    policy: RoomPolicy,
    remote: RemoteRooms,
    partial: PartialRooms,
) -> Writing:
    heads, locks, telling = desk.heads, desk.locks, desk.telling
    appender = Appender(
        identity=ground.identity, store=store, heads=heads, states=states, telling=telling, policy=policy, clock=ground.clock
    )
    transactions = Transactions(store, ground.streams)
    sender = RoomSender(store=store, heads=heads, locks=locks, appender=appender, transactions=transactions)
    profiles = RoomProfiles(StoredProfiles(ground.database))
    config = ground.config
    notices_sender = sender_of(config.server_notices, config.server.name)
    invites = InvitePermission(account_data, config.server.name, notices_sender)
    shown, vouching = ShownState(states), Vouching(heads=heads, members=members, rooms=store)
    membership = Membership(
        sender=sender, appender=appender, heads=heads, store=store, members=members, profiles=profiles, remote=remote, shown=shown,
        vouching=vouching, partial=partial, permissions=invites, notices_sender=notices_sender, limits=UserLimits(config.user_limits, config.server),
    )  # fmt: skip
    creator = RoomCreator(
        appender=appender, heads=heads, locks=locks, states=states, store=store, profiles=profiles, clock=ground.clock, chance=ground.chance
    )
    return Writing(
        heads, locks, desk.listeners, telling, appender, transactions, sender, membership, creator, invites, notices_sender, shown, vouching
    )
