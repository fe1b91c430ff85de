"""User-interactive auth (client-server API, "User-Interactive Authentication API").

A session belongs to one user, method and path, and to the parameters of the request that opened it. Who knows its ID may finish it, so only the
hash of the ID is stored; parameters are kept without secrets, for clients that come back with the session alone.
"""

import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from homeserver.accounts.store import AuthSession, AuthSessionStore, AuthUse
from homeserver.accounts.token_text import SESSION, digest, make
from homeserver.clock import Chance, Clock
from homeserver.errors import BadJson, Forbidden, InteractiveAuthRequired, MatrixError, NotFound

Flow = tuple[str, ...]  # the names of its stages, in order
NEVER_STORED = frozenset({"auth", "password", "new_password", "guest_access_token", "token"})
MAX_STORED_BYTES = 65_536
FALLBACK_STAGES = ("m.login.dummy", "m.login.terms", "m.login.registration_token")


class Attempt(NamedTuple):
    """The request that needs to be authorised."""

    method: str
    path: str
    body: dict[str, Any]
    address: str
    user_id: str | None  # None: somebody who has no account yet
    fixed: bool = True  # False: the parameters may change between stages, as they are judged anew each time

    def __repr__(self) -> str:
        return f"<Attempt {self.method} {self.path}>"

    @property
    def operation(self) -> str:
        return f"{self.user_id or ''} {self.method} {self.path}"

    @property
    def parameters(self) -> dict[str, Any]:
        return {key: value for key, value in self.body.items() if key != "auth"}


class Proof(NamedTuple):
    """All stages of a flow are done."""

    parameters: dict[str, Any]  # of the request, or of the one that opened the session
    completed: dict[str, Any]  # stage to its result
    use: AuthUse  # what an account's creation closes in its own transaction


class Stage(Protocol):
    """One way to prove something."""

    @property
    def name(self) -> str: ...

    def params(self) -> dict[str, Any] | None:
        """What the client must know to do it."""

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:
        """The result, as JSON; raises a Matrix error. Without an attempt it comes from the fallback page."""


class InteractiveAuth:
    """Leads through the stages."""

    def __init__(self, store: AuthSessionStore, stages: Sequence[Stage], clock: Clock, chance: Chance, *, lifetime_seconds: int) -> None:
        self._store = store
        self._stages = {stage.name: stage for stage in stages}
        self._clock = clock
        self._chance = chance
        self._lifetime_ms = lifetime_seconds * 1000

    async def require(self, attempt: Attempt, flows: Sequence[Flow], *, close: bool = True) -> Proof:
        """The proof, or InteractiveAuthRequired. A proof is good for one operation; with `close` its session ends here."""
        auth = attempt.body.get("auth")
        if auth is None:
            raise await self._challenge(attempt, flows, {})
        if not isinstance(auth, dict):
            raise BadJson("auth must be an object")
        if not isinstance(auth.get("type"), str | None):
            raise BadJson("auth.type must be text")
        session_id = auth.get("session")
        if session_id is None:
            return await self._in_one_request(attempt, flows, auth)
        if not isinstance(session_id, str):
            raise BadJson("auth.session must be text")
        return await self._go_on(attempt, flows, auth, session_id, close=close)

    async def complete_aside(self, session_id: str, stage: str, auth: dict[str, Any]) -> None:
        """A stage done on its fallback page; NotFound for a session or a stage there is not."""
        session_hash = digest(session_id)
        if stage not in FALLBACK_STAGES or stage not in self._stages or await self._session(session_hash) is None:
            raise NotFound("This page belongs to no running registration")
        result = await self._stages[stage].check(auth, None)
        await self._record(session_hash, stage, result)

    async def is_done(self, session_id: str, stage: str) -> bool:
        """NotFound for an unknown session."""
        session = await self._session(digest(session_id))
        if session is None:
            raise NotFound("This page belongs to no running registration")
        return stage in session.completed

    def params(self, stage: str) -> dict[str, Any]:
        """What the fallback page shows."""
        return (self._stages[stage].params() if stage in self._stages else None) or {}

    async def _in_one_request(self, attempt: Attempt, flows: Sequence[Flow], auth: dict[str, Any]) -> Proof:
        completed: dict[str, Any] = {}
        refusal = await self._try(attempt, flows, auth, completed)
        if refusal is None and _is_complete(flows, completed):
            return Proof(attempt.parameters, completed, AuthUse(None, _registration_token(completed)))
        raise await self._challenge(attempt, flows, completed, refusal)

    async def _go_on(self, attempt: Attempt, flows: Sequence[Flow], auth: dict[str, Any], session_id: str, *, close: bool) -> Proof:
        session_hash = digest(session_id)
        session = await self._session(session_hash)
        if session is None:
            raise await self._challenge(attempt, flows, {}, Forbidden("The session is unknown or has expired"))
        self._check_same(attempt, session, session_id)
        completed = dict(session.completed)
        refusal = await self._try(attempt, flows, auth, completed)
        for stage in completed.keys() - session.completed.keys():
            completed = await self._record(session_hash, stage, completed[stage])
        if refusal is not None or not _is_complete(flows, completed):
            raise InteractiveAuthRequired(**self._answer(flows, completed, session_id, refusal))
        if close and not await self._store.close(session_hash):
            raise Forbidden("The session has been used already")
        parameters = attempt.parameters or session.parameters
        return Proof(parameters, completed, AuthUse(session_hash, _registration_token(completed)))

    async def _try(self, attempt: Attempt, flows: Sequence[Flow], auth: dict[str, Any], completed: dict[str, Any]) -> MatrixError | None:
        """Adds the stage to `completed`, or returns why not; limits and wrong users are raised."""
        name = auth.get("type")
        if name is None or name in completed:
            return None
        if name not in self._stages or not _may_follow(flows, completed, name):
            return Forbidden("This stage is not offered, or not yet")
        try:
            completed[name] = await self._stages[name].check(auth, attempt)
        except StageRefused as refusal:
            return refusal
        return None

    async def _record(self, session_hash: bytes, stage: str, result: Any) -> dict[str, Any]:
        completed = await self._store.complete(session_hash, stage, result, _registration_token({stage: result}))
        if completed is None:
            raise Forbidden("The session is gone, or the registration token has no use left")
        return completed

    async def _session(self, session_hash: bytes) -> AuthSession | None:
        session = await self._store.find(session_hash)
        return session if session is not None and session.created_ts >= self._clock.now_ms() - self._lifetime_ms else None

    def _check_same(self, attempt: Attempt, session: AuthSession, session_id: str) -> None:
        same_body = not attempt.fixed or not attempt.parameters or _body_digest(attempt, session_id) == session.body_digest
        if session.operation != attempt.operation or not same_body:
            raise Forbidden("The session belongs to another request")

    async def _challenge(
        self, attempt: Attempt, flows: Sequence[Flow], completed: dict[str, Any], refusal: MatrixError | None = None
    ) -> InteractiveAuthRequired:
        """Opens a session."""
        session_id = make(self._chance, SESSION)
        now_ms = self._clock.now_ms()
        session = AuthSession(attempt.operation, _body_digest(attempt, session_id), {}, _stored_parameters(attempt), now_ms)
        await self._store.open(digest(session_id), session, now_ms - self._lifetime_ms)
        for stage, result in completed.items():
            await self._record(digest(session_id), stage, result)
        return InteractiveAuthRequired(**self._answer(flows, completed, session_id, refusal))

    def _answer(self, flows: Sequence[Flow], completed: dict[str, Any], session_id: str, refusal: MatrixError | None) -> dict[str, Any]:
        offered = {stage for flow in flows for stage in flow}
        params = {name: given for name in sorted(offered) if name in self._stages and (given := self._stages[name].params()) is not None}
        answer: dict[str, Any] = {
            "flows": [{"stages": list(flow)} for flow in flows],
            "params": params,
            "session": session_id,
            "completed": list(completed),
        }
        return answer if refusal is None else {"errcode": refusal.errcode, "error": refusal.message, **answer}


class StageRefused(Forbidden):
    """The stage failed, but may be tried again."""


def _may_follow(flows: Sequence[Flow], completed: dict[str, Any], stage: str) -> bool:
    """Whether it is the next stage of some flow. Fallback pages know no flows, so what they completed may lie further ahead."""
    return any(completed.keys() <= set(flow) and stage == next((name for name in flow if name not in completed), None) for flow in flows)


def _is_complete(flows: Sequence[Flow], completed: dict[str, Any]) -> bool:
    return any(completed.keys() >= set(flow) for flow in flows)


def _registration_token(completed: dict[str, Any]) -> str | None:
    token = completed.get("m.login.registration_token")
    return token if isinstance(token, str) else None


def _body_digest(attempt: Attempt, session_id: str) -> bytes:
    """Keyed, as a password may be among the parameters and the digest is stored."""
    return hmac.digest(session_id.encode("utf-8", "surrogatepass"), orjson.dumps(attempt.parameters, option=orjson.OPT_SORT_KEYS), "sha256")


def _stored_parameters(attempt: Attempt) -> dict[str, Any]:
    kept = {key: value for key, value in attempt.body.items() if key not in NEVER_STORED}
    return kept if len(orjson.dumps(kept)) <= MAX_STORED_BYTES else {}
