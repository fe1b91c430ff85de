"""What the rooms hold, read back by a client of its own, and whether it agrees with what everybody was told."""

from collections.abc import Iterable

from tests.crash.actors.followers import Follower
from tests.crash.actors.journal import Message
from tests.crash.actors.link import Link, room_path

PAGE = 500


class Truth:
    """The rooms' events in order, as /messages tells them; grown after each crash, read anew at the end."""

    def __init__(self, link: Link, rooms: Iterable[str]) -> None:
        self._link = link
        self.events: dict[str, list[str]] = {room_id: [] for room_id in rooms}
        self.messages: dict[str, str] = {}  # body → event ID
        self._newest: dict[tuple[str, str], int] = {}  # (room, sender) → number

    async def read(self, *, whole: bool = False) -> None:
        """What is new since the last time; `whole`: everything, which must be as it was."""
        for room_id, known in self.events.items():
            fresh = await self._back_to(room_id, None if whole or not known else known[-1])
            if whole:
                ids = [event_id for event_id, _, _ in fresh]
                assert ids[: len(known)] == known, f"the history of {room_id} has changed"
                fresh = fresh[len(known) :]
            for event_id, sender, body in fresh:
                known.append(event_id)
                if body is not None:
                    self._note(room_id, sender, body, event_id)
            assert len(known) == len(set(known)), f"{room_id} holds an event twice"

    async def _back_to(self, room_id: str, last: str | None) -> list[tuple[str, str, str | None]]:
        found: list[tuple[str, str, str | None]] = []
        place: str | None = ""
        while place is not None:
            query = {"from": place} if place else {}
            page = await self._link.ok("GET", room_path(room_id, "messages"), dir="b", limit=PAGE, **query)
            for event in page["chunk"]:
                if event["event_id"] == last:
                    return found[::-1]
                body = event["content"].get("body") if event["type"] == "m.room.message" else None
                found.append((event["event_id"], event["sender"], body))
            place = page.get("end")
        assert last is None, f"{room_id}: the event {last}, told of before, is gone"
        return found[::-1]

    def _note(self, room_id: str, sender: str, body: str, event_id: str) -> None:
        assert body not in self.messages, f"{body} is there twice: {self.messages[body]} and {event_id}"
        self.messages[body] = event_id
        number = int(body.partition("#")[2])
        assert number > self._newest.get((room_id, sender), 0), f"{body} stands behind a later message of its sender"
        self._newest[room_id, sender] = number

    def check_acknowledged(self, messages: Iterable[Message]) -> None:
        for message in messages:
            found = self.messages.get(message.body)
            assert found == message.event_id, f"{message.body} was acknowledged as {message.event_id}, stored is {found}"

    def check_chain(self, follower: Follower) -> None:
        for room_id, events in self.events.items():
            told = follower.told.get(room_id, [])
            if told == events:
                continue
            repeated = len(told) - len(set(told))
            missing = [event for event in events if event not in set(told)]
            alien = [event for event in told if event not in set(events)]
            raise AssertionError(
                f"{follower.user_id} in {room_id}: told {len(told)} of {len(events)}; missing {missing[:3]}, unknown {alien[:3]}, repeated {repeated}"
            )
