"""A small server as a process of its own: `python -m tests.web.edge.process LOGFILE` prints its port, serves, and ends on SIGTERM as the real one does."""

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred

from homeserver.logs import AccessLog, begin
from homeserver.runtime import ReactorClock, SystemChance, install_reactor
from homeserver.web.listen import Address, Listener
from homeserver.web.metrics import Metrics
from homeserver.web.rate_limit import TrustedProxies
from homeserver.web.wire.edge import Edge
from homeserver.web.wire.limits import WireLimits
from tests.support.client import dispatch_for
from tests.web.edge.wire import Samples


def main() -> None:
    reactor, loop = install_reactor()
    clock = ReactorClock(reactor)
    with Path(sys.argv[1]).open("w", encoding="utf-8") as stream:
        begin(stream, clock)
        access_log = AccessLog(stream, clock)
        dispatch = dispatch_for(Samples(), clock=clock, chance=SystemChance(), access_log=access_log)
        edge = Edge(dispatch.begin, WireLimits(), clock, Metrics(CollectorRegistry()), TrustedProxies([]))
        edge.start()
        listener = Listener(edge, loop)

        async def serve() -> None:
            await listener.open(Address())
            print(listener.port, flush=True)

        async def stop() -> None:
            listener.close()
            await edge.stop(5)
            access_log.flush()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(serve()))
        reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(stop()))
        reactor.run()


if __name__ == "__main__":
    main()
