-- Rooms that other servers write in, too: the room's current state around an event, where that is not the state at the event.
ALTER TABLE events ADD COLUMN shown_before BLOB;
ALTER TABLE events ADD COLUMN shown_after BLOB;

-- Positions of events from before our time, counted down from 0.
INSERT INTO counters (name, value) VALUES ('history', 0);
