"""Finding people and reporting them; other networks and services."""

from typing import NamedTuple

from homeserver.client_api.integrations.networks import AppservicePing, ThirdPartyLookup
from homeserver.client_api.integrations.openid import OpenId
from homeserver.client_api.integrations.voip import Voip
from homeserver.client_api.mutual_rooms import MutualRoomEndpoints
from homeserver.client_api.reporting import ReportingEndpoints
from homeserver.client_api.user_directory import UserDirectoryEndpoints
from homeserver.integrations.openid import OpenIdTokens
from homeserver.integrations.turn import TurnCredentials
from homeserver.reports.reports import Reports
from homeserver.search.index import SearchIndex
from homeserver.user_directory.directory import UserDirectory
from homeserver.user_directory.mutual_rooms import MutualRooms
from homeserver.user_directory.reader import DirectoryReader
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.reaching.appservices import Enlisted
from homeserver.wiring.rooms import Rooms
from storage.finding.search import StoredSearch
from storage.people.openid import StoredOpenIdTokens
from storage.personal.reports import StoredReports
from storage.personal.user_directory import StoredDirectory


class Community(NamedTuple):
    directory_reader: DirectoryReader
    search_index: SearchIndex
    reports: Reports
    openid: OpenIdTokens
    chapters: Chapters


def build_community(ground: Ground, rooms: Rooms, enlisted: Enlisted) -> Community:
    config, clock = ground.config, ground.clock
    settings = config.user_directory
    store = StoredDirectory(ground.database)
    directory = UserDirectory(store, enabled=settings.enabled, search_all_users=settings.search_all_users)
    reader = DirectoryReader(store, ground.streams, clock, config.server.name)
    reports = Reports(StoredReports(ground.database), rooms.store, rooms.history, rooms.members, clock)
    openid = OpenIdTokens(StoredOpenIdTokens(ground.database), clock, ground.chance, lifetime_seconds=config.sessions.openid_token_seconds)
    chapters = (
        UserDirectoryEndpoints(directory),
        MutualRoomEndpoints(MutualRooms(rooms.members)),
        ReportingEndpoints(reports),
        ThirdPartyLookup(enlisted.networks),
        AppservicePing(enlisted.pings),
        OpenId(openid, config.server.name),
        Voip(TurnCredentials(config.turn, clock)),
    )
    index = SearchIndex(StoredSearch(ground.database, ground.names), ground.streams, ground.clock)
    return Community(reader, index, reports, openid, chapters)
