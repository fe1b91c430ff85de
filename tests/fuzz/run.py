"""The fuzzer in one process with the server: request after request, each answer looked at."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import apsw
import orjson
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Body, Declaration, Reply
from homeserver.web.request import Request
from tests.fuzz.known import Known
from tests.fuzz.people import People
from tests.fuzz.requests import Generated, Requests
from tests.fuzz.watch import Watch
from tests.support.client import Client, start
from tests.support.server import TestServer

CONTROL_EVERY = 1000
RENEW_EVERY = 2000
PATIENCE_SECONDS = 3.0  # of the server's clock; who still waits then has gone
MOST_FAILURES = 20


@dataclass
class Report:
    count: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)  # answers with 200, by endpoint
    failures: dict[str, str] = field(default_factory=dict)  # by what went wrong where: the first such request
    slowest_ms: float = 0.0  # CPU
    slowest: str = ""
    grown_mib: float = 0.0  # memory besides the database's own, since half of the way: caches fill, no more
    controls: int = 0

    def __str__(self) -> str:
        spread = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        lines = [f"{self.count} requests ({spread}), {len(self.reached)} endpoints answered 200, {self.controls} honest messages arrived"]
        lines += [f"slowest: {self.slowest_ms:.0f} ms of CPU ({self.slowest[:200]}); memory grew by {self.grown_mib:.0f} MiB"]
        lines += [f"{len(self.failures)} failures"]
        lines += [f"--- {what}\n{request}" for what, request in self.failures.items()]
        return "\n".join(lines)


class Fuzzer:
    """Over all endpoints of one listener's dispatch."""

    def __init__(self, server: TestServer, seed: int, tell: Callable[[str], None] = lambda line: None) -> None:
        self.report = Report()
        self._server = server
        self._dispatch: Dispatch = server.server.doors[0].dispatch
        self._chance = Random(seed)
        self._tell = tell
        self._known = Known(self._chance)
        self.people = People(server, self._chance, self._known)
        self.requests = Requests(self._chance, self._known)
        self._declarations = weighted(self._dispatch)

    def run(self, count: int) -> Report:
        base = 0.0
        with Watch() as watch:
            for number in range(1, count + 1):
                self._one(watch)
                if number % RENEW_EVERY == 0:
                    self.people.renew()
                if number % CONTROL_EVERY == 0:
                    self._control(number // CONTROL_EVERY, watch)
                    self._tell(f"{number} of {count}, {len(self.report.failures)} failures, {own_mib():.0f} MiB")
                if number == count // 2:
                    base = own_mib()
                if len(self.report.failures) >= MOST_FAILURES:
                    break
        self.report.grown_mib = own_mib() - base
        return self.report

    def _one(self, watch: Watch) -> None:
        declaration = self._chance.choice(self._declarations)
        client = self.people.client(declaration.path)
        generated = self.requests.make(declaration, self.people.name_of(client), self.people.device_of(client))
        request = client.make(generated.method, generated.path, generated.body, None, generated.headers)
        request.query_text = generated.query
        began = time.process_time()
        reply, abandoned = self._answer(request)
        spent = (time.process_time() - began) * 1000
        if spent > self.report.slowest_ms:
            self.report.slowest_ms, self.report.slowest = spent, str(generated)
        self.report.count += 1
        self.report.statuses[reply.status] += 1
        is_file = reply.status == 200 and "/download/" in declaration.path  # as somebody sent it, of whatever type they said
        wrong = "" if abandoned or is_file else look(reply, generated.method)
        if not wrong and not is_file:
            self._learn(declaration, generated, reply, client)
        for said in ([wrong] if wrong else []) + watch.take():
            self._fail(f"{declaration.method} {declaration.path}: {said}", generated)

    def _learn(self, declaration: Declaration, generated: Generated, reply: Reply, client: Client) -> None:
        if reply.status not in (200, 401) or not isinstance(reply.body, bytes) or reply.body[:1] != b"{":
            return
        answer = orjson.loads(reply.body)
        self._known.learn(answer)
        if reply.status == 200:
            self.report.reached[f"{declaration.method} {declaration.path}"] += 1
            if generated.room_id:
                self._known.learn_room(generated.room_id, answer)
        elif answer.get("errcode") == "M_UNKNOWN_TOKEN":
            self.people.lost(client)

    def _answer(self, request: Request) -> tuple[Reply, bool]:
        """The reply, and whether its client went away before."""
        replies: list[Reply | Failure] = []
        waiting: Deferred[Reply] = start(self._dispatch.serve(request))
        waiting.addBoth(replies.append)
        self._server.clock.advance(0.001)
        passed = 0.0
        while not replies and passed < PATIENCE_SECONDS:
            self._server.clock.advance(0.05)
            passed += 0.05
        abandoned = not replies
        if abandoned:
            request.abandoned = True
            waiting.cancel()
        if not replies:
            raise AssertionError(f"{request.method} {request.path} neither ends nor lets itself be cancelled")
        reply = replies[0]
        if isinstance(reply, Failure):
            reply.raiseException()
        return reply, abandoned

    def _control(self, number: int, watch: Watch) -> None:
        try:
            self.people.control(number)
        except AssertionError as error:
            self.report.failures[f"honest control {number}: {error}"] = ""
        self.report.controls += 1
        for said in watch.take(collect=True):
            self.report.failures.setdefault(f"control {number}: {said[-1500:]}", "")

    def _fail(self, what: str, generated: Generated) -> None:
        key = what[-900:]
        self.report.failures.setdefault(key, str(generated))


def look(reply: Reply, method: str) -> str:
    """What is wrong with an answer."""
    if reply.status >= 500:
        return f"status {reply.status}"
    body = reply.body
    if not isinstance(body, bytes) or not reply.content_type.startswith("application/json"):
        return ""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return f"an answer that is no JSON ({error})"
    if reply.status >= 400 and method != "OPTIONS":
        if not isinstance(answer, dict):
            return "an error that is no object"
        if "flows" not in answer and not (isinstance(answer.get("errcode"), str) and isinstance(answer.get("error"), str)):
            return f"an error without errcode or text: {answer}"
    return ""


def weighted(dispatch: Dispatch) -> list[Declaration]:
    """Every endpoint; those with a body, and what writes into rooms, more often."""
    found = []
    for route in dispatch.router.routes:
        declaration = route.declaration
        times = 1 if declaration.body is Body.NONE else 4
        if "/send/" in declaration.path or ("/state/" in declaration.path and declaration.method == "PUT"):
            times = 12
        found += [declaration] * times
    return found


def own_mib() -> float:
    """Resident memory without that of the database."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (pages * os.sysconf("SC_PAGE_SIZE") - apsw.memory_used()) / (1 << 20)
