"""Which state of a room a client wants (MSC4186, "required_state"): pairs of type and state key, with `*`, `$ME` and `$LAZY`."""

from collections.abc import Iterable

ANY = "*"
ME = "$ME"
LAZY = "$LAZY"
MEMBER = "m.room.member"
EVERYTHING = (ANY, ANY)
EVERY_MEMBER = (MEMBER, ANY)
LAZY_MEMBERS = (MEMBER, LAZY)

Pair = tuple[str, str]


class RequiredState:
    """A value. The union of two accepts what either accepts; members come lazily if one wants them so and none wants them all."""

    __slots__ = ("_exact", "_hash", "_keys", "_named", "_names_me", "_types", "all_members", "everything", "lazy", "pairs", "types")

    def __init__(self, pairs: Iterable[Pair]) -> None:
        given = set(pairs)
        if EVERYTHING in given and LAZY_MEMBERS not in given:
            given.add(EVERY_MEMBER)
        self.pairs = frozenset(given)
        self.everything = EVERYTHING in given
        self.all_members = EVERY_MEMBER in given
        self.lazy = LAZY_MEMBERS in given and not self.all_members
        self._types = frozenset(type for type, key in given if key == ANY and type != ANY)
        self._keys = frozenset(key for type, key in given if type == ANY and key != ANY)
        self._exact = frozenset(pair for pair in given if ANY not in pair)
        self._hash = hash(self.pairs)
        self._named = self._keys.union(key for type, key in self._exact if type == MEMBER and key not in (ME, LAZY))
        self._names_me = (MEMBER, ME) in self._exact
        # Of which types, but for members, there can be anything; None: of any.
        self.types = None if self.everything or self._keys else self._types.union(type for type, _ in self._exact).difference((MEMBER,))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequiredState) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return self._hash

    def __or__(self, other: "RequiredState") -> "RequiredState":
        if self.pairs >= other.pairs:
            return self
        return other if other.pairs >= self.pairs else RequiredState(self.pairs | other.pairs)

    def accepts(self, type: str, state_key: str, user_id: str) -> bool:
        """`user_id`: whom `$ME` means. Lazily loaded members are none of its business."""
        if type == MEMBER:
            if self.all_members:
                return True
        elif self.everything or type in self._types:
            return True
        return state_key in self._keys or (type, state_key) in self._exact or (state_key == user_id and (type, ME) in self._exact)

    def covers(self, other: "RequiredState") -> bool:
        """Whether `other` certainly accepts nothing more."""
        if self.pairs >= other.pairs:
            return True
        return self.everything and (self.all_members or not (other.all_members or any(type == MEMBER for type, _ in other._exact)))

    def members(self, user_id: str) -> frozenset[str]:
        """The users whose membership is asked for by name."""
        return self._named | {user_id} if self._names_me else self._named


NOTHING = RequiredState(())
