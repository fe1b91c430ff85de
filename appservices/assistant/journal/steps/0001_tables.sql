-- What builds before the first numbered one may have made already, in whole or in part.
CREATE TABLE IF NOT EXISTS transactions (txn_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rooms (
    room_id TEXT PRIMARY KEY, is_on INTEGER NOT NULL, by_user TEXT NOT NULL, event_id TEXT NOT NULL, is_direct INTEGER NOT NULL, settings TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS opted_out (user_id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS turns (
    turn_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, event_id TEXT NOT NULL, sender TEXT NOT NULL, skill TEXT NOT NULL, target TEXT NOT NULL,
    asked_at INTEGER NOT NULL, state TEXT NOT NULL, number INTEGER NOT NULL, edit TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS turns_open ON turns (state, number);
CREATE INDEX IF NOT EXISTS turns_room ON turns (room_id);

CREATE TABLE IF NOT EXISTS said (event_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, turn_id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS said_turn ON said (turn_id);

CREATE TABLE IF NOT EXISTS drawn (
    turn_id TEXT NOT NULL, event_id TEXT NOT NULL, room_id TEXT NOT NULL, sender TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (turn_id, event_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS drawn_event ON drawn (event_id);

CREATE TABLE IF NOT EXISTS proposals (
    event_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, source_event TEXT NOT NULL, asker TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL,
    digest TEXT NOT NULL, expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tasks (
    event_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, source_event TEXT NOT NULL, creator TEXT NOT NULL, assignee TEXT NOT NULL, due INTEGER NOT NULL,
    is_open INTEGER NOT NULL, number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_room ON tasks (room_id, number);

CREATE TABLE IF NOT EXISTS meetings (
    poll_event TEXT PRIMARY KEY, room_id TEXT NOT NULL, asker TEXT NOT NULL, slots TEXT NOT NULL, minutes INTEGER NOT NULL, is_open INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS reminders (
    id TEXT PRIMARY KEY, room_id TEXT NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL, due INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reminders_due ON reminders (due);

CREATE TABLE IF NOT EXISTS handed (id TEXT PRIMARY KEY, delay_id TEXT NOT NULL, due INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS spending (
    scope TEXT NOT NULL, subject TEXT NOT NULL, period TEXT NOT NULL, tokens INTEGER NOT NULL, money INTEGER NOT NULL,
    PRIMARY KEY (scope, subject, period)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, room_id TEXT NOT NULL, event_id TEXT NOT NULL, user_id TEXT NOT NULL,
    skill TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS secret_rooms (room_id TEXT PRIMARY KEY, algorithm TEXT NOT NULL, period_ms INTEGER NOT NULL, period_messages INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS own_keys (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS olm_sessions (session_id TEXT PRIMARY KEY, sender_key TEXT NOT NULL, used_at INTEGER NOT NULL, pickle TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS olm_sessions_of ON olm_sessions (sender_key, used_at);

CREATE TABLE IF NOT EXISTS letters (digest BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS room_keys (
    number INTEGER PRIMARY KEY, room_id TEXT NOT NULL, session_id TEXT NOT NULL, sender_key TEXT NOT NULL, sender TEXT NOT NULL, signing_key TEXT NOT NULL,
    is_proven INTEGER NOT NULL, is_shareable INTEGER NOT NULL, pickle TEXT NOT NULL, UNIQUE (room_id, session_id, sender_key)
);

CREATE TABLE IF NOT EXISTS read_messages (room_key INTEGER NOT NULL, message INTEGER NOT NULL, event BLOB NOT NULL, PRIMARY KEY (room_key, message)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS read_messages_of ON read_messages (event);

CREATE TABLE IF NOT EXISTS unread (event_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, session_id TEXT NOT NULL, at INTEGER NOT NULL, has_key INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unread_for ON unread (room_id, session_id);

CREATE TABLE IF NOT EXISTS speaking (
    room_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, since INTEGER NOT NULL, is_shareable INTEGER NOT NULL, pickle TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS shared_keys (
    session_id TEXT NOT NULL, user_id TEXT NOT NULL, device_id TEXT NOT NULL, device_key TEXT NOT NULL, withheld TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (session_id, user_id, device_id)
) WITHOUT ROWID;
