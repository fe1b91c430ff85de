-- Rooms entered without their members, which come later.
CREATE TABLE partial_rooms (
    room_num INTEGER PRIMARY KEY,
    servers TEXT, -- JSON array: those said to be in it, the likeliest to answer first; NULL: the room is whole by now
    whole_position INTEGER NOT NULL -- where it became whole; 0: it is not
);

-- Events whose state is known in part.
CREATE TABLE partial_events (
    room_num INTEGER NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (room_num, num)
) WITHOUT ROWID;
