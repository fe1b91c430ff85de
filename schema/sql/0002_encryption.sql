-- Keys of devices and users, messages to devices, key backups.

CREATE TABLE device_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    body BLOB NOT NULL, -- JSON object as uploaded, with the signatures that everybody may see
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

CREATE TABLE one_time_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    position INTEGER NOT NULL, -- of the upload: the eldest is given out first
    body BLOB NOT NULL, -- JSON
    PRIMARY KEY (user_id, device_id, algorithm, key_id)
) WITHOUT ROWID;
CREATE INDEX one_time_keys_order ON one_time_keys (user_id, device_id, algorithm, position);

CREATE TABLE fallback_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    body BLOB NOT NULL, -- JSON
    used INTEGER NOT NULL, -- 1: given out at least once
    PRIMARY KEY (user_id, device_id, algorithm)
) WITHOUT ROWID;

CREATE TABLE cross_signing_keys (
    user_id TEXT NOT NULL,
    usage TEXT NOT NULL, -- master, self_signing, user_signing
    public_key TEXT NOT NULL,
    body BLOB NOT NULL, -- JSON object with the signatures that everybody may see
    PRIMARY KEY (user_id, usage)
) WITHOUT ROWID;

-- Signatures on another user's master key: only who made one may see it.
CREATE TABLE user_signatures (
    signer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (signer, user_id, public_key, key_id)
) WITHOUT ROWID;
CREATE INDEX user_signatures_user ON user_signatures (user_id);

-- The last change of what /keys/query says of a user.
CREATE TABLE device_list_changes (
    user_id TEXT NOT NULL,
    observer TEXT NOT NULL, -- '': for everybody; else only this user sees it
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, observer)
) WITHOUT ROWID;
CREATE INDEX device_list_changes_position ON device_list_changes (position);
CREATE INDEX memberships_room_position ON memberships (room_num, position);

CREATE TABLE to_device (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    sender TEXT NOT NULL,
    event BLOB NOT NULL, -- ready JSON
    PRIMARY KEY (user_id, device_id, position)
) WITHOUT ROWID;
CREATE INDEX to_device_sender ON to_device (user_id, device_id, sender);

CREATE TABLE to_device_transactions (
    origin TEXT NOT NULL, -- a user of ours, or another server
    device_id TEXT NOT NULL, -- '': another server, or no device
    txn_id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (origin, device_id, txn_id)
) WITHOUT ROWID;
CREATE INDEX to_device_transactions_ts ON to_device_transactions (ts);

CREATE TABLE backup_versions (
    user_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    algorithm TEXT NOT NULL,
    auth_data BLOB NOT NULL, -- JSON object
    etag INTEGER NOT NULL,
    key_count INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, -- kept so that no number is used twice
    PRIMARY KEY (user_id, version)
) WITHOUT ROWID;

CREATE TABLE backup_keys (
    user_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    room_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    first_message_index INTEGER NOT NULL,
    forwarded_count INTEGER NOT NULL,
    is_verified INTEGER NOT NULL,
    body BLOB NOT NULL, -- JSON object
    PRIMARY KEY (user_id, version, room_id, session_id)
) WITHOUT ROWID;

CREATE TABLE dehydrated_devices (
    user_id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL,
    device_data BLOB NOT NULL -- JSON object
) WITHOUT ROWID;
