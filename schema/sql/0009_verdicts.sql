-- What an event says to one user beside what follows from it for everyone: that it calls him by name, or what push rules of his own say of it.

ALTER TABLE highlights RENAME TO verdicts;
ALTER TABLE verdicts ADD COLUMN notifies INTEGER NOT NULL DEFAULT 1; -- 0: it does not count for him
ALTER TABLE verdicts ADD COLUMN highlight INTEGER NOT NULL DEFAULT 1;
DROP INDEX highlights_event;
CREATE INDEX verdicts_position ON verdicts (position); -- they go when their event is redacted, or is long past
