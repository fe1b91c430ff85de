"""Those who follow /sync: one chain of tokens each, over all crashes. What a chain has told of a room must be the whole room, in order, once."""

import asyncio
from typing import Any

import orjson

from tests.crash.actors.link import Gone, Link, room_path

WAIT_MS = 20_000
PAGE = 200


class Follower:
    """`limit` is the timeline's: a small one leaves gaps, which the follower closes by paging back, as clients do."""

    def __init__(self, user_id: str, link: Link, limit: int) -> None:
        self.user_id = user_id
        self.link = link
        self.told: dict[str, list[str]] = {}
        self.since = ""
        self.answers = 0
        self.gaps = 0
        self._filter = orjson.dumps({"room": {"timeline": {"limit": limit}, "state": {"lazy_load_members": True}}}).decode()

    async def run(self) -> None:
        """Until the server is gone."""
        try:
            while True:
                await self._step(WAIT_MS)
        except Gone:
            return

    async def catch_up(self) -> None:
        """Everything there is by now."""
        while await self._step(0):
            pass

    async def _step(self, timeout_ms: int) -> bool:
        """One answer; whether it told anything of a timeline. It counts only once all that it needs has arrived."""
        query = {"filter": self._filter, "timeout": timeout_ms, **({"since": self.since} if self.since else {})}
        status, answer = await self.link.ask("GET", "/_matrix/client/v3/sync", **query)
        if status == 503:
            await asyncio.sleep(0.1)
            return True
        if status != 200:
            raise AssertionError(f"/sync of {self.user_id} since {self.since}: {status} {answer}")
        parts: dict[str, list[str]] = {}
        for room_id, room in answer.get("rooms", {}).get("join", {}).items():
            parts[room_id] = await self._part(room_id, room["timeline"])
        self._adopt(answer["next_batch"], parts)
        return any(parts.values())

    async def _part(self, room_id: str, timeline: dict[str, Any]) -> list[str]:
        events = [event["event_id"] for event in timeline["events"]]
        if not timeline.get("limited"):
            return events
        older: list[str] = []
        place = timeline["prev_batch"]
        stop = {"to": self.since} if self.since else {}
        while place:
            status, page = await self.link.ask("GET", room_path(room_id, "messages"), dir="b", limit=PAGE, **{"from": place}, **stop)
            if status == 503:
                await asyncio.sleep(0.1)
                continue
            if status != 200:
                raise AssertionError(f"/messages of {self.user_id} from {place}: {status} {page}")
            older += [event["event_id"] for event in page["chunk"]]
            place = page.get("end")
        self.gaps += 1
        return older[::-1] + events

    def _adopt(self, next_batch: str, parts: dict[str, list[str]]) -> None:
        if self.since and position_of(next_batch) < position_of(self.since):
            raise AssertionError(f"/sync of {self.user_id} went back from {self.since} to {next_batch}")
        if self.since and any(parts.values()) and position_of(next_batch) == position_of(self.since):
            raise AssertionError(f"/sync of {self.user_id} tells of events, yet stays at {next_batch}")
        for room_id, events in parts.items():
            self.told.setdefault(room_id, []).extend(events)
        self.since = next_batch
        self.answers += 1


def position_of(token: str) -> int:
    return int(token[1:].partition("_")[0])
