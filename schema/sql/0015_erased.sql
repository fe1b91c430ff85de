-- Messages of users who were erased are hidden from whoever comes after that.

ALTER TABLE users ADD COLUMN erased_position INTEGER; -- the position of the erasure; NULL: it came before this was kept

CREATE INDEX users_erased ON users (erased) WHERE erased = 1;
