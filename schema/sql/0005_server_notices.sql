-- Where the administrators tell each user something.
CREATE TABLE server_notice_rooms (
    user_id TEXT PRIMARY KEY,
    room_id TEXT NOT NULL
) WITHOUT ROWID;
