"""A question that waits: one object, for which nothing runs until something happens or its time is over.

Most are then answered on the spot (`crowd`). Who is not goes the whole way again, as a coroutine, and may come to wait anew.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, Union

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from homeserver.logs import current_request
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncQuestion

Found = Union[bytes, "Waiting"]  # itself: it waits again
Recheck = Callable[[], Awaitable[None]]


class Answering(Protocol):
    """Who knows what to say."""

    def at_once(self, waiting: "Waiting", feed: Feed) -> bytes | None:
        """The answer to who was woken, if it takes no waiting."""

    def find(self, waiting: "Waiting") -> Coroutine[Deferred[Any], Any, Found]:
        """The answer, or the question itself if there is none yet."""

    def left(self, waiting: "Waiting", feed: Feed) -> None:
        """It waits no more."""


class Waiting:
    """`recheck` raises if the user, who waits, is no longer let in. `called` and `callback` are those of a Deferred, beside which it waits."""

    __slots__ = ("_answering", "_feed", "_finding", "_request_id", "_tell", "called", "deadline", "question", "recheck")
    _log = Logger()

    def __init__(self, answering: Answering, question: SyncQuestion, recheck: Recheck, deadline: float) -> None:
        self._answering = answering
        self._feed: Feed | None = None  # of which it waits for news
        self._finding: Deferred[Found] | None = None
        self._request_id = current_request.get()
        self._tell: Callable[[bytes | Exception], None] | None = None
        self.called = False
        self.deadline = deadline
        self.question = question
        self.recheck = recheck

    def then(self, tell: Callable[[bytes | Exception], None]) -> None:
        """Who is to be told the answer, once."""
        self._tell = tell

    @property
    def waits(self) -> bool:
        return self._feed is not None

    def wait(self, feed: Feed) -> None:
        """From now on nothing runs."""
        self._feed = feed

    def callback(self, _: None) -> None:
        """Something happened, or the time is over. Before it waits, only `called` says so."""
        self.called = True
        feed = self._leave()
        if feed is None:
            return
        try:
            answer = self._answering.at_once(self, feed)
            if answer is not None:
                self._come(answer)
            else:
                self._find()
        except Exception as error:
            if self._tell is None:
                self._log.failure("a sync was answered, but its client not told")
            self._come(error)

    def cancel(self) -> None:
        """Nobody is there any more to be told."""
        if self._finding is not None:
            self._finding.cancel()
        elif self._leave() is not None:
            self._come(CancelledError())

    def _leave(self) -> Feed | None:
        feed, self._feed = self._feed, None
        if feed is not None:
            self._answering.left(self, feed)
        return feed

    def _find(self) -> None:
        current_request.set(self._request_id)
        finding = self._finding = Deferred.fromCoroutine(self._answering.find(self))
        current_request.set("")
        finding.addCallbacks(self._found, self._failed)

    def _found(self, answer: Found) -> None:
        self._finding = None
        if not isinstance(answer, Waiting):
            self._come(answer)

    def _failed(self, failure: Failure) -> None:
        self._finding = None
        error = failure.value
        self._come(error.with_traceback(failure.getTracebackObject()) if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _come(self, answer: bytes | Exception) -> None:
        self.called = True  # no deadline need know this object any longer
        self.recheck = _nobody  # those that do hold no request
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(answer)


async def _nobody() -> None:
    """There is nobody any more who might not be let in."""
