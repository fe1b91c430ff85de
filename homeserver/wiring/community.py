"""Finding people and reporting them; other networks and services."""

from dataclasses import dataclass

from homeserver.client_api.mutual_rooms import MutualRoomEndpoints
from homeserver.client_api.reporting import ReportingEndpoints
from homeserver.client_api.user_directory import UserDirectoryEndpoints
from homeserver.reports.reports import Reports
from homeserver.user_directory.directory import UserDirectory
from homeserver.user_directory.mutual_rooms import MutualRooms
from homeserver.user_directory.reader import DirectoryReader
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.integrations import Integrations, build_integrations
from homeserver.wiring.rooms import Rooms
from storage.personal.reports import StoredReports
from storage.personal.user_directory import StoredDirectory


@dataclass(frozen=True, slots=True)
class Community:
    directory_reader: DirectoryReader
    reports: Reports
    integrations: Integrations
    chapters: Chapters


def build_community(ground: Ground, rooms: Rooms) -> Community:
    settings = ground.config.user_directory
    store = StoredDirectory(ground.database)
    directory = UserDirectory(store, enabled=settings.enabled, search_all_users=settings.search_all_users)
    reader = DirectoryReader(store, ground.streams, ground.clock, ground.config.server.name)
    reports = Reports(StoredReports(ground.database), rooms.store, rooms.history, rooms.members, ground.clock)
    integrations = build_integrations(ground)
    chapters = (
        UserDirectoryEndpoints(directory),
        MutualRoomEndpoints(MutualRooms(rooms.members)),
        ReportingEndpoints(reports),
        *integrations.chapters,
    )
    return Community(reader, reports, integrations, chapters)
