-- Pushers. How far their reader has come is the counter 'pushers'.

CREATE TABLE pushers (
    user_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    pushkey TEXT NOT NULL,
    kind TEXT NOT NULL, -- http, email
    app_display_name TEXT NOT NULL,
    device_display_name TEXT NOT NULL,
    profile_tag TEXT,
    lang TEXT NOT NULL,
    data BLOB NOT NULL, -- a JSON object
    device_id TEXT, -- that set it up, and with which it goes
    created_ts INTEGER NOT NULL,
    position INTEGER NOT NULL, -- everything up to there was told
    behind INTEGER NOT NULL DEFAULT 0, -- 1: the reader is ahead of it
    sent_ts INTEGER, -- when something was last told
    unsubscribe TEXT, -- the secret in the link that ends it
    PRIMARY KEY (user_id, app_id, pushkey)
) WITHOUT ROWID;
CREATE INDEX pushers_key ON pushers (app_id, pushkey);
CREATE INDEX pushers_unsubscribe ON pushers (unsubscribe) WHERE unsubscribe IS NOT NULL;
CREATE INDEX pushers_behind ON pushers (behind) WHERE behind = 1;
