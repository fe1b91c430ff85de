"""Accounts, devices, logins."""

from typing import NamedTuple

from config.server import contact_of
from config.settings import Config
from homeserver.accounts.access_tokens import AccessTokens
from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.issue import Issuer
from homeserver.accounts.log_in import LogIn, PasswordCheck
from homeserver.accounts.names import Names
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.refresh import Refresher
from homeserver.accounts.register import Registration
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.accounts.stages import DummyStage, PasswordStage, RegistrationTokenStage, TermsStage
from homeserver.accounts.store import AccountStore, TokenStore
from homeserver.accounts.threepids.stage import EmailStage
from homeserver.admin_api.notices import NoticeAdministration
from homeserver.admin_api.register import SharedSecretRegister
from homeserver.client_api.discovery import FEATURES, Discovery
from homeserver.client_api.people.account import Account
from homeserver.client_api.people.administration import Administration
from homeserver.client_api.people.callers import caller_of
from homeserver.client_api.people.devices import Devices
from homeserver.client_api.people.fallback import Fallback, LoginPage, Pages
from homeserver.client_api.people.login import Login, LoginTokens, Logout
from homeserver.client_api.people.other_logins import OtherLogins
from homeserver.client_api.people.registration import Register
from homeserver.client_api.people.threepids import ThreepidEndpoints
from homeserver.control.commands import AdministratorCommands
from homeserver.devices.device_list import DeviceList
from homeserver.devices.last_seen import LastSeen
from homeserver.rooms.members.departure import Departure
from homeserver.rooms.members.limits import UserLimits
from homeserver.web.endpoint import Caller
from homeserver.web.rate_limit import FailedLogins
from homeserver.wiring.accounts.commands import build_commands, build_notices
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.reaching.addresses import Addresses, build_addresses, proof_chapter
from homeserver.wiring.reaching.appservices import Enlisted
from homeserver.wiring.rooms import Rooms
from storage.people.accounts import StoredAccounts
from storage.people.auth_sessions import StoredAuthSessions, StoredRegistrationTokens
from storage.people.devices import StoredDevices
from storage.people.tokens import StoredTokens


class People(NamedTuple):
    accounts: Accounts
    tokens: AccessTokens[Caller]
    last_seen: LastSeen
    auth: InteractiveAuth
    deactivation: Deactivation
    commands: AdministratorCommands
    addresses: Addresses
    chapters: Chapters


def build_people(ground: Ground, rooms: Rooms, enlisted: Enlisted) -> People:
    config, clock, chance = ground.config, ground.clock, ground.chance
    store, token_store, device_store = StoredAccounts(ground.database), StoredTokens(ground.database), StoredDevices(ground.database)
    names = Names(config.server.name, enlisted.names, reserved={config.server_notices.localpart})
    issuer = Issuer(config.sessions, clock, chance)
    passwords = Passwords(config.passwords, ground.threads.pool("passwords", config.passwords.threads), chance)
    accounts = Accounts(store, ground.streams, names, passwords, issuer, clock)
    tokens: AccessTokens[Caller] = AccessTokens(token_store, ground.streams, clock, caller_of, enlisted.tokens)
    last_seen = LastSeen(device_store, clock)
    devices = DeviceList(device_store, last_seen, clock)
    registration_tokens = RegistrationTokens(StoredRegistrationTokens(ground.database), clock, chance)
    check = PasswordCheck(store, passwords, FailedLogins(config.rate_limits, clock))
    lifetime, limits = config.sessions.login_token_seconds, UserLimits(config.user_limits, config.server)
    log_in = LogIn(store, token_store, names, check, issuer, clock, chance, token_seconds=lifetime, limits=limits)
    refresher = Refresher(token_store, issuer, clock)
    addresses = build_addresses(ground, names)
    auth = _interactive_auth(ground, addresses, check, registration_tokens)
    registration = _registration(ground, store, token_store, names, passwords, issuer, auth)
    deactivation = Deactivation(store, Departure(rooms.members, rooms.writing.membership, rooms.erased))
    notices = build_notices(ground, rooms, accounts)
    commands = build_commands(ground, notices, accounts, deactivation, registration_tokens, names)
    pages = Pages()
    chapters = (
        _discovery(config, accounts, addresses),
        Login(log_in, refresher, names, addresses.identifiers, tokens, last_seen, config.passwords, config.server.public_base_url),
        LoginTokens(log_in, accounts, auth),
        Logout(devices, tokens),
        Register(registration, registration_tokens, tokens, last_seen, config.server.name),
        Account(accounts, passwords, deactivation, auth, addresses.threepids, addresses.proofs),
        Devices(devices, auth),
        Administration(accounts, devices, config.server.name),
        OtherLogins(),
        Fallback(auth, pages),
        LoginPage(pages),
        ThreepidEndpoints(addresses.threepids, auth),
        proof_chapter(ground, addresses, pages),
        SharedSecretRegister(config.registration.shared_secret, accounts, clock, chance, config.server.name),
        NoticeAdministration(notices, clock),
    )
    return People(accounts, tokens, last_seen, auth, deactivation, commands, addresses, chapters)


def _interactive_auth(
    ground: Ground, addresses: Addresses, passwords: PasswordCheck, registration_tokens: RegistrationTokens
) -> InteractiveAuth:
    stages = (
        PasswordStage(addresses.identifiers, passwords),
        DummyStage(),
        TermsStage(ground.config.registration.terms),
        RegistrationTokenStage(registration_tokens),
        EmailStage(addresses.proofs),
    )
    seconds = ground.config.sessions.interactive_auth_seconds
    return InteractiveAuth(StoredAuthSessions(ground.database), stages, ground.clock, ground.chance, lifetime_seconds=seconds)


def _registration(
    ground: Ground, store: AccountStore, tokens: TokenStore, names: Names, passwords: Passwords, issuer: Issuer, auth: InteractiveAuth
) -> Registration:
    config = ground.config
    contact = contact_of(config.support, config.server)
    return Registration(config.registration, store, tokens, names, passwords, issuer, auth, ground.clock, ground.chance, contact=contact)


def _discovery(config: Config, accounts: Accounts, addresses: Addresses) -> Discovery:
    return Discovery(
        config.server,
        config.support,
        accounts,
        default_room_version=config.rooms.default_version,
        takes_passwords=config.passwords.login,
        features=FEATURES,
        capabilities={
            "m.3pid_changes": {"enabled": addresses.threepids.may_change},
            "io.element.msc4452.preview_url": {"enabled": config.media.url_previews},
        },
    )
