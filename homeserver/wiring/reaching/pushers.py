"""Pushers: by push gateway and by e-mail."""

from typing import NamedTuple

from homeserver.client_api.people.fallback import Pages
from homeserver.client_api.personal.pushers import LetterEnd, PusherEndpoints
from homeserver.mail.texts import Texts
from homeserver.outside import Outside
from homeserver.push.pushers.badges import Badges
from homeserver.push.pushers.gateway import Gateways
from homeserver.push.pushers.letters import LetterLine, Post
from homeserver.push.pushers.line import Line, Means
from homeserver.push.pushers.pushers import Pushers
from homeserver.push.pushers.reader import AnyLine, PushReader
from homeserver.push.pushers.store import EMAIL, Pusher
from homeserver.push.pushers.words import Words
from homeserver.rooms.store import StoredEvent
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.push import Push
from homeserver.wiring.rooms import Rooms
from storage.people.threepids import StoredThreepids
from storage.push.pushers import StoredPushers


class Pushing(NamedTuple):
    reader: PushReader
    gateways: Gateways
    chapters: Chapters


def build_pushers(ground: Ground, rooms: Rooms, push: Push, outside: Outside) -> Pushing:
    config, store = ground.config, StoredPushers(ground.database, ground.names)
    gateways = Gateways(outside)
    badges = Badges(push.unread, rooms.members, ground.streams)

    async def event(event_id: str) -> StoredEvent | None:
        return (await rooms.store.events([event_id])).get(event_id)

    means = Means(store, gateways, Words(rooms.members, rooms.timeline_store), badges, ground.clock, ground.chance, event)
    post = _post(ground)

    def line(pusher: Pusher, start: int) -> AnyLine:
        return LetterLine(pusher, start, means, post) if pusher.kind == EMAIL and post is not None else Line(pusher, start, means)

    pushers = Pushers(
        store,
        StoredThreepids(ground.database),
        ground.clock,
        ground.chance,
        plain_http=config.outgoing.private_addresses,
        mail=post is not None,
    )
    reader = PushReader(store, push.verdicts, line, ground.streams, ground.clock)
    return Pushing(reader, gateways, (PusherEndpoints(pushers), LetterEnd(pushers, Pages())))


def _post(ground: Ground) -> Post | None:
    """None: no letters about messages are sent."""
    config = ground.config
    if ground.postman is None or not config.mail.notifications:
        return None
    return Post(config.mail, ground.postman, Texts(config.server.name), config.server.public_base_url)
