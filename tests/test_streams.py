"""The recent changes: how far back memory reaches, and how much it holds."""

from homeserver import streams
from homeserver.streams import Change, Streams


def positions(found: list[Change] | None) -> list[int] | None:
    return None if found is None else [change.position for change in found]


def test_recent_changes_are_bounded_by_their_bytes() -> None:
    recent = Streams()
    weight = streams.RECENT_BYTES // 4
    for position in range(1, 8):
        recent.publish([Change(position, "event", weight=weight)], position)
    assert positions(recent.recent(3)) == [4, 5, 6, 7]
    assert recent.recent(2) is None
    recent.publish([Change(8, "account_data", weight=streams.RECENT_BYTES + 1)], 8)
    assert positions(recent.recent(8)) == []
    assert recent.recent(7) is None
    recent.publish([Change(9, "event", weight=1)], 9)
    assert positions(recent.recent(8)) == [9]


def test_stepping_over_forgets_what_was_recent() -> None:
    recent = Streams()
    recent.publish([Change(1, "event", weight=streams.RECENT_BYTES)], 1)
    recent.skip_to(5)
    recent.publish([Change(6, "event", weight=streams.RECENT_BYTES)], 6)
    assert positions(recent.recent(5)) == [6]
    assert recent.recent(4) is None
