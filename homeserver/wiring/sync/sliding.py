"""Sliding sync, over the sections of sync."""

from typing import NamedTuple

from homeserver.client_api.sliding import SlidingSyncChapter
from homeserver.sync.feed import Feeds
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.device_lists import DeviceListSection
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sections.key_counts import KeyCountsSection
from homeserver.sync.sections.timeline import TimelineSection
from homeserver.sync.sections.unread import UnreadSection
from homeserver.sync.sliding.connections.held import Connections
from homeserver.sync.sliding.extensions.account_data import AccountDataExtension
from homeserver.sync.sliding.extensions.e2ee import EncryptionExtension
from homeserver.sync.sliding.extensions.extensions import Extensions
from homeserver.sync.sliding.extensions.receipts import ReceiptsExtension
from homeserver.sync.sliding.extensions.threads import ThreadUpdates
from homeserver.sync.sliding.extensions.to_device import ToDeviceExtension
from homeserver.sync.sliding.extensions.typing import TypingExtension
from homeserver.sync.sliding.lists.order import RoomOrders
from homeserver.sync.sliding.lists.standing import Standings
from homeserver.sync.sliding.lists.traits import RoomTraits
from homeserver.sync.sliding.lists.view import Views
from homeserver.sync.sliding.respond import SlidingSyncing
from homeserver.sync.sliding.rooms.bump import Bumps
from homeserver.sync.sliding.rooms.glance import Glances
from homeserver.sync.sliding.rooms.state import TurnStates
from homeserver.sync.sliding.rooms.summary import Summaries
from homeserver.sync.sliding.rooms.tell import Sections, SlidingRooms
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.ground import Ground
from homeserver.wiring.personal import Personal
from homeserver.wiring.rooms import Rooms
from storage.sliding import StoredConnections, StoredRoomLists


class Shared(NamedTuple):
    """What both kinds of sync read."""

    feeds: Feeds
    timeline: TimelineSection
    unread: UnreadSection
    invites: InviteSection
    account_data: AccountDataSection
    device_lists: DeviceListSection
    key_counts: KeyCountsSection


class Sliding(NamedTuple):
    chapter: SlidingSyncChapter
    connections: Connections
    orders: RoomOrders
    traits: RoomTraits
    glances: Glances
    standings: Standings


def build_sliding(ground: Ground, rooms: Rooms, personal: Personal, encryption: Encryption, shared: Shared) -> Sliding:
    lists = StoredRoomLists(ground.database)
    connections = Connections(StoredConnections(ground.database, ground.names), ground.clock)
    orders = RoomOrders(store=lists, timelines=rooms.timelines, streams=ground.streams)
    traits = RoomTraits(store=lists, states=rooms.states, streams=ground.streams)
    glances = Glances(lists)
    standings = Standings(members=rooms.members, invites=shared.invites, streams=ground.streams)
    threads = ThreadUpdates(store=rooms.relations, history=rooms.history, states=rooms.states, serving=rooms.serving)
    extensions = Extensions(
        account_data=AccountDataExtension(shared.account_data),
        receipts=ReceiptsExtension(personal.receipts),
        typing=TypingExtension(personal.typing),
        to_device=ToDeviceExtension(encryption.inboxes),
        encryption=EncryptionExtension(shared.device_lists, shared.key_counts),
        threads=threads,
    )
    syncing = SlidingSyncing(
        feeds=shared.feeds,
        connections=connections,
        views=Views(standings=standings, orders=orders, traits=traits, invites=shared.invites),
        rooms=_rooms(ground, rooms, lists, glances, shared),
        extensions=extensions,
        account_data=shared.account_data,
        device_lists=shared.device_lists,
        partial=rooms.partial,
        streams=ground.streams,
        ephemera=ground.ephemera,
        clock=ground.clock,
    )
    chapter = SlidingSyncChapter(
        syncing=syncing, presence=personal.presence, threads=threads, feeds=shared.feeds, ignoring=rooms.account_data
    )
    return Sliding(chapter, connections, orders, traits, glances, standings)


def _rooms(ground: Ground, rooms: Rooms, lists: StoredRoomLists, glances: Glances, shared: Shared) -> SlidingRooms:
    states = TurnStates(states=rooms.states, timelines=rooms.timelines, store=rooms.timeline_store, glances=glances)
    return SlidingRooms(
        sections=Sections(shared.timeline, shared.unread, shared.invites),
        states=states,
        summaries=Summaries(rooms.timeline_store, rooms.states),
        bumps=Bumps(lists, ground.streams),
        serving=rooms.serving,
        clock=ground.clock,
    )
