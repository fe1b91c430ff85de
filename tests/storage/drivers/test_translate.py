"""What statements become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.drivers import translate
from storage.drivers.postgres_text import adapt, escape, postgres_insert, postgres_schema, postgres_text, unescape
from storage.drivers.sqlite_text import SqliteStatements


@pytest.mark.parametrize(
    "sql, expected",
    [
        ("SELECT a FROM t WHERE b = ? AND c = '?'", "SELECT a FROM t WHERE b = %s AND c = '?'"),
        ("SELECT a FROM t WHERE b LIKE '%it''s ??%' AND 5 % ? = 1", "SELECT a FROM t WHERE b LIKE '%%it''s ??%%' AND 5 %% %s = 1"),
        ("SELECT a FROM t WHERE b IN ?? OR c NOT  IN\n??", "SELECT a FROM t WHERE b = ANY(%s) OR c <> ALL(%s)"),
        ("SELECT greatest(a, ?)", "SELECT greatest(a, %s)"),
    ],
)
def test_postgres_text(sql: str, expected: str) -> None:
    assert postgres_text(sql) == expected


def test_sqlite_lists_make_few_texts() -> None:
    statements = SqliteStatements()
    sql = "SELECT a FROM t WHERE b IN ?? AND c = ? AND d NOT IN ?? AND e = 'IN ??'"
    text, parameters = statements.bind(sql, ([1, 2, 3], 4, ()))
    assert text == "SELECT a FROM t WHERE b IN (?, ?, ?, ?) AND c = ? AND d NOT IN () AND e = 'IN ??'"
    assert parameters == [1, 2, 3, 3, 4]
    text, _ = statements.bind(sql, (list(range(65)), 4, [b"a"]))
    assert text == "SELECT a FROM t WHERE b IN carray(?) AND c = ? AND d NOT IN (?) AND e = 'IN ??'"
    assert statements.bind("SELECT max(LEAST(a, ?)), GREATEST (1, 2)", (1,))[0] == "SELECT max(min(a, ?)), max (1, 2)"


@pytest.mark.parametrize("sql, parameters", [("SELECT ??", (1,)), ("SELECT ?", ([1],))])
def test_lists_stand_where_they_belong(sql: str, parameters: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="list"):
        SqliteStatements().bind(sql, parameters)


@pytest.mark.parametrize(
    "sql, keys",
    [
        ("INSERT INTO t (a, b) VALUES (?, ?)", ()),
        ("INSERT INTO t (a, b) VALUES (?, 1) ON CONFLICT DO NOTHING", ()),
        ("INSERT INTO t (a, b, c) VALUES (1, ?, ?)\n ON CONFLICT (c, b) DO  UPDATE SET a = excluded.a", (1, 0)),
        ("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) WHERE b = 1 DO UPDATE SET b = 2", (0,)),
        ("INSERT INTO t (a, b) VALUES (1, ?) ON CONFLICT (a) DO UPDATE SET b = 2", None),
        ("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = ?", None),
        ("INSERT INTO t (a, b) VALUES (?, coalesce(?, 1))", None),
        ("INSERT INTO t (a, b) SELECT ?, ?", None),
        ("UPDATE t SET a = ? WHERE b = ?", None),
    ],
)
def test_which_rows_may_travel_together(sql: str, keys: tuple[int, ...] | None) -> None:
    insert = postgres_insert(sql)
    assert (None if insert is None else insert.keys) == keys


def test_rows_that_agree_in_the_key_travel_apart() -> None:
    insert = postgres_insert("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b")
    assert insert is not None
    assert insert.together([(1, 1), (2, 1)])
    assert insert.together([(1, 1)])
    assert not insert.together([(1, 1), (2, 1), (1, 2)])


def test_schema_of_postgres() -> None:
    sql = "CREATE TABLE t (\n a TEXT NOT NULL, -- TEXT it's\n b BLOB,\n c INTEGER DEFAULT 0,\n PRIMARY KEY (a)\n) WITHOUT ROWID;"
    expected = 'CREATE TABLE t (\n a TEXT COLLATE "C" NOT NULL, \n b BYTEA,\n c BIGINT DEFAULT 0,\n PRIMARY KEY (a)\n);'
    assert postgres_schema(sql) == expected


@given(st.text(alphabet="\x00\x0101ab"), st.text(alphabet="\x00\x0101ab"))
def test_escaped_text_has_no_nul_and_comes_back(one: str, two: str) -> None:
    assert "\x00" not in escape(one)
    assert unescape(escape(one)) == one
    assert (escape(one) == escape(two)) == (one == two)


def test_parameters_of_postgres() -> None:
    plain = (1, "a", None, b"\x00", 1.5)
    assert adapt(plain) is plain
    assert adapt((1, True, "\x00", ("a", False, "\x01"))) == [1, 1, "\x010", ["a", 0, "\x011"]]


def test_the_memory_is_bounded() -> None:
    memory: translate.Memory[int, int] = translate.Memory(lambda key: key * 2)
    for key in range(translate.REMEMBERED * 2 + 1):
        assert memory(key) == key * 2
    assert len(memory._known) <= translate.REMEMBERED
