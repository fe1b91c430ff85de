"""What users are notified of."""

from typing import NamedTuple

from homeserver.ephemeral.receipts import Receipts
from homeserver.push.audience import Audiences
from homeserver.push.notifications import Notifications
from homeserver.push.unread import UnreadCounts
from homeserver.push.verdicts import Verdicts
from homeserver.wiring.ground import Ground
from homeserver.wiring.rooms import Rooms
from storage.push.notifications import StoredNotifications
from storage.push.unread import StoredUnread


class Push(NamedTuple):
    audiences: Audiences
    unread: UnreadCounts
    verdicts: Verdicts
    notifications: Notifications


def build_push(ground: Ground, rooms: Rooms, receipts: Receipts) -> Push:
    audiences = Audiences(rooms.members, ground.identity, ground.streams)
    unread = UnreadCounts(
        store=StoredUnread(ground.database, ground.names),
        rules=rooms.push_rules,
        receipts=receipts,
        timelines=rooms.timelines,
        streams=ground.streams,
    )
    verdicts = Verdicts(
        identity=ground.identity,
        rules=rooms.push_rules,
        audiences=audiences,
        members=rooms.members,
        timelines=rooms.timeline_store,
        states=rooms.states,
        invites=rooms.writing.invites,
    )
    notifications = Notifications(
        store=StoredNotifications(ground.database, ground.names),
        rules=rooms.push_rules,
        verdicts=verdicts,
        receipts=receipts,
        members=rooms.members,
    )
    return Push(audiences, unread, verdicts, notifications)
