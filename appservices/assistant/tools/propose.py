"""Proposing a call of a tool: with the asker's rights, in words that show all of it, for as long as what it was made of may be kept."""

from collections.abc import Mapping

from appservices.assistant.safety.approvals import LASTS_MS
from appservices.assistant.skill import Turn
from appservices.assistant.tools.tool import Tool


async def propose(turn: Turn, tool: Tool, arguments: Mapping[str, str], *, words: str, key: str, source: str = "") -> bool:
    """False: the asker has not the power to do that."""
    kit, room = turn.kit, turn.record.room
    if tool.state and not await kit.people.may_send_state(room, turn.asker, tool.state):
        kit.language.note_refusal(turn.skill, "power")
        return False
    await kit.approvals.propose(
        turn.voice,
        room=room,
        source=source or turn.record.event,
        asker=turn.asker,
        tool=tool.name,
        arguments=arguments,
        words=words,
        key=key,
        expires=await _until(turn),
    )
    kit.language.note_tool(room, turn.record.event, turn.asker, tool.name)
    return True


async def _until(turn: Turn) -> int:
    """Where the room forgets messages, what is made of them is forgotten with them."""
    expires, lifetime = turn.kit.clock.now_ms() + LASTS_MS, await turn.kit.history.lifetime(turn.record.room)
    if lifetime:
        oldest = min((source.at for source in turn.kit.sources.of_turn(turn.record.id)), default=turn.record.asked_at)
        expires = min(expires, min(oldest, turn.record.asked_at) + lifetime)
    return expires
