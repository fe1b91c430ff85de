"""Proof of an e-mail address: a letter with a link and a code, and a session that knows whether it came back.

Client-server API, "requestToken" of registration, password and account; Identity Service API, "submitToken". Whoever asks never learns whether an
address belongs to an account: the letter says so to its owner. Only somebody who is logged in and wants to add a taken address is told.
"""

import hmac
import re
from typing import NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

from config.accounts import Addresses
from homeserver.accounts.threepids.store import ProofSession, ProofStore, ThreepidStore
from homeserver.accounts.token_text import digest
from homeserver.clock import Chance, Clock
from homeserver.errors import (
    InvalidParam,
    MatrixError,
    SessionExpired,
    ThreepidAuthFailed,
    ThreepidDenied,
    ThreepidInUse,
    ThreepidNotSupported,
    TokenIncorrect,
)
from homeserver.mail.addresses import canonical, is_address
from homeserver.mail.letter import Letter, Postman
from homeserver.mail.texts import Texts

EMAIL = "email"
REGISTER, RESET, ADD = "register", "reset", "add"  # what a proof is good for
CONFIRM_PATH = "/_matrix/chatme/email/confirm"
SUBMIT_PATH = "/_matrix/chatme/email/submitToken"

CODE_LENGTH = 16
SID_LENGTH = 24
MAX_WRONG_CODES = 10
MAX_LINK = 1024
_SECRET = re.compile(r"[0-9a-zA-Z.=_-]{1,255}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class LetterLimit(Protocol):
    def take(self, address: str) -> None:
        """Raises LimitExceeded when too many letters went to this address lately."""


class Wanted(NamedTuple):
    """What a client asks for. `user_id` is the caller, where there is one."""

    purpose: str
    email: str
    client_secret: str
    send_attempt: int
    next_link: str | None
    user_id: str | None


class Proven(NamedTuple):
    address: str
    validated_ts: int
    sid: str


class Proofs:
    def __init__(
        self,
        *,
        settings: Addresses,
        store: ProofStore,
        threepids: ThreepidStore,
        postman: Postman | None,
        texts: Texts,
        limit: LetterLimit,
        clock: Clock,
        chance: Chance,
        public_base_url: str,
        seconds: int,
    ) -> None:
        self._settings = settings
        self._store = store
        self._threepids = threepids
        self._postman = postman
        self._texts = texts
        self._limit = limit
        self._clock = clock
        self._chance = chance
        self._base_url = public_base_url.rstrip("/")
        self._lifetime_ms = seconds * 1000
        self._domains = frozenset(domain.lower() for domain in settings.domains)

    @property
    def possible(self) -> bool:
        """Whether this server can send letters at all."""
        return self._postman is not None

    @property
    def submit_url(self) -> str:
        return self._base_url + SUBMIT_PATH

    async def request(self, wanted: Wanted) -> str:
        """The ID of a session, once the letter is on its way. The same request again sends no second one."""
        if self._postman is None:
            raise ThreepidNotSupported("This server sends no mail")
        address = self._checked(wanted)
        owner = await self._threepids.owner(EMAIL, address)
        if owner is not None and wanted.purpose == ADD and wanted.user_id is not None:
            raise ThreepidInUse
        code = self._chance.token(CODE_LENGTH)
        provable = (owner is not None) == (wanted.purpose == RESET)
        session = ProofSession(
            sid=self._chance.token(SID_LENGTH),
            purpose=wanted.purpose,
            address=address,
            secret_hash=digest(wanted.client_secret),
            send_attempt=wanted.send_attempt,
            code_hash=digest(code) if provable else None,
            next_link=wanted.next_link,
            created_ts=self._clock.now_ms(),
        )
        sid, due = await self._store.open(session, session.created_ts - self._lifetime_ms)
        if due:
            await self._send(self._postman, sid, self._letter(wanted.purpose, address, sid, code if provable else None))
        return sid

    async def submit(self, sid: str, code: str, client_secret: str | None) -> str | None:
        """Proves the address; the next link. A browser that came by the link in the letter knows no secret.

        Raises TokenIncorrect, SessionExpired.
        """
        session = await self.look(sid)
        if client_secret is not None and not hmac.compare_digest(digest(client_secret), session.secret_hash):
            raise TokenIncorrect
        if session.wrong_codes >= MAX_WRONG_CODES:
            raise SessionExpired
        if session.code_hash is None or not hmac.compare_digest(digest(code), session.code_hash):
            await self._store.count_wrong(sid)
            raise TokenIncorrect
        if session.validated_ts is None:
            await self._store.prove(sid, self._clock.now_ms())
        return session.next_link

    async def look(self, sid: str) -> ProofSession:
        """A session that runs; raises SessionExpired."""
        session = await self._store.find(sid)
        if session is None or (session.validated_ts or session.created_ts) < self._clock.now_ms() - self._lifetime_ms:
            raise SessionExpired
        return session

    async def proven(self, purpose: str, sid: object, client_secret: object) -> Proven:
        """Raises ThreepidAuthFailed, also for what was proven for another purpose."""
        session = await self._store.find(sid) if isinstance(sid, str) and "\0" not in sid else None
        if (
            session is None
            or not isinstance(client_secret, str)
            or not hmac.compare_digest(digest(client_secret), session.secret_hash)
            or session.purpose != purpose
            or session.validated_ts is None
            or session.validated_ts < self._clock.now_ms() - self._lifetime_ms
        ):
            raise ThreepidAuthFailed
        return Proven(session.address, session.validated_ts, session.sid)

    async def use_up(self, sid: str) -> None:
        """A proof is good for one thing; raises ThreepidAuthFailed when it was used meanwhile."""
        if not await self._store.close(sid):
            raise ThreepidAuthFailed

    def _checked(self, wanted: Wanted) -> str:
        """The canonical address; raises InvalidParam, ThreepidDenied."""
        if _SECRET.fullmatch(wanted.client_secret) is None:
            raise InvalidParam("client_secret must have 1 to 255 characters of 0-9 a-z A-Z . = _ -")
        if not is_address(wanted.email):
            raise InvalidParam("This is no e-mail address that mail could be sent to")
        if wanted.next_link is not None:
            check_next_link(wanted.next_link)
        address = canonical(wanted.email)
        if wanted.purpose != RESET and self._domains and address.rpartition("@")[2] not in self._domains:
            raise ThreepidDenied("Addresses of this domain are not taken here")
        return address

    def _letter(self, purpose: str, address: str, sid: str, code: str | None) -> Letter:
        if code is None:
            return self._texts.letter("unknown" if purpose == RESET else "taken", address)
        link = f"{self._base_url}{CONFIRM_PATH}?{urlencode({'sid': sid, 'token': code})}"
        return self._texts.letter(purpose, address, link=link, code=code)

    async def _send(self, postman: Postman, sid: str, letter: Letter) -> None:
        try:
            self._limit.take(letter.to)
            await postman.send(letter)
        except MatrixError:
            await self._store.unsent(sid)
            raise


def check_next_link(link: str) -> None:
    """Raises InvalidParam for what is no plain web address."""
    try:
        parts = urlsplit(link)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        fine = False
    if not fine or len(link) > MAX_LINK or _VISIBLE.fullmatch(link) is None or "\\" in link:
        raise InvalidParam("next_link must be an http or https address")
