"""All application services that want requests, each told in its own line. Where none is registered, nothing follows the stream."""

from collections.abc import Sequence

from appservices.appservice import Appservice
from appservices.outbound.line import Line
from appservices.store import AppserviceStore
from homeserver.ephemeral.sequence import Ephemera, EphemeralChange
from homeserver.figures import CacheFigures
from homeserver.rooms.directory.store import ALIASES, LISTING
from homeserver.streams import Change, Streams


class Outbound:
    def __init__(self, lines: Sequence[Line], store: AppserviceStore, streams: Streams, ephemera: Ephemera) -> None:
        self._lines = lines
        self._store = store
        self._streams = streams
        self._ephemera = ephemera
        self._by_service = {line.service.id: line for line in lines}

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    @property
    def figures(self) -> CacheFigures:
        """Of what is known of rooms."""
        of_lines = [line.interest.figures for line in self._lines]
        totals = [sum(figures) for figures in zip(*of_lines, strict=True)] if of_lines else [0, 0, 1, 0]
        return CacheFigures(*totals)

    async def start(self) -> None:
        """Take up what an earlier run left untold, and begin to follow."""
        await self._store.keep_only([line.service.id for line in self._lines])
        if not self._lines:
            return
        for line in self._lines:
            await line.start()
        self._streams.subscribe_last(self._follow)
        if any(line.service.registration.receive_ephemeral for line in self._lines):
            self._ephemera.subscribe(self._follow_ephemeral)

    async def stop(self) -> None:
        for line in self._lines:
            await line.stop()

    def heard(self, service: Appservice) -> None:
        line = self._by_service.get(service.id)
        if line is not None:
            line.heard()

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.kind in (ALIASES, LISTING) and change.room_id is not None:
                for line in self._lines:
                    line.interest.forget(change.room_id)
        for line in self._lines:
            line.follow(changes)

    def _follow_ephemeral(self, change: EphemeralChange) -> None:
        for line in self._lines:
            if change.kind == "typing" and change.room_id is not None:
                line.typed(change.room_id)
            elif change.kind == "presence" and change.user_id is not None:
                line.present(change.user_id)
