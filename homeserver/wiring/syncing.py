"""Sync, over rooms and what belongs to one person."""

from dataclasses import dataclass


from homeserver.client_api.syncing import SyncChapter
from homeserver.sync.crowd import Crowd
from homeserver.sync.feed import Feeds
from homeserver.sync.lazy_members import LazyMembers
from homeserver.sync.respond import Syncing
from homeserver.sync.rooms import SyncRooms
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.device_lists import DeviceListSection
from homeserver.sync.sections.ephemeral import EphemeralSection
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sections.key_counts import KeyCountsSection
from homeserver.sync.sections.members import MemberSection
from homeserver.sync.sections.presence import PresenceSection
from homeserver.sync.sections.state import StateSection
from homeserver.sync.sections.summary import SummarySection
from homeserver.sync.sections.timeline import TimelineSection
from homeserver.sync.sections.to_device import ToDeviceSection
from homeserver.sync.sections.unread import UnreadSection
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.personal import Personal
from homeserver.wiring.rooms import Rooms
from homeserver.wiring.sliding import Shared, build_sliding


@dataclass(frozen=True, slots=True)
class Sync:
    feeds: Feeds
    chapters: Chapters


def build_syncing(ground: Ground, rooms: Rooms, personal: Personal, encryption: Encryption) -> Sync:
    account_data = AccountDataSection(personal.account_data)
    unread = UnreadSection(personal.push.unread)
    told = LazyMembers()
    crowd = Crowd(
        unread=unread, told=told, states=rooms.states, counting=encryption.counting, inboxes=encryption.inboxes, presence=personal.presence,
        ephemera=ground.ephemera, clock=ground.clock,
    )  # fmt: skip
    timeline = TimelineSection(
        timelines=rooms.timelines, history=rooms.history, states=rooms.states, serving=rooms.serving, clock=ground.clock
    )
    invites = InviteSection(states=rooms.states, permission=rooms.writing.invites)
    sync_rooms = SyncRooms(
        timeline=timeline,
        state=StateSection(states=rooms.states, timelines=rooms.timelines, store=rooms.timeline_store, serving=rooms.serving),
        summary=SummarySection(rooms.timeline_store),
        lazy_members=MemberSection(rooms.states, told),
        unread=unread,
        ephemeral=EphemeralSection(receipts=personal.receipts, typing=personal.typing),
        account_data=account_data,
        invites=invites,
        members=rooms.members,
        crowd=crowd,
        clock=ground.clock,
    )
    feeds = Feeds(
        members=rooms.members, timelines=rooms.timeline_store, streams=ground.streams, ephemera=ground.ephemera, clock=ground.clock
    )
    device_lists, key_counts = DeviceListSection(encryption.device_lists), KeyCountsSection(encryption.counting)
    syncing = Syncing(
        feeds=feeds,
        rooms=sync_rooms,
        account_data=account_data,
        presence=PresenceSection(personal.presence, rooms.members),
        to_device=ToDeviceSection(encryption.inboxes),
        device_lists=device_lists,
        key_counts=key_counts,
        crowd=crowd,
        streams=ground.streams,
        ephemera=ground.ephemera,
        clock=ground.clock,
    )
    sliding = build_sliding(
        ground, rooms, personal, encryption, Shared(feeds, timeline, unread, invites, account_data, device_lists, key_counts)
    )
    return Sync(feeds, (SyncChapter(syncing=syncing, filters=personal.filters, presence=personal.presence), sliding))
