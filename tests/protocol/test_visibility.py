"""History visibility: the whole matrix, written out from the specification's text and not from the code."""

from itertools import product

import pytest

from homeserver.protocol.visibility import may_see, server_may_see

VISIBILITIES = ["world_readable", "shared", "invited", "joined"]
MEMBERSHIPS = ["join", "invite", "knock", "leave", "ban", None]

# For each visibility at the event: the memberships at the event that see it without ever joining later, and with joining later.
NEVER_JOINED_LATER: dict[str, set[str | None]] = {
    "world_readable": {"join", "invite", "knock", "leave", "ban", None},
    "shared": {"join"},
    "invited": {"join", "invite"},
    "joined": {"join"},
}
JOINED_LATER: dict[str, set[str | None]] = {**NEVER_JOINED_LATER, "shared": {"join", "invite", "knock", "leave", "ban", None}}


def expected(visibility: str, membership: str | None, joined_since: bool) -> bool:
    return membership in (JOINED_LATER if joined_since else NEVER_JOINED_LATER)[visibility]


@pytest.mark.parametrize("visibility, membership, joined_since", list(product(VISIBILITIES, MEMBERSHIPS, [False, True])))
def test_any_event(visibility: str, membership: str | None, joined_since: bool) -> None:
    seen = may_see(visibility=visibility, membership=membership, joined_since=joined_since)
    assert seen is expected(visibility, membership, joined_since)


@pytest.mark.parametrize("before, after, membership, joined_since", list(product(VISIBILITIES, VISIBILITIES, MEMBERSHIPS, [False, True])))
def test_a_change_of_visibility_is_seen_by_whom_either_side_allows(
    before: str, after: str, membership: str | None, joined_since: bool
) -> None:
    seen = may_see(visibility=before, visibility_after=after, membership=membership, joined_since=joined_since)
    assert seen is (expected(before, membership, joined_since) or expected(after, membership, joined_since))


@pytest.mark.parametrize(
    "visibility, before, after, joined_since", list(product(VISIBILITIES, MEMBERSHIPS, MEMBERSHIPS[:-1], [False, True]))
)
def test_the_own_membership_is_seen_when_either_side_allows(visibility: str, before: str | None, after: str, joined_since: bool) -> None:
    seen = may_see(visibility=visibility, membership=before, membership_after=after, joined_since=joined_since)
    assert seen is (expected(visibility, before, joined_since) or expected(visibility, after, joined_since))


@pytest.mark.parametrize("unknown", [None, "", "private", 1, ["joined"], {"a": 1}, True])
@pytest.mark.parametrize("membership, joined_since", list(product(MEMBERSHIPS, [False, True])))
def test_what_is_not_understood_is_shared(unknown: object, membership: str | None, joined_since: bool) -> None:
    assert may_see(visibility=unknown, membership=membership, joined_since=joined_since) is expected("shared", membership, joined_since)


def test_the_examples_of_the_text() -> None:
    for before, after in (("world_readable", "joined"), ("joined", "world_readable")):
        assert may_see(visibility=before, visibility_after=after, membership=None, joined_since=False)
    assert may_see(visibility="joined", membership=None, membership_after="join", joined_since=False)
    for after in ("leave", "ban"):
        assert may_see(visibility="joined", membership="join", membership_after=after, joined_since=False)


@pytest.mark.parametrize(
    "visibility, memberships, seen",
    [
        ("world_readable", [], True),
        ("shared", [], True),
        (None, ["leave"], True),
        ("invited", [], False),
        ("invited", ["leave", "knock"], False),
        ("invited", ["invite"], True),
        ("invited", ["ban", "join"], True),
        ("joined", ["invite", "leave"], False),
        ("joined", ["join"], True),
    ],
)
def test_servers(visibility: object, memberships: list[str], seen: bool) -> None:
    assert server_may_see(visibility=visibility, memberships=memberships) is seen


def test_servers_see_what_either_side_of_a_change_allows() -> None:
    assert server_may_see(visibility="joined", visibility_after="shared", memberships=[])
    assert server_may_see(visibility="joined", visibility_after="invited", memberships=["invite"])
    assert not server_may_see(visibility="joined", visibility_after="invited", memberships=["leave"])
    assert server_may_see(visibility="joined", memberships=["invite"], memberships_after=["join"])
