"""One application service is told, transaction by transaction: the next goes out once the last was accepted, and one that was begun is sent as it is, under
its ID, until it is (application-service API, "Pushing events").

What must arrive is on disk before it is sent, with the position of the reader. So a crash loses nothing; what was accepted right before it is sent once
more under the ID by which the service knows that it has it. How long to wait after failures is on disk, too; a sign of life ends the wait.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from appservices.appservice import Appservice
from appservices.client import AppserviceClient
from appservices.errors import CannotReach
from appservices.outbound.compose import Composer
from appservices.outbound.gather import Gathering
from appservices.outbound.interest import Interest
from appservices.store import AppserviceStore, Fetched, Progress, Transaction
from homeserver.clock import Chance, Clock
from homeserver.streams import Change, Streams

SAVED_EVERY: Final = 5_000  # positions, where there is nothing to tell
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 600.0
AFTER_SIGN_S: Final = 1.0  # a service that was just started may not listen yet
LEAST_WAIT_S: Final = 5.0  # between two tries, whatever signs there are
TOKEN_LENGTH: Final = 8
MOST_PASSING: Final = 500  # rooms and users, of what passes by itself


class Means(NamedTuple):
    """What all lines share."""

    store: AppserviceStore
    client: AppserviceClient
    composer: Composer
    streams: Streams
    clock: Clock
    chance: Chance


@dataclass(eq=False, slots=True)
class LineFigures:
    accepted: int = 0
    failed: int = 0


class Line:
    _log = Logger()

    def __init__(self, service: Appservice, interest: Interest, gathering: Gathering, means: Means) -> None:
        self.service = service
        self.interest = interest
        self.figures = LineFigures()
        self._gathering = gathering
        self._means = means
        self._done = 0  # told up to here
        self._saved = 0
        self._fetched: tuple[Fetched, ...] = ()  # accepted, and not taken from the database yet
        self._is_stored = False  # the database knows of a transaction under way
        self._transaction: Transaction | None = None
        self._rooms: dict[str, None] = {}  # where somebody began or ceased to type
        self._users: dict[str, None] = {}  # whose presence changed
        self._failures = 0
        self._tried_at = 0.0
        self._retry: IDelayedCall | None = None
        self._retry_at = 0.0
        self._followed = 0  # where the stream was when it was last followed
        self._starting: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopped = True

    @property
    def behind(self) -> int:
        """How many positions it has not been told of."""
        return max(0, self._means.streams.position - self._done)

    async def start(self) -> None:
        means = self._means
        progress = await means.store.progress(self.service.id)
        if progress is None:  # what happened before it was registered is none of its business
            progress = Progress(means.streams.position)
            await means.store.begin(self.service.id, progress.position, None, ())
        self._done = self._saved = progress.position
        self._transaction, self._failures = progress.transaction, progress.failures
        self._is_stored = progress.transaction is not None
        self._stopped = False
        if progress.failures:
            self._wait(min(max(0.0, (progress.retry_ts - means.clock.now_ms()) / 1000), LONGEST_WAIT_S))
        self._wake()

    async def stop(self) -> None:
        """What was not told waits for the next start."""
        if self._stopped:
            return
        self._stopped = True
        self._stop_waiting()
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None
        if self._running is not None:
            running = self._running
            running.cancel()
            await running
        if not self._is_stored or self._transaction is None:
            await self._save()

    def follow(self, changes: list[Change]) -> None:
        """The stream went on."""
        before, self._followed = self._followed, self._means.streams.position
        if self._stopped or self._running is not None or self._retry is not None or self._starting is not None:
            return
        if self._done >= before and changes and all(map(self._gathering.is_idle, changes)):
            self._done = self._followed
            if self._done - self._saved < SAVED_EVERY:
                return
        self._wake()

    def typed(self, room_id: str) -> None:
        if self.service.registration.receive_ephemeral and not self.interest.is_out(room_id):
            self._note(self._rooms, room_id)

    def present(self, user_id: str) -> None:
        if self.service.registration.receive_ephemeral:
            self._note(self._users, user_id)

    def _note(self, noted: dict[str, None], name: str) -> None:
        if self._stopped or len(noted) >= MOST_PASSING:
            return
        noted[name] = None
        self._wake()

    def heard(self) -> None:
        """The service is alive."""
        if self._retry is None:
            return
        now = self._means.clock.monotonic()
        seconds = max(AFTER_SIGN_S, self._tried_at + LEAST_WAIT_S - now)
        if now + seconds < self._retry_at:
            self._wait(seconds)

    # ---------------------------------------------------------------- the work

    def _wake(self) -> None:
        """Soon: whatever comes together is told together."""
        if self._starting is None and self._running is None and self._retry is None and not self._stopped:
            self._starting = self._means.clock.call_later(0, self._start)

    def _start(self) -> None:
        self._starting = None
        running = self._running = Deferred.fromCoroutine(self._run())
        if running.called:
            self._running = None

    async def _run(self) -> None:
        try:
            while not self._stopped and self._retry is None and (self._transaction is not None or await self._begin_next()):
                await self._send(self._transaction)
        except CancelledError:
            if not self._stopped:
                raise
        except Exception:
            self._log.failure("application service {id} could not be told, it is tried again", id=self.service.id)
            self._gathering.begin_anew()
            self._back_off()
        finally:
            self._running = None

    async def _begin_next(self) -> bool:
        """Make the next transaction; False: there is nothing to tell."""
        means = self._means
        while True:
            while self._done < means.streams.position or self._rooms or self._users:
                if await self._make_transaction():
                    return True
            if not self._is_stored and self._done - self._saved < SAVED_EVERY:
                return False
            await self._save()

    async def _make_transaction(self) -> bool:
        """Of the next stretch of the stream; False: it holds no news."""
        means = self._means
        news = await self._gathering.read(self._done)
        rooms, self._rooms = self._rooms, {}
        users, self._users = self._users, {}
        await means.composer.add_passing(news, self.interest, self.service, rooms, users)
        if not news:
            self._done = news.until
            return False
        body = await means.composer.body(self.service, news)
        transaction = Transaction(f"{news.until}-{means.chance.token(TOKEN_LENGTH)}", news.until, body, news.fetched)
        if news.must_arrive:
            await self._save(transaction)
        self._transaction = transaction
        return True

    async def _save(self, transaction: Transaction | None = None) -> None:
        await self._means.store.begin(self.service.id, self._done, transaction, self._fetched)
        self._saved, self._fetched, self._is_stored = self._done, (), transaction is not None

    async def _send(self, transaction: Transaction | None) -> None:
        if transaction is None:
            return
        self._tried_at = self._means.clock.monotonic()
        try:
            answer = await self._means.client.put_transaction(self.service, transaction.txn_id, transaction.body)
            problem = "" if answer.is_good else f"it answered with status {answer.status}"
        except CannotReach as error:
            problem = str(error)
        if problem:
            self._log.warn(
                "application service {id} did not accept transaction {txn}: {problem}",
                id=self.service.id,
                txn=transaction.txn_id,
                problem=problem,
            )
            self.figures.failed += 1
            self._back_off()
            await self._means.store.failed(self.service.id, self._failures, round(self._means.clock.now_ms() + self._left() * 1000))
            return
        self.figures.accepted += 1
        self._failures = 0
        self._done = transaction.until
        self._fetched += transaction.fetched
        self._transaction = None

    def _back_off(self) -> None:
        self._failures += 1
        seconds = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures - 1, 20))
        self._wait(seconds * self._means.chance.uniform(0.8, 1.2))

    def _left(self) -> float:
        return max(0.0, self._retry_at - self._means.clock.monotonic())

    def _wait(self, seconds: float) -> None:
        if self._stopped:
            return
        self._stop_waiting()
        self._retry_at = self._means.clock.monotonic() + seconds
        self._retry = self._means.clock.call_later(seconds, self._again)

    def _again(self) -> None:
        self._retry = None
        self._wake()

    def _stop_waiting(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
