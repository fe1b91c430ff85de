"""All floors of a built server."""

from typing import NamedTuple

from homeserver.upkeep.upkeep import Upkeep
from homeserver.wiring.community import Community
from homeserver.wiring.encryption import Encryption
from homeserver.wiring.federation import Federation
from homeserver.wiring.finding import Finding
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.media import Media
from homeserver.wiring.people import People
from homeserver.wiring.personal import Personal
from homeserver.wiring.reaching.appservice_lines import Appservicing
from homeserver.wiring.reaching.pushers import Pushing
from homeserver.wiring.rooms import Rooms
from homeserver.wiring.sync.syncing import Sync


class Parts(NamedTuple):
    ground: Ground
    rooms: Rooms
    people: People
    personal: Personal
    finding: Finding
    community: Community
    media: Media
    encryption: Encryption
    sync: Sync
    pushing: Pushing
    upkeep: Upkeep
    federation: Federation
    appservices: Appservicing

    @property
    def chapters(self) -> Chapters:
        """What clients may ask of all of them."""
        of_people = (*self.people.chapters, *self.personal.chapters, *self.finding.chapters, *self.community.chapters)
        return (*of_people, *self.media.chapters, *self.encryption.chapters, *self.sync.chapters, *self.pushing.chapters)
