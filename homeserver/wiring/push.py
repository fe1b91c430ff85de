"""What users are notified of."""

from dataclasses import dataclass

from homeserver.push.verdicts import Verdicts
from homeserver.wiring.ground import Ground
from homeserver.wiring.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Push:
    verdicts: Verdicts


def build_push(ground: Ground, rooms: Rooms) -> Push:
    verdicts = Verdicts(
        identity=ground.identity,
        rules=rooms.push_rules,
        members=rooms.members,
        timelines=rooms.timeline_store,
        states=rooms.states,
    )
    return Push(verdicts)
