"""Categories of rooms: a state event here, and a place in a space."""

from typing import Final

from appservices.assistant.matrix.errors import Refused
from appservices.assistant.skill import Turn

CATEGORY_STATE: Final = "chat.chatme.category"
PLAIN: Final = "this room is encrypted, and that would stand in plain text for the server to read"


async def put_into_category(turn: Turn, category: str, space: str) -> str:
    room, asker, kit = turn.record.room, turn.asker, turn.kit
    if not await kit.people.may_send_state(room, asker, CATEGORY_STATE):
        return "you may not do that in this room"
    if await kit.homeserver.is_encrypted(room):
        return PLAIN
    if space and not await _may_add(turn, space):
        return "that space is not one where both of us may add rooms"
    try:
        await kit.homeserver.set_state(room, CATEGORY_STATE, "", {"category": category, "space": space, "body": f"Category: {category}"})
        if space:
            child = {"via": [kit.settings.server_name], "suggested": True, "order": _order(category)}
            await kit.homeserver.set_state(space, "m.space.child", room, child)
    except Refused as error:
        if error.status == 403:
            return "I may not do that: give me the power, or do it yourself"
        raise
    return "done"


def _order(category: str) -> str:
    """Rooms of a category stand together ("m.space.child": printable ASCII, 50 characters at most)."""
    return "".join(each for each in category.lower() if " " <= each <= "~")[:50] or "~"


async def _may_add(turn: Turn, space: str) -> bool:
    """With the asker's rights there, and the assistant's."""
    try:
        create = await turn.kit.homeserver.state(space, "m.room.create")
        return (create or {}).get("type") == "m.space" and await turn.kit.people.may_send_state(space, turn.asker, "m.space.child")
    except Refused:
        return False
