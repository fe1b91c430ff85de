"""SRV records, from the name servers of this machine; kept for as long as they say, and their absence for a while. twisted.names is loaded when first used."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from federation.discovery.steps import Srv
from homeserver.clock import Clock

TIMEOUTS: Final = (1, 3)
SHORTEST_S: Final = 60
LONGEST_S: Final = 24 * 3_600
ABSENT_S: Final = 300
MOST_KEPT: Final = 20_000
MOST_RECORDS: Final = 50


class SrvRecords:
    _log = Logger()

    def __init__(self, reactor: Any, clock: Clock) -> None:
        self._reactor = reactor
        self._clock = clock
        self._resolver: Any = None
        self._kept: OrderedDict[str, tuple[Sequence[Srv], float]] = OrderedDict()

    async def look_up(self, name: str) -> Sequence[Srv]:
        """No records where there are none, and where nobody could be asked."""
        kept = self._kept.get(name)
        if kept is not None and kept[1] > self._clock.monotonic():
            return kept[0]
        records, seconds = await self._ask(name)
        self._kept[name] = (records, self._clock.monotonic() + seconds)
        self._kept.move_to_end(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return records

    async def _ask(self, name: str) -> tuple[list[Srv], float]:
        from twisted.names import client, dns

        if self._resolver is None:
            self._resolver = client.Resolver(resolv="/etc/resolv.conf", reactor=self._reactor)
        try:
            answers, _, _ = await self._resolver.lookupService(name, timeout=TIMEOUTS)
        except CancelledError:
            raise  # whoever asked has gone
        except Exception as error:  # whatever the name servers, or the lack of them, may mean: there are no records to go by
            self._log.debug("no SRV records of {name}: {error}", name=name, error=repr(error))
            return [], ABSENT_S
        found = [answer for answer in answers if answer.type == dns.SRV][:MOST_RECORDS]
        records = [
            Srv(each.payload.priority, each.payload.weight, each.payload.target.name.decode("ascii", "replace"), each.payload.port)
            for each in found
        ]
        seconds = min((each.ttl for each in found), default=ABSENT_S)
        return records, min(max(seconds, SHORTEST_S), LONGEST_S)
