-- What other servers are still to be told, and what is known of their users' devices.

-- Servers that have not got everything; a server that has is in neither of the two.
CREATE TABLE servers_behind (
    destination TEXT PRIMARY KEY,
    position INTEGER NOT NULL -- of changes of keys it was told up to here
) WITHOUT ROWID;

CREATE TABLE owed_rooms (
    destination TEXT NOT NULL,
    room_id TEXT NOT NULL,
    position INTEGER NOT NULL, -- it has the events of ours up to here
    PRIMARY KEY (destination, room_id)
) WITHOUT ROWID;

-- Messages to devices on other servers, until these have them.
CREATE TABLE outgoing_letters (
    destination TEXT NOT NULL,
    position INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    content BLOB NOT NULL, -- of the m.direct_to_device
    PRIMARY KEY (destination, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX outgoing_letters_id ON outgoing_letters (destination, message_id);

-- Users of other servers whose device lists are followed.
CREATE TABLE remote_users (
    user_id TEXT PRIMARY KEY,
    stream_id INTEGER NOT NULL, -- of the last update
    stale INTEGER NOT NULL, -- 1: an update is missing, to be asked for as a whole
    master_key BLOB, -- JSON object
    self_signing_key BLOB
) WITHOUT ROWID;

CREATE TABLE remote_devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    body BLOB NOT NULL, -- JSON object without `unsigned`
    display_name TEXT,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

ALTER TABLE device_list_changes ADD COLUMN devices_position INTEGER; -- of the last change of a single device; NULL: there was none
