"""Sliding sync tells no one what was said where he may not see it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.client_api.rooms.test_history_visibility import SECRET, VIEWERS, VISIBILITIES, Story
from tests.support.server import make_server
from tests.sync.sliding.connection import SLIDING, a_list

OTHERS_ROOMS = ("stranger", "declined", "forgetful")  # of which they are told nothing, whoever may look


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_the_secret_comes_out_to_whom_it_may_alone(tmp_path: Path, visibility: str) -> None:
    story = Story(make_server(tmp_path), visibility)
    everything = [["*", "*"]]
    body: dict[str, Any] = {
        "lists": {"all": a_list(99, limit=100, required=everything)},
        "room_subscriptions": {story.room: {"timeline_limit": 100, "required_state": everything}},
        "extensions": {name: {"enabled": True} for name in ("account_data", "receipts", "typing", "to_device", "e2ee")},
    }
    for name, allowed in VIEWERS.items():
        answer = story.server.ok(story.clients[name].post(SLIDING, body))
        hits = SECRET.encode() in orjson.dumps(answer)
        if name in OTHERS_ROOMS:
            assert story.room not in answer["rooms"] or not answer["rooms"][story.room]["timeline"], name
        assert hits <= (visibility in allowed), (name, visibility)
        if name in ("member", "leaver"):
            assert hits, (name, visibility)
