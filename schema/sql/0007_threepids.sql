-- E-mail addresses of accounts, and the proofs that they are their owners'.

CREATE TABLE threepids (
    medium TEXT NOT NULL, -- email
    address TEXT NOT NULL, -- canonical
    user_id TEXT NOT NULL,
    validated_ts INTEGER NOT NULL,
    added_ts INTEGER NOT NULL,
    PRIMARY KEY (medium, address)
) WITHOUT ROWID;
CREATE INDEX threepids_user ON threepids (user_id);

CREATE TABLE threepid_proofs (
    sid TEXT PRIMARY KEY,
    purpose TEXT NOT NULL, -- register, reset, add
    address TEXT NOT NULL,
    secret_hash BLOB NOT NULL, -- SHA-256 of the client's secret
    send_attempt INTEGER NOT NULL,
    code_hash BLOB, -- SHA-256 of the code in the letter; NULL: the letter held none
    next_link TEXT,
    created_ts INTEGER NOT NULL, -- of the last letter
    wrong_codes INTEGER NOT NULL DEFAULT 0,
    validated_ts INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX threepid_proofs_request ON threepid_proofs (purpose, address, secret_hash);
CREATE INDEX threepid_proofs_ts ON threepid_proofs (created_ts);
