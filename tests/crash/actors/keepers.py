"""Those who change what is no message: account data, state, membership, logins, rooms. Each knows what the server must still say after a crash."""

import asyncio
import random
from typing import Any

from tests.crash.actors.journal import Journal
from tests.crash.actors.link import Gone, Link, room_path

PASSWORD = "correct horse battery staple"
USERS = "/_matrix/client/v3/user"
RECENT = 4


class Keeper:
    """Counts on and on; `acknowledged` and `tried` are the newest numbers."""

    pause = 0.1

    def __init__(self, user_id: str, link: Link, journal: Journal, seed: str) -> None:
        self.user_id = user_id
        self.link = link
        self.acknowledged = 0
        self.tried = 0
        self.stopping = False
        self.chance = random.Random(seed)
        self._journal = journal

    async def run(self) -> None:
        try:
            while not self.stopping:
                self.tried += 1
                what = type(self).__name__
                self._journal.tried(what, self.tried)
                if await self.change(self.tried):
                    self.acknowledged = self.tried
                    self._journal.answered(what, self.tried)
                await asyncio.sleep(self.chance.expovariate(1 / self.pause))
        except Gone:
            return

    async def change(self, number: int) -> bool:
        """Whether it was acknowledged; a 503 says nothing."""
        raise AssertionError

    async def check(self) -> None:
        """After a restart."""
        raise AssertionError

    async def ask(self, method: str, path: str, body: Any = None, *, link: Link | None = None) -> Any:
        """The JSON of a 200; None for a 503."""
        status, answer = await (link or self.link).ask(method, path, body)
        if status == 503:
            return None
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def hold(self, found: int) -> None:
        """What is stored lies between what was acknowledged and what was tried."""
        if not self.acknowledged <= found <= self.tried:
            raise AssertionError(f"{type(self).__name__}: {found} is stored, {self.acknowledged} acknowledged, {self.tried} tried")


class DataKeeper(Keeper):
    """Account data."""

    @property
    def path(self) -> str:
        return f"{USERS}/{self.user_id}/account_data/crash.count"

    async def change(self, number: int) -> bool:
        return await self.ask("PUT", self.path, {"n": number}) is not None

    async def check(self) -> None:
        status, answer = await self.link.ask("GET", self.path)
        self.hold(answer["n"] if status == 200 else 0)


class TopicKeeper(Keeper):
    """A room's state."""

    room_id = ""

    async def change(self, number: int) -> bool:
        return await self.ask("PUT", room_path(self.room_id, "state", "m.room.topic"), {"topic": str(number)}) is not None

    async def check(self) -> None:
        status, answer = await self.link.ask("GET", room_path(self.room_id, "state", "m.room.topic"))
        self.hold(int(answer["topic"]) if status == 200 else 0)


class Wanderer(Keeper):
    """Joins and leaves, by turns: odd numbers are joins."""

    room_id = ""

    async def change(self, number: int) -> bool:
        return await self.ask("POST", room_path(self.room_id, "join" if number % 2 else "leave"), {}) is not None

    async def check(self) -> None:
        joined = self.room_id in (await self.link.ok("GET", "/_matrix/client/v3/joined_rooms"))["joined_rooms"]
        possible = {number % 2 == 1 for number in range(self.acknowledged, self.tried + 1)}
        if joined not in possible:
            raise AssertionError(f"Wanderer: joined is {joined} after {self.acknowledged}, {self.tried} tried")
        if self.tried % 2 != joined:
            self.tried += 1  # go on from where the server is
        self.acknowledged = self.tried


class Founder(Keeper):
    """Rooms: whole or not at all."""

    pause = 0.3

    def __init__(self, user_id: str, link: Link, journal: Journal, seed: str) -> None:
        super().__init__(user_id, link, journal, seed)
        self.made: dict[int, str] = {}
        self._looked_at: dict[str, str] = {}

    async def change(self, number: int) -> bool:
        made = await self.ask("POST", "/_matrix/client/v3/createRoom", {"name": str(number), "topic": "kept", "preset": "public_chat"})
        if made is None:
            return False
        self.made[number] = made["room_id"]
        return True

    async def check(self) -> None:
        joined = (await self.link.ok("GET", "/_matrix/client/v3/joined_rooms"))["joined_rooms"]
        for room_id in joined:
            if room_id not in self._looked_at:
                state = {event["type"]: event["content"] for event in await self.link.ok("GET", room_path(room_id, "state"))}
                self._looked_at[room_id] = state["m.room.name"]["name"]
                assert state["m.room.topic"]["topic"] == "kept", state
                assert {"m.room.create", "m.room.power_levels", "m.room.join_rules", "m.room.member"} <= set(state), state
        lost = set(self.made.values()) - set(joined)
        assert not lost, f"rooms {lost} are lost"
        names = [self._looked_at[room_id] for room_id in joined]
        assert len(names) == len(set(names)), "a room was made twice"


class Guest(Keeper):
    """Logins and logouts: a token that was given works, one that was taken back does not."""

    pause = 0.15

    def __init__(self, user_id: str, link: Link, journal: Journal, seed: str) -> None:
        super().__init__(user_id, link, journal, seed)
        self._valid: list[str] = []
        self._invalid: list[str] = []
        self._leaving: str | None = None

    async def change(self, number: int) -> bool:
        body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": self.user_id}, "password": PASSWORD}
        given = await self._once("", "login", body)
        if given is None:
            return False
        self._valid.append(given["access_token"])
        if len(self._valid) > RECENT:
            self._leaving = self._valid.pop(0)
            if await self._once(self._leaving, "logout", {}) is not None:
                self._invalid = [*self._invalid, self._leaving][-RECENT:]
            self._leaving = None
        return True

    async def _once(self, token: str, what: str, body: Any) -> Any:
        link = Link(self.link.port, token)
        try:
            return await self.ask("POST", f"/_matrix/client/v3/{what}", body, link=link)
        finally:
            link.close()

    async def check(self) -> None:
        for tokens, expected in ((self._valid, 200), (self._invalid, 401)):
            for token in tokens:
                link = Link(self.link.port, token)
                status, answer = await link.ask("GET", "/_matrix/client/v3/account/whoami")
                link.close()
                assert status == expected, (status, answer)
