"""Who may see an event: the one rule that every way out asks.

Specification: client-server API, "Room History Visibility", "Server behaviour". The values are those of the room's state *at* the event.
Whether the event was rejected or soft-failed, and whether its sender is ignored, is judged elsewhere.
"""

from collections.abc import Collection

WORLD_READABLE = "world_readable"
SHARED = "shared"
INVITED = "invited"
JOINED = "joined"


def effective(history_visibility: object) -> str:
    """The visibility that a value of `history_visibility` means: `shared` where it is missing or not understood."""
    known = history_visibility in (WORLD_READABLE, INVITED, JOINED) if isinstance(history_visibility, str) else False
    return str(history_visibility) if known else SHARED


def _allows(visibility: str, membership: str | None, joined_since: bool) -> bool:
    if visibility == WORLD_READABLE:  # rule 1
        return True
    if membership == "join":  # rule 2
        return True
    if visibility == SHARED and joined_since:  # rule 3
        return True
    return membership == "invite" and visibility == INVITED  # rules 4 and 5


def may_see(
    *,
    visibility: object,
    membership: str | None,
    joined_since: bool,
    visibility_after: object = None,
    membership_after: str | None = None,
) -> bool:
    """Whether a user may see an event.

    `visibility`, `membership` (the user's own): the state before the event, raw; None where there is none. `joined_since`: the user joined
    the room at any point after the event. `visibility_after` is given for an m.room.history_visibility event, `membership_after` for the
    user's own m.room.member event: of before and after the more permissive counts.
    """
    before = effective(visibility)
    if _allows(before, membership, joined_since):
        return True
    if visibility_after is not None and _allows(effective(visibility_after), membership, joined_since):
        return True
    return membership_after is not None and _allows(before, membership_after, joined_since)


def server_may_see(
    *, visibility: object, memberships: Collection[str], visibility_after: object = None, memberships_after: Collection[str] = ()
) -> bool:
    """Whether a server that takes part in the room may have an event unredacted.

    `memberships`: those of its users before the event; `memberships_after`: what the event makes of one of them, if it is a membership.
    The server decides by the same rules for each of its users, who may join at any time: so `shared` is open to it.
    """
    seen = {effective(visibility)} | ({effective(visibility_after)} if visibility_after is not None else set())
    if WORLD_READABLE in seen or SHARED in seen:
        return True
    present = {*memberships, *memberships_after}
    return "join" in present or ("invite" in present and INVITED in seen)
