-- Uploaded files and what was fetched from other servers. The bytes lie elsewhere, named by their SHA-256 (storage/media/files.py).

CREATE TABLE media (
    origin TEXT NOT NULL, -- server name of the mxc:// address
    media_id TEXT NOT NULL,
    uploader TEXT, -- NULL: fetched from another server or for a preview
    created_ts INTEGER NOT NULL,
    expires_ts INTEGER, -- a place kept for an upload that has not come: until when; NULL: the file is here
    digest BLOB, -- SHA-256 of the file; NULL: not uploaded yet
    size INTEGER NOT NULL DEFAULT 0,
    content_type TEXT NOT NULL DEFAULT '',
    file_name TEXT,
    accessed_ts INTEGER NOT NULL, -- when somebody asked for it, to the day
    PRIMARY KEY (origin, media_id)
) WITHOUT ROWID;
CREATE INDEX media_uploader ON media (uploader, created_ts, media_id) WHERE uploader IS NOT NULL;
CREATE INDEX media_digest ON media (digest) WHERE digest IS NOT NULL;
CREATE INDEX media_pending ON media (expires_ts) WHERE digest IS NULL;
CREATE INDEX media_accessed ON media (accessed_ts) WHERE digest IS NOT NULL;

CREATE TABLE media_usage (
    user_id TEXT PRIMARY KEY,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE thumbnails (
    digest BLOB NOT NULL, -- of the picture it was made from
    variant TEXT NOT NULL, -- method, size and whether it moves
    file BLOB NOT NULL, -- SHA-256 of the thumbnail; the same as digest where the picture itself serves
    size INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    PRIMARY KEY (digest, variant)
) WITHOUT ROWID;
CREATE INDEX thumbnails_file ON thumbnails (file);

-- Files that are not to be seen, whoever uploads them.
CREATE TABLE quarantined_files (
    digest BLOB PRIMARY KEY,
    quarantined_by TEXT NOT NULL,
    ts INTEGER NOT NULL
) WITHOUT ROWID;

-- Files that lost their last reference and are still to be removed.
CREATE TABLE leftover_files (
    digest BLOB PRIMARY KEY
) WITHOUT ROWID;
