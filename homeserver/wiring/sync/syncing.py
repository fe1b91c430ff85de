"""Sync, over rooms and what belongs to one person."""

from typing import NamedTuple

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
from homeserver.wiring.sync.sliding import Shared, Sliding, build_sliding


class Sync(NamedTuple):
    feeds: Feeds
    sliding: Sliding
    chapters: Chapters


def build_syncing(ground: Ground, rooms: Rooms, personal: Personal, encryption: Encryption) -> Sync:
    shared = _shared(ground, rooms, personal, encryption)
    told = LazyMembers()
    crowd = Crowd(
        unread=shared.unread, account_data=shared.account_data, told=told, states=rooms.states, counting=encryption.counting, inboxes=encryption.inboxes,
        presence=personal.presence, ephemera=ground.ephemera, partial=rooms.partial, clock=ground.clock,
    )  # fmt: skip
    sync_rooms = SyncRooms(
        timeline=shared.timeline,
        state=StateSection(states=rooms.states, timelines=rooms.timelines, store=rooms.timeline_store, serving=rooms.serving),
        summary=SummarySection(rooms.timeline_store),
        lazy_members=MemberSection(rooms.states, told),
        unread=shared.unread,
        ephemeral=EphemeralSection(receipts=personal.receipts, typing=personal.typing),
        account_data=shared.account_data,
        invites=shared.invites,
        members=rooms.members,
        crowd=crowd,
        partial=rooms.partial,
        clock=ground.clock,
    )
    syncing = Syncing(
        feeds=shared.feeds,
        rooms=sync_rooms,
        account_data=shared.account_data,
        presence=PresenceSection(personal.presence, rooms.members),
        to_device=ToDeviceSection(encryption.inboxes),
        device_lists=shared.device_lists,
        key_counts=shared.key_counts,
        crowd=crowd,
        streams=ground.streams,
        ephemera=ground.ephemera,
        clock=ground.clock,
    )
    chapter = SyncChapter(syncing=syncing, filters=personal.filters, presence=personal.presence)
    sliding = build_sliding(ground, rooms, personal, encryption, shared)
    return Sync(shared.feeds, sliding, (chapter, sliding.chapter))


def _shared(ground: Ground, rooms: Rooms, personal: Personal, encryption: Encryption) -> Shared:
    return Shared(
        feeds=Feeds(
            members=rooms.members, timelines=rooms.timeline_store, streams=ground.streams, ephemera=ground.ephemera, clock=ground.clock
        ),
        timeline=TimelineSection(
            timelines=rooms.timelines, history=rooms.history, states=rooms.states, serving=rooms.serving, clock=ground.clock
        ),
        unread=UnreadSection(personal.push.unread),
        invites=InviteSection(states=rooms.states, permission=rooms.writing.invites),
        account_data=AccountDataSection(personal.account_data),
        device_lists=DeviceListSection(encryption.device_lists),
        key_counts=KeyCountsSection(encryption.counting),
    )
