"""The law of increments in rooms that other servers write in, too: what a resolution changes reaches everyone who syncs."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.rooms.receiving.storm import PEOPLE, Archipelago, Storm
from tests.support.client import Client
from tests.sync.law import FILTERS, MEMBER, Law
from tests.sync.model import RoomModel
from tests.sync.sliding.law import KINDS, SlidingLaw
from tests.sync.sliding.model import SlidingModel

VERSIONS = ("12", "11", "10", "6", "2")
HOME = "a.test"
State = dict[tuple[str, str], str]
PEOPLE_AT_HOME = [f"@{person}:{HOME}" for person in PEOPLE]


class ForkLaw(Law):
    """As far as /sync has words for it. It has none for state that a resolution takes away altogether; and without `state_after` a client
    takes the last state event of a timeline for the state, even one that lost against an older one.
    """

    def __init__(self, kind: str, current: Callable[[], State]) -> None:
        super().__init__(kind)
        self._current = current

    def _compare_state(self, known: RoomModel, fresh: RoomModel) -> None:
        current = self._current()
        for model in (known, fresh):
            for address, event in list(model.state.items()):
                if address not in current:
                    del model.state[address]
                elif not self.state_after and event["event_id"] in model.timeline and event["event_id"] != current[address]:
                    model.state[address] = {"event_id": current[address]}
        super()._compare_state(known, fresh)
        whole = {address: event["event_id"] for address, event in fresh.state.items()}
        assert whole == {address: event_id for address, event_id in current.items() if address in whole or address[0] != MEMBER}

    def _check_sender(self, sender: str, state: State, fresh: RoomModel) -> None:
        if (MEMBER, sender) in self._current():
            super()._check_sender(sender, state, fresh)


class SlidingForkLaw(SlidingLaw):
    def __init__(self, kind: str, random: Random, current: Callable[[], State]) -> None:
        super().__init__(kind, random)
        self._current = current

    def _check_sender(self, sender: str, state: State) -> None:
        if (MEMBER, sender) in self._current():
            super()._check_sender(sender, state)


def clients_of(archipelago: Archipelago) -> dict[str, Client]:
    return {user: archipelago.clients[user] for user in PEOPLE_AT_HOME}


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("seed", range(10))
def test_sync(tmp_path: Path, seed: int, kind: str) -> None:
    archipelago = Archipelago(tmp_path)
    server, clients = archipelago.islands[HOME].server, clients_of(archipelago)
    storm = Storm(archipelago, seed, VERSIONS[seed % len(VERSIONS)])
    law, random = ForkLaw(kind, lambda: storm.current(HOME)), Random(seed)
    models = {user: law.model() for user in clients}
    for step in range(80):
        storm.step()
        for user, model in models.items():
            if random.random() < 0.15:
                law.read_on(server, clients[user], model)
        if step % 20 == 19:
            law.check(server, clients, models)
    storm.heal()
    law.check(server, clients, models)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(10))
def test_sliding_sync(tmp_path: Path, seed: int, kind: str) -> None:
    archipelago = Archipelago(tmp_path)
    server, clients = archipelago.islands[HOME].server, clients_of(archipelago)
    storm = Storm(archipelago, seed, VERSIONS[seed % len(VERSIONS)])
    law = SlidingForkLaw(kind, Random(seed), lambda: storm.current(HOME))
    models: dict[str, Any] = {user: SlidingModel() for user in clients}
    for step in range(80):
        storm.step()
        for user, model in models.items():
            if law.random.random() < 0.15:
                law.read_on(server, clients[user], model, [storm.room])
        if step % 20 == 19:
            law.check(server, clients, models)
    storm.heal()
    law.check(server, clients, models)
