import pytest
from twisted.internet.defer import Deferred

from homeserver.stream_cache import StreamCache
from homeserver.streams import Change
from tests.support.client import run, start


class World:
    """Values are lists of positions; what the store says is `stored`, when the gate lets it."""

    def __init__(self, capacity: int = 100) -> None:
        self.stored: dict[str, list[int]] = {}
        self.loads = 0
        self.gate: Deferred[None] | None = None
        self.cache: StreamCache[list[int]] = StreamCache(self.load, self.apply, lambda value: 1 + len(value), capacity)

    async def load(self, key: str) -> list[int]:
        self.loads += 1
        value = list(self.stored.get(key, ()))
        if self.gate is not None:
            await self.gate
        return value

    def apply(self, value: list[int], change: Change) -> bool:
        if change.subject is None:
            return False
        if change.position not in value:
            value.append(change.position)
        return True

    def change(self, key: str, position: int, subject: object = True) -> None:
        self.stored.setdefault(key, []).append(position)
        self.cache.follow(key, Change(position, "x", subject=subject))


@pytest.fixture
def world() -> World:
    return World()


def test_values_are_loaded_once_and_follow_the_stream(world: World) -> None:
    world.change("a", 1)
    assert run(world.cache.get("a")) == [1]
    world.change("a", 2)
    world.change("b", 3)
    assert world.cache.peek("a") == [1, 2]
    assert run(world.cache.get("a")) is world.cache.peek("a")
    assert (world.cache.peek("b"), world.loads) == (None, 1)


def test_a_load_that_is_overtaken_by_another_misses_nothing(world: World) -> None:
    first_gate: Deferred[None] = Deferred()
    second_gate: Deferred[None] = Deferred()
    world.gate = first_gate
    first = start(world.cache.get("a"))
    world.gate = second_gate
    second = start(world.cache.get("a"))
    second_gate.callback(None)
    world.cache.drop("a")
    world.change("a", 1)
    first_gate.callback(None)
    assert (first.result, second.result) == ([1], [])


def test_a_change_during_the_load_is_not_missed(world: World) -> None:
    world.gate = Deferred()
    loading = start(world.cache.get("a"))
    second = start(world.cache.get("a"))
    world.change("a", 1)
    world.gate.callback(None)
    assert loading.result == second.result == [1]
    assert world.cache.peek("a") is loading.result


@pytest.mark.parametrize("cleared", [True, False])
def test_what_cannot_be_applied_is_loaded_anew(world: World, cleared: bool) -> None:
    world.gate = Deferred()
    loading = start(world.cache.get("a"))
    world.stored["a"] = [1]
    if cleared:
        world.cache.clear()
    else:
        world.change("a", 2, subject=None)
    gate, world.gate = world.gate, None
    gate.callback(None)
    assert loading.result == world.stored["a"]
    assert world.loads == 2
    world.change("a", 3, subject=None)
    assert world.cache.peek("a") is None


def test_a_failed_load_leaves_nothing_behind(world: World) -> None:
    world.gate = Deferred()
    loading = start(world.cache.get("a"))
    failed: list[object] = []
    loading.addErrback(failed.append)
    world.gate.errback(ValueError())
    world.gate = None
    assert len(failed) == 1
    assert run(world.cache.get("a")) == []


def test_the_longest_unused_make_room() -> None:
    world = World(capacity=6)
    for key in "abc":
        world.change(key, 1)
        run(world.cache.get(key))
    world.cache.peek("a")
    world.change("c", 2)
    run(world.cache.get("d"))
    assert [key for key in "abcd" if world.cache.peek(key) is not None] == ["a", "c", "d"]
    world.cache.drop("a")
    world.cache.drop("a")
    assert len(world.cache) == 2
