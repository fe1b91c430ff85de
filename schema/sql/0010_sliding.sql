-- Simplified sliding sync: what each connection of a device was told.

CREATE TABLE sliding_connections (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL, -- '': none
    conn_id TEXT NOT NULL,
    used_ts INTEGER NOT NULL, -- to within half a day
    PRIMARY KEY (user_id, device_id, conn_id)
) WITHOUT ROWID;
CREATE INDEX sliding_connections_used ON sliding_connections (used_ts);

-- A whole state now and then, and the changes since, each with the number that the client's token names.
CREATE TABLE sliding_states (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    conn_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    is_whole INTEGER NOT NULL,
    body BLOB NOT NULL, -- JSON: wishes for state by number, and what is known of rooms by their numbers
    PRIMARY KEY (user_id, device_id, conn_id, number)
) WITHOUT ROWID;
