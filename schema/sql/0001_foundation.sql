-- ChatMe's first schema. Written in the common subset of SQLite and PostgreSQL; storage/migrate.py translates
-- INTEGER to BIGINT, BLOB to BYTEA and drops WITHOUT ROWID where a driver wants it so.
-- Positions are stream positions (homeserver/streams.py); nums are compact event numbers, unique, in no promised order.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('position', 0);
INSERT INTO counters (name, value) VALUES ('event_num', 1);
INSERT INTO counters (name, value) VALUES ('room_num', 1);
INSERT INTO counters (name, value) VALUES ('collection_epoch', 1);

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- ---------------------------------------------------------------- rooms

CREATE TABLE rooms (
    room_num INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL,
    version TEXT NOT NULL,
    created_ts INTEGER NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    joined_count INTEGER NOT NULL DEFAULT 0,
    invited_count INTEGER NOT NULL DEFAULT 0,
    local_joined_count INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX rooms_id ON rooms (room_id);
CREATE INDEX rooms_published ON rooms (published, room_num) WHERE published = 1;

CREATE TABLE events (
    num INTEGER PRIMARY KEY,
    room_num INTEGER NOT NULL,
    position INTEGER, -- NULL: an outlier, known but in no timeline; negative: history from before our time here
    topo INTEGER, -- our own depth, never a peer's claim alone
    flags INTEGER NOT NULL DEFAULT 0, -- rooms/store.py EventFlag
    notifies INTEGER NOT NULL DEFAULT 0, -- 1: counted as unread under the default push rules when it was sent; what is redacted counts no longer
    ts INTEGER NOT NULL, -- origin_server_ts
    type TEXT NOT NULL,
    sender TEXT NOT NULL,
    state_key TEXT,
    event_id TEXT NOT NULL,
    thread TEXT, -- event ID of the thread's root
    redacted_by INTEGER, -- num of the redaction that was applied
    state_before BLOB, -- root of the state before this event; NULL for outliers
    state_after BLOB, -- the same after it, where it differs
    body BLOB NOT NULL, -- JSON members that clients and servers see, without braces
    links BLOB NOT NULL -- the PDU's other JSON members
);
CREATE UNIQUE INDEX events_id ON events (event_id);
CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_room_position ON events (room_num, position);
CREATE INDEX events_room_topo ON events (room_num, topo, position, ts); -- ts: so that a moment is found within the index
CREATE INDEX events_notifying ON events (room_num, position) WHERE notifies = 1 AND thread IS NULL;
CREATE INDEX events_notifying_threads ON events (room_num, position) WHERE notifies = 1 AND thread IS NOT NULL;

CREATE TABLE forward_extremities (
    room_num INTEGER NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (room_num, num)
) WITHOUT ROWID;

CREATE TABLE backward_extremities (
    room_num INTEGER NOT NULL,
    missing_id TEXT NOT NULL, -- an event we do not have
    successor_num INTEGER NOT NULL, -- that one of ours which names it
    PRIMARY KEY (room_num, missing_id, successor_num)
) WITHOUT ROWID;

-- The persistent state map: content-addressed nodes, shared between states (rooms/state_map.py).
CREATE TABLE state_nodes (
    node_id BLOB PRIMARY KEY,
    room_num INTEGER NOT NULL, -- its event numbers are one room's, so it is too
    epoch INTEGER NOT NULL, -- the collection after whose begin it was last written
    body BLOB NOT NULL
) WITHOUT ROWID;

-- Rooms that may hold nodes no state refers to any more.
CREATE TABLE rooms_to_collect (
    room_num INTEGER PRIMARY KEY
) WITHOUT ROWID;

-- Current state except memberships, which have their own table.
CREATE TABLE current_state (
    room_num INTEGER NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (room_num, type, state_key)
) WITHOUT ROWID;

CREATE TABLE room_roots (
    room_num INTEGER PRIMARY KEY,
    root BLOB NOT NULL -- current state as a map
);

CREATE TABLE memberships (
    room_num INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    membership TEXT NOT NULL,
    previous TEXT, -- membership before this one
    num INTEGER NOT NULL,
    position INTEGER NOT NULL, -- of the last change
    joined_position INTEGER, -- where the user last came in, also when gone again since; NULL: never
    sender TEXT NOT NULL,
    is_local INTEGER NOT NULL,
    forgotten INTEGER NOT NULL DEFAULT 0,
    displayname TEXT,
    avatar_url TEXT,
    stripped BLOB, -- JSON array of the stripped state that came with an invite or knock
    PRIMARY KEY (room_num, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_id, membership, room_num);
CREATE INDEX memberships_user_position ON memberships (user_id, position);
CREATE INDEX memberships_present ON memberships (room_num, num) WHERE membership IN ('join', 'invite'); -- the first members of a large room
CREATE INDEX memberships_local ON memberships (room_num, is_local, membership);

CREATE TABLE relations (
    parent_id TEXT NOT NULL,
    rel_type TEXT NOT NULL,
    topo INTEGER NOT NULL, -- of the child, as are all that follow
    position INTEGER NOT NULL,
    num INTEGER NOT NULL,
    room_num INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    type TEXT NOT NULL,
    sender TEXT NOT NULL,
    aggregation_key TEXT,
    PRIMARY KEY (parent_id, rel_type, topo, position)
) WITHOUT ROWID;
CREATE INDEX relations_num ON relations (num);

CREATE TABLE threads (
    room_num INTEGER NOT NULL,
    root_id TEXT NOT NULL,
    latest_num INTEGER NOT NULL,
    latest_position INTEGER NOT NULL,
    PRIMARY KEY (room_num, root_id)
) WITHOUT ROWID;
CREATE INDEX threads_latest ON threads (room_num, latest_position);

CREATE TABLE redactions (
    target_id TEXT NOT NULL,
    num INTEGER NOT NULL, -- of the redaction event
    PRIMARY KEY (target_id, num)
) WITHOUT ROWID;

CREATE TABLE transactions (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    txn_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id, txn_id, scope)
) WITHOUT ROWID;
CREATE INDEX transactions_ts ON transactions (ts);

CREATE TABLE highlights (
    user_id TEXT NOT NULL,
    room_num INTEGER NOT NULL,
    position INTEGER NOT NULL,
    thread TEXT,
    PRIMARY KEY (user_id, room_num, position)
) WITHOUT ROWID;
CREATE INDEX highlights_event ON highlights (room_num, position); -- they go when their event is redacted

CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    room_id TEXT NOT NULL,
    creator TEXT NOT NULL,
    created_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX aliases_room ON aliases (room_id);

CREATE TABLE network_listings (
    appservice TEXT NOT NULL,
    network TEXT NOT NULL,
    room_id TEXT NOT NULL,
    PRIMARY KEY (appservice, network, room_id)
) WITHOUT ROWID;

-- ---------------------------------------------------------------- accounts

CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    password_hash TEXT, -- argon2id, as a PHC string; NULL: no password opens this account
    created_ts INTEGER NOT NULL,
    is_guest INTEGER NOT NULL DEFAULT 0,
    is_admin INTEGER NOT NULL DEFAULT 0,
    appservice TEXT, -- ID of the application service that made it
    user_type TEXT, -- support, bot, or NULL
    terms TEXT, -- JSON object: policy ID to the version that was accepted
    deactivated INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0,
    departing INTEGER NOT NULL DEFAULT 0, -- 1: deactivated, but has not left all its rooms yet
    locked INTEGER NOT NULL DEFAULT 0,
    suspended INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX users_departing ON users (departing) WHERE departing = 1;

CREATE TABLE devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    created_ts INTEGER NOT NULL,
    last_seen_ts INTEGER,
    last_seen_ip TEXT,
    user_agent TEXT,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

-- Tokens are random texts of more than 256 bits; only their SHA-256 is stored.
CREATE TABLE access_tokens (
    token_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT,
    expires_ts INTEGER, -- NULL: never
    refresh_hash BLOB -- the refresh token given out with it
) WITHOUT ROWID;
CREATE INDEX access_tokens_user ON access_tokens (user_id, device_id);
CREATE INDEX access_tokens_refresh ON access_tokens (refresh_hash) WHERE refresh_hash IS NOT NULL;
CREATE INDEX access_tokens_expiry ON access_tokens (expires_ts) WHERE expires_ts IS NOT NULL;

CREATE TABLE refresh_tokens (
    token_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    previous_hash BLOB, -- the token it replaces, usable until this one or its access token is first used; then NULL
    revoked INTEGER NOT NULL DEFAULT 0, -- 1: replaced for good, kept to notice that somebody uses it again
    expires_ts INTEGER -- NULL: never
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id, device_id);
CREATE INDEX refresh_tokens_previous ON refresh_tokens (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_ts) WHERE expires_ts IS NOT NULL;

CREATE TABLE login_tokens (
    token_hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL,
    expires_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_tokens_expiry ON login_tokens (expires_ts);

CREATE TABLE registration_tokens (
    token TEXT PRIMARY KEY,
    uses_allowed INTEGER, -- NULL: any number
    pending INTEGER NOT NULL DEFAULT 0, -- open sessions that have named it
    completed INTEGER NOT NULL DEFAULT 0,
    expires_ts INTEGER -- NULL: never
) WITHOUT ROWID;

CREATE TABLE auth_sessions (
    session_hash BLOB PRIMARY KEY, -- SHA-256 of the session ID
    operation TEXT NOT NULL, -- what is being authorised: user, method and path
    body_digest BLOB NOT NULL, -- of the parameters, keyed by the session ID
    completed TEXT NOT NULL, -- JSON object: stage to its result, in order
    parameters TEXT NOT NULL, -- JSON object without secrets
    registration_token TEXT, -- counted as pending
    created_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX auth_sessions_ts ON auth_sessions (created_ts);

CREATE TABLE profiles (
    user_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value BLOB NOT NULL, -- JSON
    PRIMARY KEY (user_id, field)
) WITHOUT ROWID;

CREATE TABLE profile_changes (
    user_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL, -- of the last change
    told INTEGER NOT NULL -- 0: the user's rooms do not all know the new name or picture yet
) WITHOUT ROWID;
CREATE INDEX profile_changes_position ON profile_changes (position);
CREATE INDEX profile_changes_untold ON profile_changes (user_id) WHERE told = 0;

-- Kept by the user directory's reader; its position is the counter 'user_directory'.
CREATE TABLE directory_users (
    user_id TEXT PRIMARY KEY,
    search_text TEXT NOT NULL, -- case-folded: a space before each word of localpart and display name
    displayname TEXT,
    avatar_url TEXT
) WITHOUT ROWID;

CREATE TABLE directory_rooms (
    room_num INTEGER PRIMARY KEY -- anyone may join or read it, so its members are visible to all
);

CREATE TABLE account_data (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL, -- '': global
    type TEXT NOT NULL,
    content BLOB NOT NULL, -- a JSON object; empty: deleted, which clients may still have to hear
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id, type)
) WITHOUT ROWID;
CREATE INDEX account_data_position ON account_data (user_id, position);

CREATE TABLE filters (
    user_id TEXT NOT NULL,
    filter_id TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (user_id, filter_id)
) WITHOUT ROWID;

-- ---------------------------------------------------------------- receipts, presence, reports

CREATE TABLE receipts (
    room_num INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    receipt_type TEXT NOT NULL, -- m.read, m.read.private
    thread TEXT NOT NULL, -- '': unthreaded; main; or a root's event ID
    event_id TEXT NOT NULL,
    event_position INTEGER NOT NULL, -- where that event stands in the stream
    ts INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (room_num, user_id, receipt_type, thread)
) WITHOUT ROWID;
CREATE INDEX receipts_position ON receipts (room_num, position);
CREATE INDEX receipts_user ON receipts (user_id, room_num);

CREATE TABLE presence (
    user_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    status_msg TEXT,
    last_active_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX presence_worth_knowing ON presence (last_active_ts) WHERE state <> 'offline' OR status_msg IS NOT NULL;

CREATE TABLE reports (
    report_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, -- event, room, user
    reporter TEXT NOT NULL,
    room_id TEXT,
    event_id TEXT,
    user_id TEXT,
    reason TEXT,
    score INTEGER,
    created_ts INTEGER NOT NULL,
    resolved_ts INTEGER
);
CREATE INDEX reports_open ON reports (resolved_ts, created_ts);
