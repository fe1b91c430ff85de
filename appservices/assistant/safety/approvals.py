"""Whatever changes something is proposed first, in words that show the whole call, and done when the asker approves exactly that call in time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from appservices.assistant.delivery.voice import Voice
from appservices.assistant.journal.things import Proposal, ThingJournal
from appservices.assistant.matrix.contents import notice, reaction
from appservices.assistant.matrix.events import Event, as_object, as_text
from appservices.assistant.runtime import Clock

PROPOSAL: Final = "chat.chatme.proposal"
YES: Final = "👍"
LASTS_MS: Final = 59 * 60_000  # and then half a minute until somebody looks


class NotApproved(Exception):
    """In words for the one who tried."""


def digest_of(room: str, asker: str, tool: str, arguments: str) -> str:
    return hashlib.sha256(json.dumps([room, asker, tool, arguments]).encode()).hexdigest()


def canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Approvals:
    def __init__(self, things: ThingJournal, clock: Clock) -> None:
        self._things = things
        self._clock = clock

    async def propose(
        self,
        voice: Voice,
        *,
        room: str,
        source: str,
        asker: str,
        tool: str,
        arguments: Mapping[str, Any],
        words: str,
        key: str,
        expires: int,
    ) -> str:
        digest = digest_of(room, asker, tool, canonical(arguments))
        shown = {"tool": tool, "arguments": dict(arguments), "asker": asker, "digest": digest}
        if (earlier := voice.earlier(key)) is not None:  # what the room has is what is proposed
            known = as_object(earlier[1].get(PROPOSAL))
            tool, digest = as_text(known.get("tool")), as_text(known.get("digest"))
        body = f"{words}\n\nNothing has changed yet. {asker}: react with {YES} to approve (within an hour)."
        content = voice.threaded(notice(body, mentions=(asker,), extra={PROPOSAL: shown}))
        event = await voice.send(content, key)
        self._things.propose(Proposal(event, room, source, asker, tool, "", digest, expires))
        await voice.send(reaction(event, YES), f"{key}/yes", "m.reaction")
        return event

    def redeem(self, event: Event | None, user: str) -> Proposal:
        """The proposal, to be dropped when it is done; its arguments are those that the room was shown. Raises NotApproved."""
        proposal = None if event is None else self._things.proposal(event.id)
        if event is None or proposal is None:
            raise NotApproved("there is nothing to approve any more")
        if user != proposal.asker:
            raise NotApproved("only the one who asked for it may approve it")
        shown = as_object(event.content.get(PROPOSAL))
        arguments = canonical(as_object(shown.get("arguments")))
        if proposal.expires < self._clock.now_ms():
            self._things.drop_proposal(event.id)
            raise NotApproved("it was proposed too long ago")
        if digest_of(proposal.room, proposal.asker, proposal.tool, arguments) != proposal.digest:
            self._things.drop_proposal(event.id)
            raise NotApproved("this is not what was proposed")
        return replace(proposal, arguments=arguments)
