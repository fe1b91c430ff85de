"""Finding events by what they say, with and without blocks: the same on every database, and the same as looking at everything."""

from random import Random

import orjson
import pytest

from homeserver.rooms.store import OUTLIER, REDACTED, SOFT_FAILED, StoredEvent
from homeserver.search import block
from homeserver.search.store import SEARCHED, WHOLE, Block, Found
from homeserver.search.term import Term
from homeserver.search.text import document
from storage.database import Database, WriteCursor
from storage.event_rows import RoomNames
from storage.finding.search import HIGHEST, LOWEST, StoredSearch
from tests.search.texts import says, sentence, term
from tests.storage.rooms.rows import OTHER, ROOM, UNKNOWN, Rooms, Row
from tests.support.loop import ThreadLoop

TYPES = ("m.room.message", "m.room.message", "m.room.message", "m.room.topic", "m.room.member", "m.reaction")


class Question:
    def __init__(self, text: str) -> None:
        self.term = Term.read(text)
        self.looked_at = 0
        self.slots = {slot for word in self.term.folded for slot in block.slots(word)}

    def candidates(self, body: bytes) -> list[int]:
        return block.candidates(body, self.slots)

    def match(self, event: StoredEvent) -> Found | None:
        self.looked_at += 1
        said = document(event.type, event.body)
        rank = None if said is None else self.term.rank(said.text)
        return None if rank is None else Found(event, rank, None)


class World:
    def __init__(self, loop: ThreadLoop, database: Database) -> None:
        self.run = loop.run
        self.rooms = Rooms(database, loop)
        self.store = StoredSearch(database, RoomNames())
        self.said: dict[int, str] = {}
        self.num = 0

    def say(self, texts: dict[int, str], *, room_num: int = 1, type: str = "m.room.message", flags: int = 0) -> None:
        """Position → text."""
        self.num += len(texts)
        rows = [Row(self.num - number, position, room_num, flags, type=type) for number, position in enumerate(texts)]
        self.rooms.insert(rows)
        key = {"m.room.topic": "topic"}.get(type, "body")
        bodies = [(b'"content":%b' % orjson.dumps({key: text}), position) for position, text in texts.items()]
        self.rooms.execute("UPDATE events SET body = ? WHERE position = ?", bodies)
        if room_num == 1 and type in SEARCHED and not flags:
            self.said.update(texts)

    def index(self, room_id: str = ROOM) -> int:
        """All blocks there can be; how many."""
        count = 0
        while isinstance(found := self.run(self.store.missing(room_id, block.write)), Block):
            self.run(self.store.keep(found))
            count += 1
        return count

    def find(self, text: str, after: int = LOWEST, before: int = HIGHEST, most: int = 100) -> list[int]:
        found: list[int] = []
        rest: int | None = before
        while rest is not None:
            matches = self.run(self.store.find(ROOM, Question(text), after=after, before=rest, most=most))
            found.extend(match.event.position or 0 for match in matches.found)
            assert matches.before is None or matches.before < rest
            rest = matches.before
        return found

    def expected(self, text: str, after: int = LOWEST, before: int = HIGHEST) -> list[int]:
        return sorted((place for place, said in self.said.items() if after < place < before and says(said, text)), reverse=True)

    def check(self, random: Random, times: int = 10) -> None:
        places = [LOWEST, *sorted(self.said), HIGHEST]
        for _ in range(times):
            asked = term(random, random.choice(list(self.said.values())))
            after, before = sorted(random.sample(places, 2)) if random.random() < 0.5 else (LOWEST, HIGHEST)
            assert self.find(asked, after, before, random.choice((50, 1000))) == self.expected(asked, after, before), asked


@pytest.fixture
def world(loop: ThreadLoop, database: Database) -> World:
    return World(loop, database)


@pytest.mark.parametrize("seed", range(2))
def test_found_is_what_is_there(world: World, seed: int) -> None:
    """With blocks above and below, and everything between."""
    random = Random(seed)
    position, lowest, blocks = 0, 0, 0
    for _ in range(3):
        for type in TYPES:
            for flags in (0, 0, 0, SOFT_FAILED, REDACTED, OUTLIER):
                position += 100
                world.say({position + number: sentence(random) for number in range(random.randint(1, 15))}, type=type, flags=flags)
        world.say({position + 50 + number: sentence(random) for number in range(10)}, room_num=2)
        count = random.randint(200, 400)
        world.say({lowest - number: sentence(random) for number in range(1, count + 1)})  # history that came later
        lowest -= count
        world.check(random)
        blocks += world.index()
        world.check(random)
    assert blocks > 2
    assert world.run(world.store.find(UNKNOWN, Question("x"), after=LOWEST, before=HIGHEST, most=9)).found == []


def test_a_block_saves_looking(world: World) -> None:
    world.say({position: f"number {position}" for position in range(1, 513)})
    world.say({600: "needle"})
    world.say({position: f"number {position}" for position in range(700, 1300)})
    assert world.index() == 4
    question = Question("needle")
    assert [match.event.position for match in world.run(world.store.find(ROOM, question, after=0, before=2000, most=1000)).found] == [600]
    assert question.looked_at < 120


def test_much_else_makes_a_block_too(world: World) -> None:
    world.say(dict.fromkeys(range(1, WHOLE - 20), ""), type="m.room.member")
    assert world.run(world.store.missing(ROOM, block.write)) == WHOLE - 21
    world.say({WHOLE: "one", WHOLE + 1: "two", WHOLE + 2: "three"})
    assert world.index() == 1
    assert world.find("two") == [WHOLE + 1]


def test_long_events_make_a_block_sooner(world: World) -> None:
    world.say({position: f"number {position} " + "and so on " * 5_000 for position in range(1, 60)})
    assert world.index() > 1
    assert world.find("17") == [17]
    matches = world.run(world.store.find(ROOM, Question("so"), after=LOWEST, before=HIGHEST, most=100))
    assert len(matches.found) < 30
    assert matches.before is not None
    assert world.find("so") == world.expected("so")


def test_words_of_redacted_events_go(world: World) -> None:
    world.say({position: f"word {position}" for position in range(1, 257)})
    world.say({300: "secret"})
    assert world.index() == 1

    def redact(cursor: WriteCursor) -> None:
        for position in (7, 300):
            cursor.run("UPDATE events SET body = ?, flags = ? WHERE position = ?", b'"content":{}', REDACTED, position)
            cursor.run("INSERT INTO search_stale (room_num, position) VALUES (1, ?)", position)

    def bodies() -> list[bytes]:
        rows = world.run(world.rooms.database.read(lambda cursor: cursor.all("SELECT body FROM search_blocks")))
        return [bytes(row[0]) for row in rows]

    assert 7 in block.candidates(bodies()[0], block.slots("7"))
    world.run(world.rooms.database.write(redact))
    assert world.run(world.store.stale()) == [(ROOM, 7), (ROOM, 300)]
    assert world.find("secret") == []
    world.run(world.store.renew(ROOM, [7, 300], block.write))
    assert world.run(world.store.stale()) == []
    assert 7 not in block.candidates(bodies()[0], block.slots("7"))
    del world.said[7]
    assert world.find("word") == world.expected("word")


def test_what_the_index_asks(world: World) -> None:
    store = world.store
    assert world.run(store.position()) == 0
    world.run(store.set_position(7))
    assert world.run(store.position()) == 7
    world.say(dict.fromkeys(range(1, 300), "word"))
    world.say({500: "elsewhere"}, room_num=2)
    assert world.run(store.touched(0, 500)) == {ROOM, OTHER}
    assert world.run(store.touched(300, 500)) == {OTHER}
    assert world.run(store.missing(UNKNOWN, block.write)) == 0
    first = world.run(store.missing(ROOM, block.write))
    assert isinstance(first, Block)
    for body in (first.body, b""):
        world.run(store.keep(first._replace(body=body)))  # the first one stays
    assert len(world.find("word")) == 299
    world.run(store.drop(ROOM))
    assert world.run(store.missing(ROOM, block.write)) == first
    assert world.run(store.encrypted([ROOM, OTHER, UNKNOWN])) == set()
    world.rooms.execute("INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, 'm.room.encryption', '', 1)", [(2,)])
    assert world.run(store.encrypted([ROOM, OTHER])) == {OTHER}
