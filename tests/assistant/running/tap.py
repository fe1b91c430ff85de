"""Between the assistant and its homeserver: counts requests, and lets one of them hang, before it is passed on or after."""

import threading
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.appservices.passage import Passage


class Tap(Passage):
    def __init__(self) -> None:
        self.upstream = ""
        self.reached = threading.Event()  # the request that was to hang is there
        self._left = -1  # requests until then; below zero: none is to hang
        self._after = False
        self._lock = threading.Lock()
        super().__init__()

    def hang(self, number: int, *, after: bool) -> None:
        """The request of that number from now gets no answer, nor does any behind it."""
        self.reached.clear()
        self._left, self._after = number, after

    def flow(self) -> None:
        self._left = -1

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = self.body_of(request)
        with self._lock:
            hangs = self._left == 0
            self._left -= self._left > 0
        answer = None if hangs and not self._after else self.ask(urlsplit(self.upstream).netloc, request, body)
        if hangs:
            self.reached.set()
            self.say_nothing(request)
        elif answer is not None:
            self.tell(request, answer)
