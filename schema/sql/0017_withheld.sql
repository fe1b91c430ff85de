-- What stood in events that were redacted while their room was known in part: until it is known whether the redaction was anybody's to make.
CREATE TABLE withheld_events (
    num INTEGER PRIMARY KEY,
    room_num INTEGER NOT NULL,
    body BLOB NOT NULL, -- as it was in `events`
    links BLOB NOT NULL,
    until_ts INTEGER NOT NULL -- when it goes in any case; 0: the upkeep has not met it yet
);
CREATE INDEX withheld_events_room ON withheld_events (room_num);
CREATE INDEX withheld_events_until ON withheld_events (until_ts);
