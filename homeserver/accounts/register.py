"""Registration: users, guests, guests that become users, users of application services (client-server API, "Account registration")."""

from typing import NamedTuple

from config.accounts import Registration as Settings
from homeserver.accounts.interactive_auth import Attempt, Flow, InteractiveAuth, Proof
from homeserver.accounts.issue import Grant, Issuer
from homeserver.accounts.names import Names
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.stages import DUMMY, REGISTRATION_TOKEN, TERMS
from homeserver.accounts.store import AccountStore, AuthUse, Creation, NewAccount, NewLogin, TokenStore
from homeserver.accounts.threepids.stage import EMAIL_STAGE
from homeserver.accounts.threepids.store import Threepid
from homeserver.accounts.token_text import digest
from homeserver.clock import Chance, Clock
from homeserver.errors import Forbidden, InvalidUsername, MissingParam, ResourceLimitExceeded, ThreepidInUse, Unavailable, UserInUse

_TRIES = 5
_MADE_NAME_BYTES = 6


class Wish(NamedTuple):
    """What the client asked for, beside the proof."""

    username: str | None
    password: str | None
    device_id: str | None
    device_name: str | None
    log_in: bool
    refreshable: bool

    def __repr__(self) -> str:
        return f"<Wish {self.username}>"


Registered = tuple[str, Grant | None]  # the user ID, and the first device where one was asked for


class Registration:
    def __init__(
        self,
        settings: Settings,
        store: AccountStore,
        tokens: TokenStore,
        names: Names,
        passwords: Passwords,
        issuer: Issuer,
        auth: InteractiveAuth,
        clock: Clock,
        chance: Chance,
        *,
        contact: str = "",
    ) -> None:
        """`contact`: the address of whoever looks after the server."""
        self._contact = contact
        self._settings = settings
        self._store = store
        self._tokens = tokens
        self._names = names
        self._passwords = passwords
        self._issuer = issuer
        self._auth = auth
        self._clock = clock
        self._chance = chance
        self._flows = _flows(settings)

    def check_open(self) -> None:
        """Raises Forbidden where people may not register themselves."""
        if not self._settings.enabled:
            raise Forbidden("Registration is disabled")

    async def check_available(self, username: str) -> None:
        """Raises InvalidUsername, Exclusive, UserInUse."""
        await self._new_id(username)

    async def prove(self, attempt: Attempt) -> Proof:
        """The user-interactive auth. Its session ends only with the account's creation."""
        return await self._auth.require(attempt, self._flows, close=False)

    async def _check_full(self) -> None:
        """Raises ResourceLimitExceeded when this server takes no more people."""
        most = self._settings.maximum_accounts
        if most and await self._store.count_people(most) >= most:
            raise ResourceLimitExceeded("This server has as many accounts as it may", admin_contact=self._contact)

    async def check(self, wish: Wish, guest_token: str | None) -> None:
        """What must be told before anything is to be proven."""
        self.check_open()
        await self._check_full()
        if guest_token is not None:
            await self._guest(wish, guest_token)
        elif wish.username is not None:
            await self._new_id(wish.username)
        if wish.password is not None:
            self._passwords.check_new(wish.password)

    async def register(self, wish: Wish, proof: Proof, guest_token: str | None) -> Registered:
        """The account, with its auth used up."""
        if wish.password is None:
            raise MissingParam("password is missing")
        await self._check_full()
        password_hash = await self._passwords.hash(wish.password)
        if guest_token is not None:
            user_id = await self._guest(wish, guest_token)
            account = self._new_account(user_id, password_hash, proof)._replace(displayname=None)
            return await self._finish(wish, account, proof.use, upgrade=True)
        if wish.username is not None:
            user_id = await self._new_id(wish.username)
            return await self._finish(wish, self._new_account(user_id, password_hash, proof), proof.use)
        return await self._under_made_name(wish, password_hash, proof)

    async def register_guest(self, device_name: str | None) -> Registered:
        """A guest, on a device with an ID of our choice."""
        if not self._settings.guests:
            raise Forbidden("This server takes no guests")
        wish = Wish(None, None, None, device_name, log_in=True, refreshable=False)
        for _ in range(_TRIES):
            user_id = self._made_name()
            account = NewAccount(user_id, None, self._clock.now_ms(), user_id[1:].partition(":")[0], is_guest=True)
            if (done := await self._try(wish, account, None)) is not None:
                return done
        raise Unavailable

    async def register_for_appservice(self, appservice: str, wish: Wish) -> Registered:
        """A user in the namespace of the application service that asks; it has no password."""
        if wish.username is None:
            raise MissingParam("username is missing")
        user_id = self._names.new(wish.username, appservice=appservice)
        account = NewAccount(user_id, None, self._clock.now_ms(), user_id[1:].partition(":")[0], appservice=appservice)
        return await self._finish(wish, account, None)

    async def _new_id(self, username: str) -> str:
        user_id = self._names.new(username)
        if await self._store.account(user_id) is not None:
            raise UserInUse
        return user_id

    async def _guest(self, wish: Wish, guest_token: str) -> str:
        """The guest that is to become a user: who holds its token must name it."""
        owner = await self._tokens.owner(digest(guest_token))
        if owner is None or not owner.is_guest:
            raise Forbidden("This is no guest's access token")
        if wish.username is None:
            raise MissingParam("username is missing")
        if self._names.user_id(wish.username.lower()) != owner.user_id:
            raise InvalidUsername("A guest keeps its name")
        return owner.user_id

    def _new_account(self, user_id: str, password_hash: str, proof: Proof) -> NewAccount:
        now_ms, terms, found = self._clock.now_ms(), proof.completed.get(TERMS), proof.completed.get(EMAIL_STAGE)
        name = user_id[1:].partition(":")[0]
        if found is None:
            return NewAccount(user_id, password_hash, now_ms, name, terms=terms)
        threepid = Threepid(found["medium"], found["address"], user_id, found["validated_at"], now_ms)
        return NewAccount(user_id, password_hash, now_ms, name, terms=terms, threepid=threepid, threepid_proof=found["sid"])

    async def _under_made_name(self, wish: Wish, password_hash: str, proof: Proof) -> Registered:
        for _ in range(_TRIES):
            account = self._new_account(self._made_name(), password_hash, proof)
            if (done := await self._try(wish, account, proof.use)) is not None:
                return done
        raise Unavailable

    def _made_name(self) -> str:
        return self._names.user_id(str(int.from_bytes(self._chance.token_bytes(_MADE_NAME_BYTES), "big")))

    async def _finish(self, wish: Wish, account: NewAccount, use: AuthUse | None, *, upgrade: bool = False) -> Registered:
        done = await self._try(wish, account, use, upgrade=upgrade)
        if done is None:
            raise UserInUse
        return done

    async def _try(self, wish: Wish, account: NewAccount, use: AuthUse | None, *, upgrade: bool = False) -> Registered | None:
        """None when the name is taken by now."""
        grant: Grant | None = None
        login: NewLogin | None = None
        if wish.log_in:
            grant, login = self._issuer.log_in(account.user_id, wish.device_id, wish.device_name, refreshable=wish.refreshable)
        create = self._store.upgrade_guest if upgrade else self._store.create
        outcome = await create(account, login, use)
        if outcome is Creation.AUTH_USED:
            raise Forbidden("The session has been used already, or the registration token has no use left")
        if outcome is Creation.THREEPID_TAKEN:
            raise ThreepidInUse
        return None if outcome is Creation.NAME_TAKEN else (account.user_id, grant)


def _flows(settings: Settings) -> tuple[Flow, ...]:
    stages = [REGISTRATION_TOKEN] if settings.requires_token else []
    if settings.terms:
        stages.append(TERMS)
    plain, with_email = tuple(stages or [DUMMY]), (*stages, EMAIL_STAGE)
    return {"none": (plain,), "optional": (plain, with_email), "required": (with_email,)}[settings.email]
