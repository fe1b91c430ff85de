"""Where somebody was gone from a room. What came over him since, such as a ban or an invite that he declined, opens nothing more of it."""

from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent

MEMBER = "m.room.member"
MAX_STEPS_BACK = 5_000  # memberships since, so many that nobody gets by them, knocking again and again, at what the room came to later


async def departure_of(states: StateReader, member: MemberRecord) -> StoredEvent:
    """The event with which one who is not in the room ceased to be; his first there if he never was."""
    event = (await states.events([member.num]))[member.num]
    for _ in range(MAX_STEPS_BACK):
        before = None if event.state_before is None else await states.one(event.state_before, (MEMBER, member.user_id))
        if before is None or before.content.get("membership") == "join":
            break
        event = before
    return event
