"""The users as whom application services act where they name no other (`sender_localpart`): each has an account, made by the first start."""

from typing import Protocol

from appservices.appservice import Appservices
from homeserver.accounts.store import Account, AuthUse, Creation, NewAccount, NewLogin
from homeserver.clock import Clock


class AccountStore(Protocol):
    async def account(self, user_id: str) -> Account | None: ...

    async def create(self, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation: ...


async def make_senders(services: Appservices, accounts: AccountStore, clock: Clock) -> None:
    for service in services:
        if await accounts.account(service.sender) is None:
            name = service.registration.sender_localpart
            await accounts.create(NewAccount(service.sender, None, clock.now_ms(), name, appservice=service.id), None, None)
