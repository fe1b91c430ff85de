"""The endpoints as the server declares them, and which of them a recorded request was for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homeserver.errors import MatrixError
from homeserver.web.endpoint import Declaration
from homeserver.web.router import Router
from tests.support.server import make_server

Endpoint = tuple[str, str]


class Declared:
    """Read off a server in this process, which is built as the running one is."""

    def __init__(self, folder: Path) -> None:
        self._router: Router = make_server(folder).server.doors[0].dispatch.router

    @property
    def declarations(self) -> list[Declaration]:
        return [route.declaration for route in self._router.routes]

    @property
    def endpoints(self) -> set[Endpoint]:
        return {(declaration.method, declaration.path) for declaration in self.declarations}

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """None: no endpoint has this path."""
        try:
            node, _ = self._router.find(path.partition("?")[0])
        except MatrixError:
            return None
        route = node.routes.get(method)
        return None if route is None else (route.declaration.method, route.declaration.path)


def exchanges(recording: Path) -> Iterator[dict[str, Any]]:
    with recording.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
