"""The accounts as other parts ask for them."""

import pytest

from config.accounts import Passwords as Settings
from homeserver.accounts.accounts import Accounts
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.store import AuthUse, Creation, NewAccount
from homeserver.errors import InvalidParam, InvalidUsername, NotFound, UserInUse, WeakPassword
from storage.drivers.threads import NoThreads
from tests.support.accounts import People, make_people
from tests.support.client import run
from tests.support.clock import SeededChance


@pytest.fixture
def people() -> People:
    return make_people()


class TestLookups:
    def test_nobody(self, people: People) -> None:
        for user_id in ("@nobody:test", "@alice:elsewhere", "nonsense"):
            assert not run(people.accounts.exists(user_id))
            assert not run(people.accounts.is_admin(user_id))
        with pytest.raises(NotFound):
            run(people.accounts.require("@nobody:test"))

    def test_states(self, people: People) -> None:
        people.user("alice")
        accounts: Accounts = people.accounts
        assert not run(accounts.require("@alice:test")).deactivated
        run(accounts.set_admin("@alice:test", True))
        run(accounts.set_suspended("@alice:test", True))
        run(accounts.set_locked("@alice:test", True))
        account = run(accounts.require("@alice:test"))
        assert (account.is_admin, account.suspended, account.locked) == (True, True, True)
        run(accounts.set_admin("@alice:test", False))
        assert not run(accounts.is_admin("@alice:test"))
        run(people.deactivation.deactivate("@alice:test", erase=False))
        assert run(accounts.exists("@alice:test"))
        assert run(accounts.require("@alice:test")).deactivated

    def test_are_from_memory(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        people.user("alice")
        run(people.accounts.exists("@alice:test"))
        monkeypatch.setattr(people.database, "read", None)
        assert run(people.accounts.exists("@alice:test"))

    def test_setters_need_somebody(self, people: People) -> None:
        for attempt in (people.accounts.set_admin, people.accounts.set_locked, people.accounts.set_suspended):
            with pytest.raises(NotFound):
                run(attempt("@nobody:test", True))
        with pytest.raises(NotFound):
            run(people.accounts.set_password("@nobody:test", "secret"))
        with pytest.raises(NotFound):
            run(people.deactivation.deactivate("@nobody:test", erase=False))


class TestCreation:
    def test_by_an_administrator(self, people: People) -> None:
        user_id, grant = run(people.accounts.create("_Bot", None, displayname="Bot", user_type="bot"))
        assert user_id == "@_bot:test"
        assert grant is None
        assert not run(people.accounts.has_password(user_id))
        with pytest.raises(UserInUse):
            run(people.accounts.create("_bot", None))
        with pytest.raises(InvalidUsername):
            run(people.accounts.create("a b", None))

    def test_is_all_or_nothing(self, people: People) -> None:
        """The name was taken while the password was hashed; the session is gone while the account is made."""
        people.user("alice")
        account = NewAccount("@alice:test", None, 1, "Alice")
        assert run(people.account_store.create(account, None, None)) is Creation.NAME_TAKEN
        _, login = people.issuer.log_in("@bob:test", "PHONE", None, refreshable=True)
        bob = NewAccount("@bob:test", None, 1, "Bob")
        assert run(people.account_store.create(bob, login, AuthUse(b"gone", None))) is Creation.AUTH_USED
        assert run(people.account_store.create(bob, login, AuthUse(None, "no such token"))) is Creation.AUTH_USED
        assert people.count("SELECT count(*) FROM users WHERE user_id = '@bob:test'") == 0
        assert people.count("SELECT count(*) FROM devices WHERE user_id = '@bob:test'") == 0

    def test_only_guests_are_upgraded(self, people: People) -> None:
        people.user("alice")
        account = NewAccount("@alice:test", "stolen", 1, None)
        assert run(people.account_store.upgrade_guest(account, None, None)) is Creation.NAME_TAKEN


class TestPasswords:
    def passwords(self, *, maximum_length: int = 512, iterations: int = 1) -> Passwords:
        return Passwords(
            Settings(maximum_length=maximum_length, memory_kib=8, iterations=iterations), NoThreads().pool("", 1), SeededChance()
        )

    def test_hash_and_verify(self) -> None:
        passwords = self.passwords()
        stored = run(passwords.hash("correct horse"))
        assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
        assert run(passwords.verify("correct horse", stored))
        assert not run(passwords.verify("correct house", stored))
        assert stored != run(passwords.hash("correct horse")), "salted"

    def test_nobody_s_password_is_none(self) -> None:
        passwords = self.passwords()
        assert not run(passwords.verify("", None))
        assert not run(passwords.verify("anything", None))

    @pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$AAAA$"])
    def test_broken_hashes_match_nothing(self, stored: str) -> None:
        assert not run(self.passwords().verify("", stored))

    def test_length_counts_in_bytes_and_is_looked_at_first(self) -> None:
        passwords = self.passwords(maximum_length=12)
        stored = run(passwords.hash("12345678é"))
        assert run(passwords.verify("12345678é", stored))
        assert not run(passwords.verify("12345678é" + "x" * 900_000, stored))
        with pytest.raises(InvalidParam):
            passwords.check_new("éééééééé")
        with pytest.raises(WeakPassword):
            passwords.check_new("1234567")

    def test_cost_that_changed(self) -> None:
        old, new = self.passwords(), self.passwords(iterations=2)
        stored = run(old.hash("correct horse"))
        assert not old.is_outdated(stored)
        assert new.is_outdated(stored)


class TestRegistrationTokens:
    def test_life_of_one(self, people: People) -> None:
        tokens = people.registration_tokens
        made = run(tokens.create(uses_allowed=2))
        assert len(made.token) == 16
        assert run(tokens.find(made.token)) == made
        assert list(run(tokens.all())) == [made]
        changed = run(tokens.limit(made.token, 0, None))
        assert changed.uses_allowed == 0
        assert not tokens.is_usable(changed)
        run(tokens.delete(made.token))
        assert list(run(tokens.all())) == []

    def test_refusals(self, people: People) -> None:
        tokens = people.registration_tokens
        run(tokens.create("one"))
        for token in ("one", "", "x" * 65, "with space", "é"):
            with pytest.raises(InvalidParam):
                run(tokens.create(token))
        with pytest.raises(InvalidParam):
            run(tokens.create("two", uses_allowed=-1))
        with pytest.raises(InvalidParam):
            run(tokens.create("two", expires_ts=people.clock.now_ms()))
        for gone in ("two", "a\0b"):
            with pytest.raises(NotFound):
                run(tokens.find(gone))
            with pytest.raises(NotFound):
                run(tokens.delete(gone))
            with pytest.raises(NotFound):
                run(tokens.limit(gone, None, None))
