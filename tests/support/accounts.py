"""Accounts, devices and their endpoints over a database in memory, with the cheapest hashes and everything open."""

from collections.abc import Mapping
from typing import Any

from config.accounts import Addresses, Sessions
from config.accounts import Passwords as PasswordSettings
from config.accounts import Registration as RegistrationSettings
from config.rate_limits import RateLimits
from config.secret import Secret
from config.server import Server, Support
from homeserver.accounts.access_tokens import AccessTokens, AppserviceTokens, NoAppserviceTokens
from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.issue import Issuer
from homeserver.accounts.log_in import LogIn, PasswordCheck
from homeserver.accounts.names import AppserviceNames, Names, NoAppserviceNames
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.refresh import Refresher
from homeserver.accounts.register import Registration
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.accounts.stages import DummyStage, PasswordStage, RegistrationTokenStage, TermsStage
from homeserver.accounts.threepids.identifiers import Identifiers
from homeserver.accounts.threepids.proofs import Proofs
from homeserver.accounts.threepids.threepids import Threepids
from homeserver.admin_api.register import SharedSecretRegister
from homeserver.client_api.discovery import Discovery
from homeserver.client_api.people.account import Account
from homeserver.client_api.people.address_proofs import AddressProofs
from homeserver.client_api.people.administration import Administration
from homeserver.client_api.people.callers import caller_of, note_seen
from homeserver.client_api.people.devices import Devices
from homeserver.client_api.people.fallback import Fallback, LoginPage, Pages
from homeserver.client_api.people.login import Login, LoginTokens, Logout
from homeserver.client_api.people.other_logins import OtherLogins
from homeserver.client_api.people.registration import Register
from homeserver.client_api.people.threepids import ThreepidEndpoints
from homeserver.devices.device_list import DeviceList
from homeserver.devices.last_seen import LastSeen
from homeserver.mail.texts import Texts
from homeserver.streams import Streams
from homeserver.web.endpoint import Caller
from homeserver.web.rate_limit import FailedLogins, LetterLimit
from homeserver.workbench import Pool
from storage.database import Database
from storage.drivers.threads import NoThreads
from storage.people.accounts import StoredAccounts
from storage.people.auth_sessions import StoredAuthSessions, StoredRegistrationTokens
from storage.people.devices import StoredDevices
from storage.people.threepids import StoredProofs, StoredThreepids
from storage.people.tokens import StoredTokens
from tests.support.client import Client, dispatch_for, run
from tests.support.clock import FakeClock, SeededChance
from tests.support.storage import open_memory_database

SECRET = "shared secret"
CHEAP = PasswordSettings(minimum_length=1, memory_kib=8, iterations=1)
OPEN = RegistrationSettings(enabled=True, requires_token=False, guests=True, shared_secret=Secret(SECRET))
NORMAL_SESSIONS = Sessions()
NORMAL_LIMITS = RateLimits(enabled=False)


class NoRooms:
    """Remembers who left all rooms."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.hidden: Mapping[str, int] = {}

    async def leave_all(self, user_id: str) -> None:
        self.left.append(user_id)

    def hide(self, since: Mapping[str, int]) -> None:
        self.hidden = since


class People:
    """All parts of accounts and devices, wired as the server wires them."""

    def __init__(
        self,
        database: Database,
        streams: Streams,
        *,
        registration: RegistrationSettings = OPEN,
        passwords: PasswordSettings = CHEAP,
        sessions: Sessions = NORMAL_SESSIONS,
        limits: RateLimits = NORMAL_LIMITS,
        server: Server | None = None,
        support: Support | None = None,
        pool: Pool | None = None,
        names: AppserviceNames | None = None,
        appservices: AppserviceTokens[Caller] | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.server = server or Server(name="test")
        self.clock = clock or FakeClock()
        self.chance = SeededChance()
        self.streams = streams
        self.database = database
        self.rooms = NoRooms()
        self.names = Names(self.server.name, names or NoAppserviceNames())
        self.issuer = Issuer(sessions, self.clock, self.chance)
        self.passwords = Passwords(passwords, pool or NoThreads().pool("passwords", 1), self.chance)
        self._open_stores()
        self.tokens: AccessTokens[Caller] = AccessTokens(
            self.token_store, streams, self.clock, caller_of, appservices or NoAppserviceTokens()
        )
        self._open_logins(sessions, registration, limits)
        dispatch = dispatch_for(
            *self._chapters(registration, passwords, support or Support()),
            tokens=self.tokens,
            clock=self.clock,
            chance=self.chance,
            seen=note_seen(self.last_seen),
        )
        self.client = Client(dispatch)

    def _open_stores(self) -> None:
        database, clock = self.database, self.clock
        self.account_store = StoredAccounts(database)
        self.token_store = StoredTokens(database)
        self.device_store = StoredDevices(database)
        self.accounts = Accounts(self.account_store, self.streams, self.names, self.passwords, self.issuer, clock)
        self.last_seen = LastSeen(self.device_store, clock)
        self.devices = DeviceList(self.device_store, self.last_seen, clock)
        self.registration_tokens = RegistrationTokens(StoredRegistrationTokens(database), clock, self.chance)
        self.deactivation = Deactivation(self.account_store, self.rooms)
        self.refresher = Refresher(self.token_store, self.issuer, clock)

    def _open_logins(self, sessions: Sessions, registration: RegistrationSettings, limits: RateLimits) -> None:
        clock, chance = self.clock, self.chance
        check = PasswordCheck(self.account_store, self.passwords, FailedLogins(limits, clock))
        lifetime = sessions.login_token_seconds
        self.log_in = LogIn(self.account_store, self.token_store, self.names, check, self.issuer, clock, chance, token_seconds=lifetime)
        self._open_addresses(limits)
        stages = (
            PasswordStage(self.identifiers, check),
            DummyStage(),
            TermsStage(registration.terms),
            RegistrationTokenStage(self.registration_tokens),
        )
        seconds = sessions.interactive_auth_seconds
        self.auth = InteractiveAuth(StoredAuthSessions(self.database), stages, clock, chance, lifetime_seconds=seconds)
        self.registration = Registration(
            registration, self.account_store, self.token_store, self.names, self.passwords, self.issuer, self.auth, clock, chance
        )

    def _open_addresses(self, limits: RateLimits) -> None:
        """No letters are sent."""
        store = StoredThreepids(self.database)
        self.identifiers = Identifiers(self.names, store)
        self.proofs = Proofs(
            settings=Addresses(),
            store=StoredProofs(self.database),
            threepids=store,
            postman=None,
            texts=Texts(self.server.name),
            limit=LetterLimit(limits, self.clock),
            clock=self.clock,
            chance=self.chance,
            public_base_url="",
            seconds=3600,
        )
        self.threepids = Threepids(Addresses(), store, self.proofs, self.clock)

    def _chapters(self, registration: RegistrationSettings, passwords: PasswordSettings, support: Support) -> tuple[object, ...]:
        pages = Pages()
        name = self.server.name
        return (
            Discovery(self.server, support, self.accounts, default_room_version="12", features={"org.example.test": True}),
            Login(
                self.log_in,
                self.refresher,
                self.names,
                self.identifiers,
                self.tokens,
                self.last_seen,
                passwords,
                self.server.public_base_url,
            ),
            LoginTokens(self.log_in, self.accounts, self.auth),
            Logout(self.devices, self.tokens),
            Register(self.registration, self.registration_tokens, self.tokens, self.last_seen, name),
            Account(self.accounts, self.passwords, self.deactivation, self.auth, self.threepids, self.proofs),
            Devices(self.devices, self.auth),
            Administration(self.accounts, self.devices, name),
            OtherLogins(),
            Fallback(self.auth, pages),
            LoginPage(pages),
            ThreepidEndpoints(self.threepids, self.auth),
            AddressProofs(self.proofs, pages, name, registers=lambda: False, may_change=lambda: False),
            SharedSecretRegister(registration.shared_secret, self.accounts, self.clock, self.chance, name),
        )

    def user(self, name: str, password: str = "secret", **more: Any) -> Client:
        """A new user's client."""
        _, grant = run(self.accounts.create(name, password, log_in=True, **more))
        assert grant is not None
        return self.client.with_token(grant.access_token)

    def post(self, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Without a token."""
        return run(self.client.post(path, body, query))

    def count(self, sql: str, *parameters: Any) -> int:
        async def ask() -> int:
            return await self.database.read(lambda cursor: int(cursor.value(sql, *parameters) or 0))

        return run(ask())


def make_people(**settings: Any) -> People:
    """Over a database of its own."""
    streams = Streams()
    return People(run(open_memory_database(streams)), streams, **settings)
