"""From method and path to the declared endpoint. Segments are split before they are decoded: IDs and types may contain encoded slashes.

Old names come from one rule: what is declared under `/_matrix/client/v3/` is served under `r0` and `unstable` too, what is declared under
`/_matrix/media/v3/` under `r0` and `v1`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from homeserver.errors import InvalidParam, Unrecognized
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import EventId, RoomAlias, RoomId, ServerName, UserId
from homeserver.web.endpoint import Answer, Declaration
from homeserver.web.percent import decode

_ALIASES = {
    "/_matrix/client/v3/": ("/_matrix/client/r0/", "/_matrix/client/unstable/"),
    "/_matrix/media/v3/": ("/_matrix/media/r0/", "/_matrix/media/v1/"),
}
_IDENTIFIERS: dict[str, Callable[[object], str]] = {
    "room_id": RoomId.parse,
    "user_id": UserId.parse,
    "event_id": EventId.parse,
    "room_alias": RoomAlias.parse,
    "server_name": ServerName.parse,
}
_NONE: list[str] = []
_MAX_REMEMBERED = 4096  # decoded identifiers per kind of parameter

Call = Callable[..., Awaitable[Answer]]


class Parameter:
    """One {name} of a path: where it stands, and its values already seen, decoded and parsed."""

    __slots__ = ("_parse", "_remembered", "index", "name")

    def __init__(self, name: str, index: int, remembered: dict[str, str]) -> None:
        self.name = name
        self.index = index
        self._parse = _IDENTIFIERS.get(name)
        self._remembered = remembered

    def value(self, segment: str) -> str:
        found = self._remembered.get(segment)
        if found is not None:
            return found
        text = decode(segment) if "%" in segment else segment
        if self._parse is None:
            return text
        try:
            found = self._parse(text)
        except InvalidIdentifier as error:
            raise InvalidParam(f"{self.name}: {error}") from error
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[segment] = found
        return found


class Route:
    """A declared endpoint bound to its object."""

    __slots__ = ("call", "declaration", "parameters")

    def __init__(self, declaration: Declaration, call: Call, parameters: tuple[Parameter, ...]) -> None:
        self.declaration = declaration
        self.call = call
        self.parameters = parameters


class Node:
    """A place in the tree of paths; `routes` is by method."""

    __slots__ = ("literal", "parameter", "routes")

    def __init__(self) -> None:
        self.literal: dict[str, Node] = {}
        self.parameter: Node | None = None
        self.routes: dict[str, Route] = {}

    def allowed(self) -> str:
        """The value of an Allow header."""
        return ", ".join(sorted({*self.routes, "OPTIONS"}))


class Router:
    """All declared endpoints of the given chapter objects."""

    def __init__(self, chapters: Iterable[object]) -> None:
        self._root = Node()
        self._fixed: dict[str, Node] = {}  # by whole path: those without parameters are found at once
        self._remembered: dict[str, dict[str, str]] = {}
        self.routes: list[Route] = []
        for chapter in chapters:
            for declaration, call in declared_by(chapter):
                self._add(declaration, call)
        for route in tuple(self.routes):
            self._add_old_names(route)

    def _add(self, declaration: Declaration, call: Call) -> None:
        segments = declaration.path.split("/")
        if segments[0] != "" or declaration.method not in ("GET", "PUT", "POST", "DELETE", "PATCH"):
            raise ValueError(f"{declaration.method} {declaration.path} is no endpoint")
        parameters = tuple(self._parameter(segment[1:-1], index) for index, segment in enumerate(segments) if segment[:1] == "{")
        route = Route(declaration, call, parameters)
        self._place(segments, route)
        self.routes.append(route)

    def _parameter(self, name: str, index: int) -> Parameter:
        return Parameter(name, index, self._remembered.setdefault(name, {}))

    def _add_old_names(self, route: Route) -> None:
        for prefix, others in _ALIASES.items():
            if route.declaration.path.startswith(prefix):
                for other in others:
                    segments = (other + route.declaration.path[len(prefix) :]).split("/")
                    if route.declaration.method not in self._node(segments).routes:
                        self._place(segments, route)

    def _node(self, segments: list[str]) -> Node:
        node = self._root
        for segment in segments:
            if segment[:1] == "{":
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, Node())
        return node

    def _place(self, segments: list[str], route: Route) -> None:
        node = self._node(segments)
        routes = node.routes
        if not route.parameters:
            self._fixed["/".join(segments)] = node
        method = route.declaration.method
        if method in routes and routes[method].declaration.method == method:
            raise ValueError(f"{method} {'/'.join(segments)} is declared twice")
        routes[method] = route
        if method == "GET":
            routes.setdefault("HEAD", route)

    def find(self, path: str) -> tuple[Node, list[str]]:
        """The place of a path and its segments, still encoded; raises Unrecognized."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, _NONE
        segments = path.split("/")
        node = self._root
        for segment in segments:
            child = node.literal.get(segment)
            if child is None:
                child = node.parameter
                if child is None or not segment:
                    break
            node = child
        else:
            if node.routes:
                return node, segments
        found = _search(self._root, segments, 0)
        if found is None:
            raise Unrecognized
        return found, segments


def _search(node: Node, segments: list[str], at: int) -> Node | None:
    """As the loop of `find`, but turning back where a literal segment led astray."""
    if at == len(segments):
        return node if node.routes else None
    segment = segments[at]
    child = node.literal.get(segment)
    found = _search(child, segments, at + 1) if child is not None else None
    if found is None and node.parameter is not None and segment:
        found = _search(node.parameter, segments, at + 1)
    return found


def declared_by(chapter: object) -> Iterator[tuple[Declaration, Call]]:
    """The declarations on the methods of an object, each with its bound method."""
    for name in dir(type(chapter)):
        declarations: Any = getattr(getattr(type(chapter), name), "declarations", None)
        if isinstance(declarations, list):
            call: Call = getattr(chapter, name)
            for declaration in declarations:
                yield declaration, call
