"""Our answers to a generated room, held against the other side's."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeserver.protocol import auth_rules, state_resolution
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion, room_version
from tests.protocol.oracle.wire import chosen_id, pdu_of, room_id_of

_REPOSITORY = Path(__file__).parents[3]


def oracle_python() -> Path | None:
    """The interpreter that has matrix-synapse: CHATME_ORACLE_PYTHON, else .oracle/bin/python of the repository; None if there is none.

    Its functions change between releases; this was written for 1.163.2:
    python3 -m venv .oracle && .oracle/bin/pip install matrix-synapse==1.163.2
    """
    named = os.environ.get("CHATME_ORACLE_PYTHON")
    path = Path(named) if named else _REPOSITORY / ".oracle" / "bin" / "python"
    return path if path.exists() else None


class Oracle:
    """The other side as a child process; one room is worked on there while the next is made here."""

    def __init__(self, python: Path) -> None:
        command = [str(python), "-m", "tests.protocol.oracle.answer"]
        self._process = subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Oracle":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def answers(self, requests: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Each request with its answer."""
        waiting: Mapping[str, Any] | None = None
        for request in requests:
            if waiting is not None:
                answer = self._read()
                self._write(request)
                yield waiting, answer
            else:
                self._write(request)
            waiting = request
        if waiting is not None:
            yield waiting, self._read()

    def _write(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the oracle has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Room:
    """The room of a request as our events, under the IDs that the other side computed."""

    def __init__(self, request: Mapping[str, Any], ids: Mapping[str, str]) -> None:
        self.number = int(request["version"])
        self.version: RoomVersion = room_version(request["version"])
        self.ids = ids
        self.room_id = room_id_of(self.number, ids[request["events"][0]["label"]])
        self.by_label = {described["label"]: self.build(described, ids[described["label"]]) for described in request["events"]}
        self.by_id = {event.event_id: event for event in self.by_label.values()}
        self.rejected = frozenset(ids[label] for label in request["rejected"])

    def build(self, described: Mapping[str, Any], event_id: str) -> Event:
        pdu = pdu_of(described, self.number, self.ids, self.room_id)
        return Event(
            event_id=event_id,
            room_id=self.room_id,
            type=pdu["type"],
            sender=pdu["sender"],
            state_key=pdu.get("state_key"),
            content=pdu["content"],
            origin_server_ts=pdu["origin_server_ts"],
            depth=pdu["depth"],
            prev_events=tuple(self.ids[label] for label in described["prev"]),
            auth_events=tuple(self.ids[label] for label in described["auth"]),
            redacts=pdu["content"].get("redacts") if self.version.redacts_in_content else pdu.get("redacts"),
            pdu=pdu,
            version=self.version,
        )

    def state(self, labels: Iterable[str]) -> dict[StateKey, Event]:
        return {event.address: event for event in map(self.by_label.__getitem__, labels)}

    def resolve(self, sets: list[list[str]]) -> set[str]:
        states = [{key: event.event_id for key, event in self.state(labels).items()} for labels in sets]
        return set(state_resolution.resolve(self.version, states, self.by_id, rejected=self.rejected).values())

    def judge(self, described: Mapping[str, Any], state: list[str]) -> str:
        event = self.build(described, chosen_id(described))
        try:
            auth_rules.check_event(event, self.state(state))
        except NotAuthorised as refusal:
            return f"refuse: {refusal}"
        return "allow"


_MALFORMED_LEVELS = ("(power_levels.levels)", "(power_levels.maps)", "(power_levels.users)")


def is_known_difference(room: Room, described: Mapping[str, Any], verdict: str, theirs: str) -> bool:
    """Where we keep to the letter or to the safe side, knowing that the other server does not.

    Power levels of versions before 10 whose values are booleans or nothing readable: it takes what `int()` takes, and looks at them at all
    only once there is something to compare with. A power levels event without a state key, which has no power: it crashes. A
    redaction in versions 1 and 2 that names no event: it lets it pass.
    """
    if described["type"] == "m.room.redaction":
        return "redacts" not in described and theirs == "allow" and "(redaction.otherwise)" in verdict
    if described["type"] != "m.room.power_levels":
        return False
    if theirs == "crash" and described.get("state_key") is None:
        return True
    return not room.version.integer_power_levels and theirs == "allow" and any(rule in verdict for rule in _MALFORMED_LEVELS)


@dataclass
class Report:
    rooms: int = 0
    resolutions: int = 0
    conflicts: int = 0
    unanswered: int = 0  # resolutions that raised on the other side
    known_differences: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        room = Room(request, answer["ids"])
        self.rooms += 1
        for sets, theirs in zip(request["resolve"], answer["resolved"], strict=True):
            if theirs is None:
                self.unanswered += 1
                continue
            self.resolutions += 1
            self.conflicts += any(set(labels) != set(sets[0]) for labels in sets)
            ours = room.resolve(sets)
            if ours != {answer["ids"][label] for label in theirs}:
                self._differ(request, "resolution", sets, sorted(ours), theirs)
        for case, theirs in zip(request["judge"], answer["verdicts"], strict=True):
            verdict = room.judge(case["event"], case["state"])
            if is_known_difference(room, case["event"], verdict, theirs):
                self.known_differences += 1
                continue
            self.verdicts[f"{verdict.partition(':')[0]}/{theirs}"] += 1
            if theirs != "unbuildable" and (verdict == "allow") != (theirs == "allow"):
                self._differ(request, "verdict", case["event"], verdict, theirs)

    def _differ(self, request: Mapping[str, Any], what: str, about: Any, ours: Any, theirs: Any) -> None:
        self.differences.append({"version": request["version"], "what": what, "about": about, "ours": ours, "theirs": theirs})


def compare(python: Path, requests: Iterable[Mapping[str, Any]]) -> Report:
    report = Report()
    with Oracle(python) as oracle:
        for request, answer in oracle.answers(requests):
            report.add(request, answer)
    return report
