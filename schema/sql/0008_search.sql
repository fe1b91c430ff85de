-- The index of what was said in rooms (homeserver/search/block.py). Its reader's position is the counter 'search'.

CREATE TABLE search_blocks (
    room_num INTEGER NOT NULL,
    until INTEGER NOT NULL, -- position of the last event that the block stands for
    since INTEGER NOT NULL, -- where the block before it ends: blocks of a room leave no gap between them
    body BLOB NOT NULL,
    PRIMARY KEY (room_num, until)
);

CREATE TABLE search_stale (
    room_num INTEGER NOT NULL,
    position INTEGER NOT NULL, -- of a redacted event whose words a block may still hold
    PRIMARY KEY (room_num, position)
) WITHOUT ROWID;
