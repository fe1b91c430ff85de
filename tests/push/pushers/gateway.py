"""A push gateway, as the rest of the web to a server in this process."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from twisted.internet.defer import Deferred

from homeserver.outside import Fetched, NoOutside, Unreachable

URL = "https://push.example.org/_matrix/push/v1/notify"


@dataclass
class Gateway(NoOutside):
    """Remembers what it was told. `status` 0: it cannot be reached; `silent` hosts do not answer at all."""

    told: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    status: int = 200
    rejected: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    hanging: list[Deferred[None]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        self.asked += 1
        if any(host in url for host in self.silent):
            hanging: Deferred[None] = Deferred()
            self.hanging.append(hanging)
            await hanging
        if self.status == 0:
            raise Unreachable
        if self.status == 200:
            self.told.append(orjson.loads(body)["notification"])
        return Fetched(self.status, "application/json", None, orjson.dumps({"rejected": self.rejected}), whole=True)

    @property
    def event_ids(self) -> list[str]:
        return [told["event_id"] for told in self.told if "event_id" in told]
