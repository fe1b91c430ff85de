-- Application services: how far each was told of what happens. Their registrations are files.

CREATE TABLE appservices (
    service_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL, -- everything up to here was accepted or did not concern it
    txn_id TEXT, -- the transaction under way, until it is accepted; NULL: there is none
    txn_until INTEGER, -- the position once it is accepted
    txn_body BLOB, -- as it is sent
    txn_fetched BLOB, -- messages to devices in it, as a JSON list of [user, device, position]
    failures INTEGER NOT NULL, -- how often in a row it was not accepted
    retry_ts INTEGER NOT NULL -- when it is to be sent again
) WITHOUT ROWID;

CREATE INDEX to_device_position ON to_device (position);
