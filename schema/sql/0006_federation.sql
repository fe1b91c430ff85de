-- What federation stands on: keys of servers, and servers that do not answer.

CREATE TABLE server_keys (
    server_name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    public_key BLOB NOT NULL,
    until_ts INTEGER NOT NULL, -- of a retired key: when it was; of another: when it is to be asked for again
    retired INTEGER NOT NULL,
    PRIMARY KEY (server_name, key_id)
) WITHOUT ROWID;

-- The last document of each server, as it signed it.
CREATE TABLE key_documents (
    server_name TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    fetched_ts INTEGER NOT NULL,
    valid_until_ts INTEGER NOT NULL
) WITHOUT ROWID;

-- Former keys of this server.
CREATE TABLE retired_keys (
    key_id TEXT PRIMARY KEY,
    public_key BLOB NOT NULL,
    expired_ts INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE outages (
    destination TEXT PRIMARY KEY,
    since_ts INTEGER NOT NULL,
    retry_ts INTEGER NOT NULL,
    interval_ms INTEGER NOT NULL
) WITHOUT ROWID;
