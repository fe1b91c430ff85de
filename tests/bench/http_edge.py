"""What the HTTP edge costs: server CPU per request over a real socket, with wrk as the client. By hand: `python -m tests.bench.http_edge`.

The endpoints are stand-ins with the real path through the edge: parse, route, token look-up, rate check, body, metrics, answer.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred

from config.rate_limits import RateLimit, RateLimits
from homeserver.logs import AccessLog
from homeserver.runtime import ReactorClock, SystemChance, install_reactor
from homeserver.web.access import Entry
from homeserver.web.body import BodyLimits
from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, endpoint
from homeserver.web.listen import Address, Listener
from homeserver.web.metrics import Metrics
from homeserver.web.rate_limit import RateLimiter, TrustedProxies
from homeserver.web.request import Request
from homeserver.web.router import Router
from homeserver.web.validation import Validation
from homeserver.web.wire.edge import Edge
from homeserver.web.wire.limits import WireLimits
from tests.support.client import FixedTokens

TOKEN = "syt_abcdefghijklmnopqrstuvwxyz_0123456789"
WHOAMI = f"""wrk.headers["Authorization"]="Bearer {TOKEN}"
wrk.path="/_matrix/client/v3/account/whoami"
"""
SEND = f"""wrk.method="PUT"
wrk.body='{{"msgtype":"m.text","body":"the quick brown fox jumps over the lazy dog"}}'
wrk.headers["Content-Type"]="application/json"
wrk.headers["Authorization"]="Bearer {TOKEN}"
wrk.path="/_matrix/client/v3/rooms/%21abcdefghijklmnop%3Aexample.org/send/m.room.message/m123"
"""


class Samples:
    @endpoint("GET", "/_matrix/client/v3/account/whoami", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def whoami(self, request: Request) -> Answer:
        caller = request.user
        return {"user_id": caller.user_id, "device_id": caller.device_id, "is_guest": caller.is_guest}

    @endpoint(
        "PUT", "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}", access=Access.USER, rate=Rate.MESSAGE, body=Body.OBJECT
    )
    async def send(self, request: Request, room_id: str, event_type: str, txn_id: str) -> Answer:
        return {"event_id": "$" + str(len(request.body)) + "a" * 42}


def make_edge(clock: ReactorClock, access_log: str, limited: bool) -> Edge:
    metrics = Metrics(CollectorRegistry())
    entry = Entry(FixedTokens({TOKEN: Caller("@alice:example.org", "PHONE", 1)}))
    plenty = RateLimit(1e9, 10)
    limiter = RateLimiter(RateLimits(enabled=limited, read=plenty, message=plenty), clock)
    log = AccessLog(Path(access_log).open("w"), clock) if access_log else None  # noqa: SIM115 - open until the end
    dispatch = Dispatch(
        Router([Samples()]), entry, limiter, Validation(), metrics, clock, SystemChance(), limits=BodyLimits(), access_log=log
    )
    return Edge(dispatch.begin, WireLimits(), clock, metrics, TrustedProxies([]))


def serve(access_log: str, limited: bool) -> None:
    """One process that prints its port and serves until it is terminated."""
    reactor, loop = install_reactor()
    edge = make_edge(ReactorClock(reactor), access_log, limited)
    edge.start()
    listener = Listener(edge, loop)

    async def begin() -> None:
        await listener.open(Address())
        print(listener.port, flush=True)

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(begin()))
    reactor.run()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name: str, script: str, connections: int, seconds: int, options: list[str]) -> None:
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.http_edge", "--serve", *options], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write(script)
            lua.flush()
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", lua.name, f"http://127.0.0.1:{port}/"]
            before = cpu_seconds(server.pid)
            output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
            spent = cpu_seconds(server.pid) - before
        requests = int(re.findall(r"(\d+) requests in", output)[0])
        p99 = re.findall(r"99%\s+(\S+)", output)[0]
        errors = re.findall(r"Non-2xx.*", output)
        rate = requests / seconds
        print(f"| {name} | {connections} | {spent / requests * 1e6:.1f} | {rate:,.0f} | {p99} | {' '.join(errors)}")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--serve", action="store_true")
    options.add_argument("--access-log", default="")
    options.add_argument("--limited", action="store_true")
    options.add_argument("--seconds", type=int, default=4)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.access_log, chosen.limited)
        return
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    print("| request | connections | server CPU µs | requests/s | p99 |\n|---|---|---|---|---|")
    for name, script in (("whoami", WHOAMI), ("send, encoded room ID", SEND)):
        for connections in (1, 16):
            measure(name, script, connections, chosen.seconds, [])
        measure(f"{name}, rate check", script, 16, chosen.seconds, ["--limited"])
        measure(f"{name}, access log", script, 16, chosen.seconds, ["--access-log", "/dev/null"])


if __name__ == "__main__":
    main()
