"""A client that syncs by sliding sync, one connection of it."""

from copy import deepcopy
from typing import Any

from tests.support.client import Client
from tests.support.server import TestServer

SLIDING = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
JSON = dict[str, Any]

REQUIRED = [["m.room.create", ""], ["m.room.name", ""], ["m.room.member", "$ME"], ["m.room.member", "$LAZY"]]


def a_list(last: int = 19, *, limit: int = 10, required: list[list[str]] | None = None, **filters: Any) -> JSON:
    """A list of the first rooms."""
    wanted: JSON = {"ranges": [[0, last]], "timeline_limit": limit, "required_state": REQUIRED if required is None else required}
    return {**wanted, "filters": filters} if filters else wanted


class SlidingClient:
    """Remembers its token."""

    def __init__(self, server: TestServer, client: Client, conn_id: str = "main", **body: Any) -> None:
        self.server = server
        self.client = client
        self.body: JSON = {"conn_id": conn_id, **body}
        self.pos: str | None = None

    def request(self, pos: str | None, timeout: int = 0, **more: Any) -> Any:
        return self.client.post(SLIDING, {**deepcopy(self.body), **more}, {"pos": pos, "timeout": timeout})

    def sync(self, timeout: int = 0, **more: Any) -> Any:
        """The next answer; what is given more holds for this one question."""
        answer = self.server.ok(self.request(self.pos, timeout, **more))
        self.pos = answer["pos"]
        return answer

    def again(self, **more: Any) -> Any:
        """From the beginning."""
        self.pos = None
        return self.sync(**more)
