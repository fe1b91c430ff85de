"""What other servers may read."""

from typing import NamedTuple

from federation.inbound.events import EventEndpoints
from federation.inbound.finding import FindingEndpoints
from federation.inbound.history import HistoryEndpoints
from federation.inbound.media import MediaEndpoints
from federation.inbound.queries import OpenIdEndpoint, QueryEndpoints
from federation.inbound.third_party import ThirdPartyEndpoints
from federation.room_acls import RoomAcls
from federation.telling.snapshots import Snapshots
from federation.telling.turns import SMALL_AT_ONCE, SMALL_MOST_WAITING, Turns
from federation.telling.walks import GraphWalks
from homeserver.rooms.servers.history import ServerHistory
from homeserver.wiring.community import Community
from homeserver.wiring.finding import Finding
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.media import Media
from homeserver.wiring.personal import Personal
from homeserver.wiring.rooms import Rooms
from storage.federation.graph import StoredGraph
from storage.paging import StoredPages


class Telling(NamedTuple):
    snapshots: Snapshots
    turns: Turns
    chapters: Chapters


def build_telling(
    ground: Ground, rooms: Rooms, acls: RoomAcls, personal: Personal, finding: Finding, community: Community, media: Media
) -> Telling:
    settings, server_name, clock = ground.config.federation, ground.config.server.name, ground.clock
    history = ServerHistory(rooms.server_members, rooms.timeline_store, rooms.states, rooms.erased)
    walks = GraphWalks(rooms.store, history, rooms.server_members)
    snapshots = Snapshots(StoredGraph(ground.database), rooms.states, clock)
    turns, small_turns = Turns(), Turns(SMALL_AT_ONCE, SMALL_MOST_WAITING)
    chapters = (
        EventEndpoints(
            server_name=server_name,
            store=rooms.store,
            pages=StoredPages(ground.database, ground.names),
            history=history,
            walks=walks,
            snapshots=snapshots,
            turns=turns,
            small_turns=small_turns,
            acls=acls,
            clock=clock,
        ),
        HistoryEndpoints(server_name=server_name, history=history, walks=walks, turns=small_turns, clock=clock),
        FindingEndpoints(settings, finding.public_rooms, finding.peer_hierarchy, small_turns),
        QueryEndpoints(settings, server_name, finding.aliases, personal.profiles),
        OpenIdEndpoint(community.openid),
        ThirdPartyEndpoints(server_name, finding.third_party, personal.profiles),
        MediaEndpoints(server_name, media.library, media.thumbnails, media.files),
    )
    return Telling(snapshots, turns, chapters)
