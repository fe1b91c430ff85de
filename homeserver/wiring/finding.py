"""Making rooms, coming into them, finding them."""

from typing import NamedTuple

from homeserver.account_data.carry import RoomDataCarrier
from homeserver.client_api.creation import Creation
from homeserver.client_api.directory import RoomDirectory
from homeserver.client_api.membership import RoomMembership
from homeserver.client_api.public_rooms import PublicRoomDirectory
from homeserver.client_api.spaces import Spaces
from homeserver.client_api.upgrade import Upgrade
from homeserver.rooms.creation.found import RoomFounder
from homeserver.rooms.directory.aliases import Aliases
from homeserver.rooms.directory.canonical_alias import CanonicalAlias
from homeserver.rooms.directory.listing import Listing
from homeserver.rooms.directory.powers import RoomPowers
from homeserver.rooms.directory.public_rooms import PublicRooms
from homeserver.rooms.directory.room_summary import RoomSummaries
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.members.guests import GuestFarewell
from homeserver.rooms.members.third_party_invites import ThirdPartyInvites
from homeserver.rooms.spaces.hierarchy import Hierarchy
from homeserver.rooms.spaces.peer_hierarchy import PeerHierarchy
from homeserver.rooms.spaces.remote_spaces import RemoteSpaces
from homeserver.rooms.spaces.walks import Walks
from homeserver.rooms.upgrade.settings import SettingsFollower
from homeserver.rooms.upgrade.upgrade import RoomUpgrade
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.people import People
from homeserver.wiring.personal import Personal
from homeserver.wiring.reaching.appservices import Enlisted
from homeserver.wiring.reaching.asking import Asking
from homeserver.wiring.rooms import Rooms
from storage.finding.directory import Directory
from storage.finding.summaries import StoredSummaries
from storage.finding.upgrades import Upgrades
from storage.personal.account_data import StoredAccountData


class Finding(NamedTuple):
    summaries: Summaries
    aliases: Aliases
    guests: GuestFarewell
    public_rooms: PublicRooms
    peer_hierarchy: PeerHierarchy
    third_party: ThirdPartyInvites
    chapters: Chapters


def build_finding(ground: Ground, rooms: Rooms, people: People, personal: Personal, enlisted: Enlisted, asking: Asking) -> Finding:
    settings, remote, writing = ground.config.rooms, asking.directory, rooms.writing
    directory = Directory(ground.database)
    summaries = Summaries(StoredSummaries(ground.database, ground.names), ground.streams)
    powers = RoomPowers(writing.heads, writing.locks)
    aliases = Aliases(
        identity=ground.identity,
        store=directory,
        summaries=summaries,
        members=rooms.members,
        powers=powers,
        canonical=CanonicalAlias(writing.sender, writing.appender, writing.heads),
        remote=remote,
        owners=enlisted.aliases,
        partial=rooms.partial,
        clock=ground.clock,
    )
    listing, third_party = Listing(settings, directory, summaries, powers), _third_party(rooms, asking)
    founder = _founder(ground, rooms, aliases, listing)
    public_rooms = PublicRooms(directory, summaries, ground.streams)
    spaces = RemoteSpaces(remote, ground.clock)
    hierarchy = Hierarchy(summaries=summaries, members=rooms.members, spaces=spaces, walks=Walks(ground.clock, ground.chance))
    chapters = (
        Creation(founder),
        _membership(rooms, aliases, summaries, third_party),
        Upgrade(founder, _upgrade(ground, rooms, personal, summaries)),
        RoomDirectory(aliases, listing),
        PublicRoomDirectory(settings, ground.config.server.name, public_rooms, remote),
        Spaces(hierarchy, RoomSummaries(summaries, rooms.members, spaces), aliases),
    )
    guests = GuestFarewell(members=rooms.members, membership=writing.membership, accounts=people.accounts, streams=ground.streams)
    return Finding(summaries, aliases, guests, public_rooms, PeerHierarchy(summaries, rooms.server_members), third_party, chapters)


def _founder(ground: Ground, rooms: Rooms, aliases: Aliases, listing: Listing) -> RoomFounder:
    writing = rooms.writing
    return RoomFounder(
        settings=ground.config.rooms,
        identity=ground.identity,
        creator=writing.creator,
        aliases=aliases,
        listing=listing,
        membership=writing.membership,
        permissions=writing.invites,
        clock=ground.clock,
    )


def _third_party(rooms: Rooms, asking: Asking) -> ThirdPartyInvites:
    writing = rooms.writing
    return ThirdPartyInvites(
        sender=writing.sender,
        appender=writing.appender,
        heads=writing.heads,
        remote=rooms.visiting.remote,
        shown=writing.shown,
        others=asking.exchange,
    )


def _membership(rooms: Rooms, aliases: Aliases, summaries: Summaries, third_party: ThirdPartyInvites) -> RoomMembership:
    writing = rooms.writing
    return RoomMembership(
        membership=writing.membership,
        members=rooms.members,
        aliases=aliases,
        summaries=summaries,
        third_party=third_party,
        notices_sender=writing.notices_sender,
    )


def _upgrade(ground: Ground, rooms: Rooms, personal: Personal, summaries: Summaries) -> RoomUpgrade:
    carrier = RoomDataCarrier(personal.account_data, StoredAccountData(ground.database))
    follower = SettingsFollower(
        identity=ground.identity, summaries=summaries, members=rooms.members, streams=ground.streams, settings=(carrier, rooms.push_rules)
    )
    return RoomUpgrade(
        sender=rooms.writing.sender,
        appender=rooms.writing.appender,
        heads=rooms.writing.heads,
        locks=rooms.writing.locks,
        creator=rooms.writing.creator,
        store=Upgrades(ground.database, ground.names),
        members=rooms.members,
        directory=Directory(ground.database),
        follower=follower,
    )
