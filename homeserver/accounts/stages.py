"""The stages of user-interactive auth that this server knows (client-server API, "Authentication types")."""

from collections.abc import Sequence
from typing import Any

from config.accounts import Terms as Document
from homeserver.accounts.interactive_auth import Attempt, StageRefused
from homeserver.accounts.log_in import PasswordCheck
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.accounts.threepids.identifiers import Identifiers
from homeserver.errors import Forbidden, MissingParam

PASSWORD = "m.login.password"  # the name of a stage
DUMMY = "m.login.dummy"
TERMS = "m.login.terms"
REGISTRATION_TOKEN = "m.login.registration_token"  # the name of a stage


class PasswordStage:
    """The caller's own password."""

    name = PASSWORD

    def __init__(self, identifiers: Identifiers, passwords: PasswordCheck) -> None:
        self._identifiers = identifiers
        self._passwords = passwords

    def params(self) -> dict[str, Any] | None:
        return None

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:
        password = auth.get("password")
        if not isinstance(password, str):
            raise MissingParam("auth.password is missing")
        if attempt is None or attempt.user_id is None:
            raise Forbidden("There is no account whose password this could be")
        user_id = await self._identifiers.named(auth)
        if user_id is not None and user_id != attempt.user_id:
            raise Forbidden("This is another user")
        try:
            await self._passwords.account(attempt.user_id, password, attempt.address)
        except Forbidden as error:
            raise StageRefused(error.message) from error
        return True


class DummyStage:
    """Always succeeds."""

    name = DUMMY

    def params(self) -> dict[str, Any] | None:
        return None

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:  # part of the port
        return True


class TermsStage:
    """Agreement to the documents; its result says to which versions."""

    name = TERMS

    def __init__(self, documents: Sequence[Document]) -> None:
        self._versions: dict[str, str] = {}
        self._policies: dict[str, dict[str, Any]] = {}
        for document in documents:
            self._versions[document.policy] = document.version
            policy = self._policies.setdefault(document.policy, {"version": document.version})
            policy[document.language] = {"name": document.name, "url": document.url}

    def params(self) -> dict[str, Any] | None:
        return {"policies": self._policies}

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:  # part of the port
        return dict(self._versions)


class RegistrationTokenStage:
    """A token that allows to register; its result is the token."""

    name = REGISTRATION_TOKEN

    def __init__(self, tokens: RegistrationTokens) -> None:
        self._tokens = tokens

    def params(self) -> dict[str, Any] | None:
        return None

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:  # part of the port
        token = auth.get("token")
        if not isinstance(token, str):
            raise MissingParam("auth.token is missing")
        if not await self._tokens.is_valid(token):
            raise StageRefused("This registration token is not valid")
        return token
