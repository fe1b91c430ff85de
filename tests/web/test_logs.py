"""Logs: their form, and what never stands in them."""

import io
import logging

import pytest
from twisted.logger import Logger

from homeserver.errors import Unavailable
from homeserver.logs import AccessLog, LineObserver, current_request, mask, quote
from homeserver.web.endpoint import Caller
from tests.support.client import Client, FixedTokens, dispatch_for, run
from tests.support.clock import FakeClock
from tests.web.test_dispatch import Things

SECRETS = [
    "GET /sync?access_token=SECRET&since=1",
    "Authorization: Bearer SECRET",
    "{'password': 'SECRET', 'a': 1}",
    '{"access_token":"SECRET"}',
    '"refresh_token" : "SECRET"',
    "client_secret=SECRET",
    "?loginToken=SECRET",
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked(text: str) -> None:
    assert "SECRET" not in mask(text)
    assert "***" in mask(text)


def test_no_line_break_gets_through() -> None:
    assert quote("plain") == "plain"
    assert quote("two words") == '"two words"'
    assert quote('a"b') == '"a\\"b"'
    for hostile in ("a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "", "a\\nb"):
        assert quote(hostile).startswith('"')
        assert len(quote(hostile).splitlines()) == 1


def test_lines() -> None:
    stream = io.StringIO()
    observe = LineObserver(stream, FakeClock())
    log = Logger("rooms", observer=observe)
    current_request.set("abc-1")
    log.info("Room {room_id} made\nby access_token={token}", room_id="!a", token="SECRET")
    try:
        raise ValueError("password=SECRET")
    except ValueError:
        log.failure("It broke")
    current_request.set("")
    lines = stream.getvalue().splitlines()
    assert lines[0] == '2023-11-14T22:13:20.000Z level=info request=abc-1 source=rooms message="Room !a made\\nby access_token=***"'
    assert "level=error" in lines[1]
    assert all(line.startswith("  | ") for line in lines[2:])
    assert "SECRET" not in stream.getvalue()


def test_an_outage_is_one_line_with_its_reason() -> None:
    stream = io.StringIO()
    log = Logger("rooms", observer=LineObserver(stream, FakeClock()))
    try:
        raise Unavailable from OSError("the disk\nis full")
    except Unavailable:
        log.failure("It was not written")
    [line] = stream.getvalue().splitlines()
    assert line.endswith('request=- source=rooms message="It was not written: the disk is full"')


def test_the_access_log_writes_in_batches() -> None:
    clock, stream = FakeClock(), io.StringIO()
    log = AccessLog(stream, clock)
    log.write(clock.now_ms(), "a-1", "@alice:a", "GET /sync?access_token=SECRET", 200, 0.0123)
    assert stream.getvalue() == ""
    clock.advance(0.3)
    assert (
        stream.getvalue() == "2023-11-14T22:13:20.000Z level=info request=a-1 from=@alice:a GET /sync?access_token=*** status=200 ms=12.3\n"
    )
    for number in range(1000):
        log.write(clock.now_ms(), str(number), "x", "GET /", 200, 0.1)
    assert stream.getvalue().count("\n") > 700
    log.flush()
    assert stream.getvalue().count("\n") == 1001


def test_requests_are_logged_with_their_user() -> None:
    clock, stream = FakeClock(), io.StringIO()
    log = AccessLog(stream, clock)
    dispatch = dispatch_for(Things(), tokens=FixedTokens({"alice": Caller("@alice:a", "D", 1)}), clock=clock, access_log=log)
    run(Client(dispatch, "alice").get("/_matrix/client/v3/whoami"))
    run(Client(dispatch, None).get("/_matrix/client/v3/whoami?access_token=alice"))
    run(Client(dispatch, None).get("/nothing%0Ahere"))
    log.flush()
    lines = stream.getvalue().splitlines()
    assert [line.split(" from=")[1].split(" ms=")[0] for line in lines] == [
        "@alice:a GET /_matrix/client/v3/whoami status=200",
        "@alice:a GET /_matrix/client/v3/whoami?access_token=*** status=200",
        "192.0.2.1 GET /nothing%0Ahere status=404",
    ]
    assert len({line.split("request=")[1].split()[0] for line in lines}) == 3


def test_libraries_log_through_the_same_form() -> None:
    from homeserver.logs import _FromLogging

    stream = io.StringIO()
    handler = _FromLogging(LineObserver(stream, FakeClock()))
    handler.emit(logging.LogRecord("asyncio", logging.WARNING, "", 1, "slow %s", ("token=SECRET",), None))
    assert stream.getvalue() == '2023-11-14T22:13:20.000Z level=warning request=- source=asyncio message="slow token=***"\n'
