"""An expression as a machine that reads each character once, whatever the expression: never more work than characters times states.

A pattern fits where a beginning of the text does, as `re.match` has it and as registrations are written; `$` asks for the end. Steps that were taken
once are remembered, so a name costs a look-up for each of its characters.
"""

from typing import Final

from appservices.patterns.errors import BadPattern
from appservices.patterns.nodes import Choice, End, Letter, Node, Repeat, Sequence, Start
from appservices.patterns.parse import parse

MOST_STATES: Final = 1_000
MOST_STEPS: Final = 5_000  # that are remembered

_ALWAYS, _AT_START, _AT_END = range(3)


class Pattern:
    """Raises BadPattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._letters: list[Letter | None] = []  # what leads from a state to the next one
        self._free: list[list[tuple[int, int]]] = []  # (when, where to) without reading anything
        self._begin = self._state()
        self._done = self._build(parse(text), self._begin)
        self._closures: dict[tuple[int, bool, bool], frozenset[int]] = {}
        self._steps: dict[tuple[frozenset[int], str, bool], frozenset[int]] = {}

    def fits(self, text: str) -> bool:
        """Whether a beginning of the text is what the expression describes."""
        last = len(text) - 1
        states = self._closure(self._begin, at_start=True, at_end=last < 0)
        for index, character in enumerate(text):
            if self._done in states:
                return True
            states = self._step(states, character, index == last)
            if not states:
                return False
        return self._done in states

    def _step(self, states: frozenset[int], character: str, at_end: bool) -> frozenset[int]:
        key = (states, character, at_end)
        found = self._steps.get(key)
        if found is None:
            code, reached = ord(character), set[int]()
            for state in states:
                letter = self._letters[state]
                if letter is not None and letter.accepts(code):
                    reached |= self._closure(state + 1, at_start=False, at_end=at_end)
            found = frozenset(reached)
            if len(self._steps) >= MOST_STEPS:
                self._steps.clear()
            self._steps[key] = found
        return found

    def _closure(self, state: int, *, at_start: bool, at_end: bool) -> frozenset[int]:
        """The states that read something, or are the last, to which one comes from here without reading."""
        key = (state, at_start, at_end)
        found = self._closures.get(key)
        if found is None:
            seen, open_states = {state}, [state]
            while open_states:
                for when, target in self._free[open_states.pop()]:
                    passes = when == _ALWAYS or (at_start if when == _AT_START else at_end)
                    if passes and target not in seen:
                        seen.add(target)
                        open_states.append(target)
            found = frozenset(one for one in seen if self._letters[one] is not None or one == self._done)
            self._closures[key] = found
        return found

    # ---------------------------------------------------------------- from nodes to states

    def _state(self) -> int:
        if len(self._letters) >= MOST_STATES:
            raise BadPattern("it is too large")
        self._letters.append(None)
        self._free.append([])
        return len(self._letters) - 1

    def _link(self, source: int, target: int, when: int = _ALWAYS) -> None:
        self._free[source].append((when, target))

    def _build(self, node: Node, begin: int) -> int:
        """Adds what `node` reads after the state `begin`; the state behind it."""
        if isinstance(node, Letter):
            reading = self._state()
            self._letters[reading] = node
            self._link(begin, reading)
            return self._state()
        if isinstance(node, Start | End):
            behind = self._state()
            self._link(begin, behind, _AT_START if isinstance(node, Start) else _AT_END)
            return behind
        if isinstance(node, Sequence):
            for part in node.parts:
                begin = self._build(part, begin)
            return begin
        if isinstance(node, Choice):
            ends = [self._build(part, self._branch(begin)) for part in node.parts]
            behind = self._state()
            for end in ends:
                self._link(end, behind)
            return behind
        return self._repeat(node, begin)

    def _branch(self, begin: int) -> int:
        first = self._state()
        self._link(begin, first)
        return first

    def _repeat(self, node: Repeat, begin: int) -> int:
        for _ in range(node.least):
            begin = self._build(node.part, begin)
        if node.most is None:
            loop = self._branch(begin)
            self._link(self._build(node.part, loop), loop)
            return self._branch(loop)
        ends = [begin]
        for _ in range(node.most - node.least):
            begin = self._build(node.part, self._branch(begin))
            ends.append(begin)
        behind = self._state()
        for end in ends:
            self._link(end, behind)
        return behind
