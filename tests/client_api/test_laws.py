"""The laws of tests/web/laws.py, held over every endpoint that the real server has."""

from itertools import count
from pathlib import Path

from homeserver.streams import Streams
from storage.people.accounts import StoredAccounts
from tests.support.client import run
from tests.support.server import TestServer, make_server
from tests.support.storage import open_memory_database
from tests.web.laws import ONCE, LawTokens, check_laws, check_rates

FEWEST = 100  # endpoints; the count only grows
LAST = frozenset({"/_matrix/client/v3/logout", "/_matrix/client/v3/logout/all"})


def law_tokens(server: TestServer) -> LawTokens:
    """A user, a guest, a locked user and an administrator; application services there are none."""
    guest = server.ok(server.client.post("/_matrix/client/v3/register?kind=guest", {}))["access_token"]
    user, locked, admin = (server.user(name).token or "" for name in ("user", "locked", "admin"))
    accounts = StoredAccounts(server.database)
    assert server.run(accounts.set_flags("@locked:test", locked=True))
    assert server.run(accounts.set_flags("@admin:test", is_admin=True))
    return LawTokens(user, guest, locked, admin)


def test_every_endpoint_obeys(tmp_path: Path) -> None:
    streams = Streams()
    database = run(open_memory_database(streams))
    server = make_server(tmp_path, database=database, streams=streams)
    tokens = law_tokens(server)
    assert check_laws(server.server.doors[0].dispatch, tokens) >= FEWEST
    limited = make_server(tmp_path, database=database, streams=streams, rate_limits=ONCE)
    names = count(1)

    def newcomer() -> LawTokens:
        return LawTokens(server.user(f"new{next(names)}").token or "")

    assert check_rates(limited.server.doors[0].dispatch, newcomer, last=LAST) >= FEWEST
