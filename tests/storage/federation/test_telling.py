"""Events as the graph sees them, and the users of one server in a room, on every driver."""

from federation.telling.store import Vertex
from storage.database import Database, WriteCursor
from storage.event_rows import RoomNames
from storage.federation.graph import StoredGraph
from storage.members import Members
from tests.support.loop import ThreadLoop

EVENT = "INSERT INTO events (num, room_num, flags, ts, type, sender, event_id, body, links) VALUES (?, 1, 0, 0, 'm.room.message', '@a:test', ?, ?, ?)"
MEMBER = "INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local) VALUES (?, ?, ?, 1, 1, '@a:test', 0)"


def test_the_graph(loop: ThreadLoop, database: Database) -> None:
    def events(cursor: WriteCursor) -> None:
        cursor.many(EVENT, [(number, f"${number}", b'"content":{}', b'"depth":%d' % number) for number in range(1, 4)])

    loop.run(database.write(events))
    graph = StoredGraph(database)
    assert sorted(loop.run(graph.by_num([1, 3, 9]))) == [Vertex(1, "$1", b'"depth":1'), Vertex(3, "$3", b'"depth":3')]
    assert loop.run(graph.by_id(["$2", "$9"])) == [Vertex(2, "$2", b'"depth":2')]
    assert sorted(loop.run(graph.pdus([1, 2]))) == [b'{"content":{},"depth":1}', b'{"content":{},"depth":2}']
    assert loop.run(graph.pdus([])) == []


def test_the_users_of_one_server(loop: ThreadLoop, database: Database) -> None:
    def rooms(cursor: WriteCursor) -> None:
        cursor.many("INSERT INTO rooms (room_num, room_id, version, created_ts) VALUES (?, ?, '11', 0)", [(1, "!a:test"), (2, "!b:test")])
        cursor.many(MEMBER, [(1, "@a:b.test", "join"), (1, "@b:b.test", "leave"), (1, "@a:xb.test", "join"), (2, "@c:b.test", "join")])
        cursor.run("INSERT INTO room_roots (room_num, root) VALUES (1, ?)", b"root")

    loop.run(database.write(rooms))
    members = Members(database, RoomNames())
    assert loop.run(members.of_server("!a:test", "b.test")) == {"@a:b.test": "join", "@b:b.test": "leave"}
    assert loop.run(members.of_server("!b:test", "b.test")) == {}  # its members were put down, and then it was not entered
    assert loop.run(members.of_server("!c:test", "b.test")) == {}
