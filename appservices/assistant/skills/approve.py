"""Doing what was proposed and approved."""

from appservices.assistant.safety.approvals import NotApproved
from appservices.assistant.skill import Turn
from appservices.assistant.tools import find_tool


class Approve:
    name = "approve"
    verbs = ("approve-it",)
    help = ""
    with_model = ""

    async def run(self, turn: Turn) -> None:
        event = await turn.kit.history.fetch(turn.record.room, turn.record.target)
        if event is not None and event.sender != turn.kit.settings.user_id:
            return  # people agree with each other too
        try:
            proposal = turn.kit.approvals.redeem(event, turn.asker)
        except NotApproved as error:
            turn.kit.language.note_refusal("approve", str(error))
            return
        tool = find_tool(proposal.tool)
        if tool is None:
            return
        turn.about = proposal.source
        turn.kit.sources.note(turn.record.id, turn.record.room, turn.kit.sources.of_answer(proposal.event))
        result = await tool.run(turn, tool.read(proposal.arguments))
        await turn.voice.say(f"{tool.name.replace('_', ' ')}: {result}")
        turn.kit.things.drop_proposal(proposal.event)
