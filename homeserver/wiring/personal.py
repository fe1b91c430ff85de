"""What belongs to one person: profile, account data, receipts, typing, presence."""

from typing import NamedTuple

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.filters import Filters
from homeserver.account_data.tags import Tags
from homeserver.client_api.personal.account_data import AccountDataEndpoints
from homeserver.client_api.personal.filters import FilterEndpoints
from homeserver.client_api.personal.notifications import NotificationEndpoints
from homeserver.client_api.personal.presence import PresenceEndpoints
from homeserver.client_api.personal.profile import ProfileEndpoints
from homeserver.client_api.personal.push_rules import PushRuleEndpoints
from homeserver.client_api.personal.read_markers import ReadMarkerEndpoints
from homeserver.client_api.personal.receipts import ReceiptEndpoints
from homeserver.client_api.personal.tags import TagEndpoints
from homeserver.client_api.personal.typing import TypingEndpoints
from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.receipts import Receipts
from homeserver.ephemeral.typing import Typing
from homeserver.profiles.profiles import Profiles
from homeserver.profiles.remote import RemoteProfiles
from homeserver.profiles.spread import ProfileSpread
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.push import Push, build_push
from homeserver.wiring.rooms import Rooms
from storage.personal.account_data import StoredAccountData
from storage.personal.filters import StoredFilters
from storage.personal.presence import StoredPresence
from storage.personal.profiles import StoredProfiles
from storage.personal.receipts import StoredReceipts


class Personal(NamedTuple):
    account_data: AccountData
    filters: Filters
    receipts: Receipts
    typing: Typing
    presence: Presence
    spread: ProfileSpread
    push: Push
    profiles: Profiles
    chapters: Chapters


def build_personal(ground: Ground, rooms: Rooms, remote: RemoteProfiles) -> Personal:
    account_data = rooms.account_data
    tags = Tags(account_data, StoredAccountData(ground.database))
    filters = Filters(StoredFilters(ground.database))
    receipts = Receipts(StoredReceipts(ground.database), rooms.members, account_data, ground.clock, ground.streams)
    typing = Typing(ground.ephemera, ground.clock, ground.streams)
    enabled = ground.config.presence.enabled
    presence = Presence(StoredPresence(ground.database), rooms.members, ground.ephemera, ground.clock, ground.streams, enabled=enabled)
    profile_store = StoredProfiles(ground.database)
    spread = ProfileSpread(profile_store, rooms.members, rooms.writing.membership, ground.clock)
    profiles = Profiles(profile_store, spread, remote, ground.config.server.name)
    push = build_push(ground, rooms, receipts)
    chapters = (
        AccountDataEndpoints(account_data),
        TagEndpoints(tags),
        FilterEndpoints(filters),
        ReceiptEndpoints(receipts, presence),
        ReadMarkerEndpoints(receipts, presence),
        TypingEndpoints(typing, rooms.members, presence),
        PresenceEndpoints(presence),
        ProfileEndpoints(profiles),
        PushRuleEndpoints(rooms.push_rules),
        NotificationEndpoints(push.notifications, rooms.serving),
    )
    return Personal(account_data, filters, receipts, typing, presence, spread, push, profiles, chapters)
