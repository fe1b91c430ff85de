"""The persistent map: equal maps are one root, a change is small, the difference is what differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.rooms import state_map
from homeserver.rooms.state_map import EMPTY, AddressHash, MissingNodes

# Few distinct first bytes, so that deep branches occur.
KEYS = st.binary(min_size=8, max_size=8) | st.sampled_from([bytes([high, 0, 0, 0, 0, 0, 0, low]) for high in (0, 255) for low in range(60)])
NUMBERS = st.integers(0, 2**48 - 1)
MAPS = st.dictionaries(KEYS, NUMBERS, max_size=120)
CHANGES = st.dictionaries(KEYS, st.none() | NUMBERS, max_size=60)


def build(entries: dict[bytes, int]) -> tuple[bytes, dict[bytes, bytes]]:
    return state_map.update(EMPTY, entries, {})


def applied(entries: dict[bytes, int], changes: dict[bytes, int | None]) -> dict[bytes, int]:
    after = {**entries, **changes}
    return {key: number for key, number in after.items() if number is not None}


@given(MAPS, CHANGES)
def test_a_changed_map_equals_one_made_anew(entries: dict[bytes, int], changes: dict[bytes, int | None]) -> None:
    root, nodes = build(entries)
    changed, made = state_map.update(root, changes, nodes)
    expected = applied(entries, changes)
    fresh, _ = build(expected)
    assert changed == fresh
    assert state_map.items(changed, nodes | made) == expected
    assert state_map.look_up(changed, [*entries, *changes], nodes | made) == {
        key: n for key, n in expected.items() if key in entries or key in changes
    }


@given(MAPS, CHANGES)
def test_the_difference_is_what_differs(entries: dict[bytes, int], changes: dict[bytes, int | None]) -> None:
    root, nodes = build(entries)
    changed, made = state_map.update(root, changes, nodes)
    expected = applied(entries, changes)
    come, gone = state_map.difference(root, changed, nodes | made)
    assert come == {key: number for key, number in expected.items() if entries.get(key) != number}
    assert gone == {key: number for key, number in entries.items() if expected.get(key) != number}


def test_a_change_in_a_large_map_makes_few_small_nodes() -> None:
    hash_of = AddressHash(b"k" * 32)
    root, nodes = build({hash_of("m.room.member", f"@user{n}:test"): n for n in range(10_000)})
    _, made = state_map.update(root, {hash_of("m.room.member", "@user77:test"): 10_001}, nodes)
    assert len(made) <= 7
    assert sum(map(len, made.values())) < 1_000


def test_what_is_missing_is_named_all_at_once() -> None:
    root, nodes = build({bytes([n, 0, 0, 0, 0, 0, 0, 1]): n for n in range(256)})
    with pytest.raises(MissingNodes) as first:
        state_map.items(root, {})
    assert first.value.node_ids == {root}
    with pytest.raises(MissingNodes) as second:
        state_map.items(root, {root: nodes[root]})
    assert second.value.node_ids == set(state_map.child_ids(nodes[root]))


def test_addresses_hash_by_a_secret() -> None:
    assert AddressHash(b"a" * 32)("m.room.topic", "") != AddressHash(b"b" * 32)("m.room.topic", "")
    assert AddressHash(b"a" * 32)("m.room.a", "b") != AddressHash(b"a" * 32)("m.room.ab", "")
