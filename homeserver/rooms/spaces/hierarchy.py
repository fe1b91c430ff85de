"""The tree of rooms below a space, as far as the one who asks may see it. Client-server API, "Spaces"."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from homeserver.errors import Forbidden
from homeserver.rooms.directory.previews import View, may_preview, may_preview_remote
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.directory.summary import Child, Summary
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.spaces.remote_spaces import RemoteRoom, RemoteSpaces
from homeserver.rooms.spaces.walks import Step, Walk, Walks

MAX_PAGE = 50
MAX_DEPTH = 100
MAX_PASSED_OVER = 100  # rooms that are not shown, for one page: other servers may have to be asked about each


class Visit(NamedTuple):
    """A room that may be shown: its JSON, and where to go from it."""

    chunk: bytes
    children: tuple[Child, ...]
    told: Mapping[str, RemoteRoom]
    inaccessible: frozenset[str] = frozenset()


class Hierarchy:
    """Walks depth first, each room once."""

    def __init__(self, *, summaries: Summaries, members: MemberStore, spaces: RemoteSpaces, walks: Walks) -> None:
        self._summaries = summaries
        self._members = members
        self._spaces = spaces
        self._walks = walks

    async def first_page(self, user_id: str, room_id: str, *, limit: int, suggested_only: bool, max_depth: int) -> bytes:
        """The answer as JSON; M_FORBIDDEN when the user may not see the room itself."""
        view = await View.of(self._members, user_id)
        root = Step(room_id, 0)
        if await self._visit(root, view, suggested_only) is None:
            raise Forbidden("You are not allowed to view this room")
        return await self._page(Walk(user_id, room_id, suggested_only, min(max_depth, MAX_DEPTH), [root]), view, limit)

    async def next_page(self, user_id: str, room_id: str, token: str, *, limit: int, given: Mapping[str, object]) -> bytes:
        """As `first_page`, for a token that it gave; `given` holds suggested_only and max_depth as far as they are named again."""
        walk = self._walks.resume(token, user_id, room_id, given)
        return await self._page(walk, await View.of(self._members, user_id), limit)

    async def _page(self, walk: Walk, view: View, limit: int) -> bytes:
        chunks: list[bytes] = []
        passed_over = 0
        while walk.todo and len(chunks) < min(limit, MAX_PAGE) and passed_over < MAX_PASSED_OVER:
            step = walk.todo.pop()
            if step.room_id in walk.seen:
                continue
            walk.seen.add(step.room_id)
            visit = await self._visit(step, view, walk.suggested_only)
            if visit is None:
                passed_over += 1
                continue
            chunks.append(visit.chunk)
            walk.seen.update(visit.inaccessible - view.memberships.keys())
            if step.depth < walk.max_depth:
                walk.todo.extend(
                    Step(child.room_id, step.depth + 1, child.via, visit.told.get(child.room_id))
                    for child in reversed(visit.children)
                    if child.room_id not in walk.seen
                )
        rest = b"}"
        if any(step.room_id not in walk.seen for step in walk.todo):
            rest = b',"next_batch":' + orjson.dumps(self._walks.keep(walk)) + b"}"
        return b'{"rooms":[' + b",".join(chunks) + b"]" + rest

    async def _visit(self, step: Step, view: View, suggested_only: bool) -> Visit | None:
        """None when the room is unknown or not to be seen."""
        summary = await self._summaries.get(step.room_id)
        if summary is not None and (summary.local_members or not summary.members):
            if not may_preview(summary, view.memberships.get(step.room_id), view.joined):
                return None
            children = suggested(await self._summaries.children(step.room_id), suggested_only) if summary.is_space else ()
            return Visit(space_chunk(summary, children), children, {})
        return await self._visit_remote(step, view, suggested_only)

    async def _visit_remote(self, step: Step, view: View, suggested_only: bool) -> Visit | None:
        room = step.told
        described: Mapping[str, RemoteRoom] = {}
        inaccessible: frozenset[str] = frozenset()
        if room is None or room.is_space:
            answer = await self._spaces.get(step.room_id, step.via, suggested_only)
            if answer is not None:
                room, described, inaccessible = answer
        if room is None or not may_preview_remote(room.chunk, view.memberships.get(step.room_id), view.joined):
            return None
        children = suggested(room.children, suggested_only) if room.is_space else ()
        return Visit(joined_chunk(orjson.dumps(dict(room.chunk))[:-1], children), children, described, inaccessible)


def suggested(children: Iterable[Child], suggested_only: bool) -> tuple[Child, ...]:
    return tuple(child for child in children if child.suggested or not suggested_only)


def space_chunk(summary: Summary, children: Iterable[Child]) -> bytes:
    """The room as JSON, with its `children_state`."""
    return joined_chunk(summary.full, children)


def joined_chunk(room: bytes, children: Iterable[Child]) -> bytes:
    return room + b',"children_state":[' + b",".join([child.stripped for child in children]) + b"]}"
