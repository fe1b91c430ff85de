"""The laws, held against endpoints of every access, rate and body; and the laws themselves against endpoints that break them."""

import pytest

from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, Schema, endpoint
from homeserver.web.request import Request
from tests.support.client import NO_LIMITS, dispatch_for
from tests.web.laws import ONCE, LawTokens, check_laws, check_rates

CALLERS = {
    "user": Caller("@user:example.org", "D", 1),
    "guest": Caller("@1:example.org", "D", 2, is_guest=True),
    "locked": Caller("@locked:example.org", "D", 3, locked=True),
    "admin": Caller("@admin:example.org", "D", 4, is_admin=True),
    "appservice": Caller("@bot:example.org", None, 0, appservice="bot"),
}
TOKENS = LawTokens("user", "guest", "locked", "admin", "appservice")


def every_kind() -> list[object]:
    chapters: list[object] = []
    bodies: tuple[Body | Schema, ...] = (
        Body.NONE,
        Body.OBJECT,
        Body.OPTIONAL_OBJECT,
        Body.STREAM,
        Schema("client/typing"),
        Schema("client/typing", optional=True),
    )
    for access in (access for access in Access if access is not Access.PEER):
        for rate in Rate:
            for number, body in enumerate(bodies):
                path = f"/_matrix/client/v3/{access.value}/{rate.value}/{number}/{{room_id}}/{{user_id}}/{{event_id}}/{{room_alias}}/{{server_name}}/{{else}}"

                class Chapter:
                    @endpoint("POST", path, access=access, rate=rate, body=body)
                    async def answer(self, _request: Request, **_: str) -> Answer:
                        return {}

                chapters.append(Chapter())
    return chapters


def test_every_kind_of_endpoint_obeys() -> None:
    chapters = every_kind()
    assert check_laws(dispatch_for(*chapters, tokens=CALLERS, limits=NO_LIMITS), TOKENS) == len(chapters)
    limited = len(chapters) * (len(Rate) - 1) // len(Rate)
    assert check_rates(dispatch_for(*chapters, tokens=CALLERS, limits=ONCE), TOKENS) == limited


def test_a_dispatch_without_limits_breaks_the_law_of_rates() -> None:
    with pytest.raises(AssertionError):
        check_rates(dispatch_for(*every_kind(), tokens=CALLERS, limits=NO_LIMITS), TOKENS)


def test_a_dispatch_that_knows_every_token_breaks_the_law_of_tokens() -> None:
    with pytest.raises(AssertionError):
        check_laws(dispatch_for(*every_kind(), tokens={**CALLERS, "nobody's": CALLERS["user"]}), TOKENS)
