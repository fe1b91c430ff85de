"""Those who send: one message after the other, each tried again under its transaction ID when its outcome is unknown, or given up."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence

from tests.crash.actors.journal import Journal, Message
from tests.crash.actors.link import Gone, Link, room_path

REASKED = 30  # acknowledged messages whose transaction may be repeated


class Sender:
    """One user in all rooms. `unsure` is the message whose answer never came."""

    def __init__(self, user_id: str, link: Link, rooms: Sequence[str], journal: Journal, seed: str) -> None:
        self.user_id = user_id
        self.link = link
        self.acknowledged: list[Message] = []
        self.given_up: list[Message] = []
        self.unsure: Message | None = None
        self.refusals = 0  # 503 answers
        self.pause = 0.06  # seconds between messages, on average
        self.stopping = False
        self._rooms = rooms
        self._journal = journal
        self._chance = random.Random(seed)
        self._recent: deque[Message] = deque(maxlen=REASKED)
        self._count = 0

    async def run(self) -> None:
        """Until the server is gone, or `stopping`."""
        try:
            await self._settle()
            while not self.stopping:
                self._count += 1
                message = Message(self._chance.choice(self._rooms), self.user_id, self._count)
                await self._send(message)
                if self._chance.random() < 0.1:
                    await self._ask_again()
                await asyncio.sleep(self._chance.expovariate(1 / self.pause) if self.pause else 0)
        except Gone:
            return

    async def _settle(self) -> None:
        """What became of the message before the crash: ask, or leave it open."""
        message = self.unsure
        if message is None:
            return
        if self._chance.random() < 0.3:
            self.given_up.append(message)
            self.unsure = None
        else:
            await self._send(message)

    async def _send(self, message: Message) -> None:
        self.unsure = message
        self._journal.tried("message", message.room_id, message.body, message.txn_id)
        event_id = await self._put(message)
        if event_id is None:
            return  # told to stop while the server cannot store: still unsure
        self._journal.answered("message", message.body, event_id)
        message.event_id = event_id
        self.unsure = None
        self.acknowledged.append(message)
        self._recent.append(message)

    async def _ask_again(self) -> None:
        message = self._chance.choice(self._recent)
        event_id = await self._put(message)
        if event_id not in (None, message.event_id):
            raise AssertionError(f"{message.body}: transaction {message.txn_id} gave {message.event_id}, now {event_id}")

    async def _put(self, message: Message) -> str | None:
        path = room_path(message.room_id, "send", "m.room.message", message.txn_id)
        while True:
            status, answer = await self.link.ask("PUT", path, {"msgtype": "m.text", "body": message.body})
            if status == 200:
                return str(answer["event_id"])
            if status != 503:
                raise AssertionError(f"sending {message.body}: {status} {answer}")
            self.refusals += 1
            if self.stopping:
                return None
            await asyncio.sleep(self._chance.uniform(0.02, 0.2))
