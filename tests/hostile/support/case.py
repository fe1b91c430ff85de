"""A case: the lie, and the honest control beside it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.hostile.support.scene import Scene

Act = Callable[[Scene], None]
BOTH, TWELVE = ("11", "12"), ("12",)  # what has nothing to do with the version is tried in one


class Case(NamedTuple):
    """`rows`: of RELIABILITY's table 1. `room`: there is a room that all of them are in; `versions`: of rooms, in which it is tried."""

    name: str
    rows: Sequence[int]
    lie: Act
    control: Act
    room: bool = True
    versions: Sequence[str] = BOTH
    shared: bool = False  # it leaves the room as it was, and may stand in one with others


def arrived(scene: Scene) -> None:
    """What was sent with the lie is there."""
    assert scene.honest
    for event_id in scene.honest:
        assert scene.world.home.run(scene.alice.get(f"/_matrix/client/v3/rooms/{scene.room}/event/{event_id}"))[0] == 200


def offered(row: int, lies: dict[str, Callable[[Scene], Any]], versions: Sequence[str] = BOTH) -> list[Case]:
    """Events that no rule allows, each told in one transaction with an honest one."""
    return [Case(name, (row,), _telling(lie), arrived, versions=versions, shared=True) for name, lie in lies.items()]


def _telling(lie: Callable[[Scene], Any]) -> Act:
    def tell(scene: Scene) -> None:
        made = lie(scene)
        scene.tell(*(made if isinstance(made, list) else [made]))

    return tell
