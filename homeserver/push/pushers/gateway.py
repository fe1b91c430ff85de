"""Requests to push gateways: a few at a time to each, so that one that does not answer keeps nobody else waiting."""

import enum
from typing import Any
from urllib.parse import urlsplit

import orjson
from twisted.internet.defer import DeferredSemaphore

from homeserver.outside import Outside, Unreachable
from homeserver.push.pushers.store import Pusher

AT_ONCE = 8  # to one gateway
SECONDS = 10.0
MOST_BYTES = 65_536


class Outcome(enum.Enum):
    TOLD = "told"
    FAILED = "failed"
    REJECTED = "rejected"  # the key is not good any more


class Gateways:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._slots: dict[str, tuple[DeferredSemaphore, int]] = {}
        self.outcomes = dict.fromkeys((outcome.value for outcome in Outcome), 0)

    async def notify(self, pusher: Pusher, notification: dict[str, Any]) -> Outcome:
        url = str(pusher.data["url"])
        gateway = urlsplit(url).netloc
        slots, users = self._slots.get(gateway, (DeferredSemaphore(AT_ONCE), 0))
        self._slots[gateway] = (slots, users + 1)
        try:
            await slots.acquire()
            try:
                outcome = await self._ask(url, pusher.key.pushkey, orjson.dumps({"notification": notification}))
            finally:
                slots.release()
        finally:
            slots, users = self._slots[gateway]
            if users > 1:
                self._slots[gateway] = (slots, users - 1)
            else:
                del self._slots[gateway]
        self.outcomes[outcome.value] += 1
        return outcome

    async def _ask(self, url: str, pushkey: str, body: bytes) -> Outcome:
        try:
            answer = await self._outside.post(url, body, most_bytes=MOST_BYTES, seconds=SECONDS)
        except Unreachable:
            return Outcome.FAILED
        if not 200 <= answer.status < 300:
            return Outcome.FAILED
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return Outcome.TOLD
        rejected = found.get("rejected") if isinstance(found, dict) else None
        return Outcome.REJECTED if isinstance(rejected, list) and pushkey in rejected else Outcome.TOLD
